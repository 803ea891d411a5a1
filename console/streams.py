"""`sluice streams`: puts the streams in place, and says what each program may do with them."""

import asyncio

import click
import msgspec

from collectors.registry import SOURCES
from console.context import Context
from pipeline.errors import StreamUnavailable
from pipeline.store.projections import PROJECTIONS
from pipeline.stream import StreamConnection, StreamSettings
from pipeline.stream.rights import SourceName, rights_of_programs, server_configuration

_SECONDS = 30.0


@click.group()
def streams() -> None:
    """The streams of JetStream: ensure, rights."""


@streams.command("ensure")
@click.pass_obj
def ensure_command(context: Context) -> None:
    """Creates the streams that are missing, and changes those whose limits differ from the settings.

    Every service does so at its start, unless STREAM_MANAGE=false says that it may not. Then this must be run before
    the services and whenever a limit is changed. It waits 30 s for NATS.
    """
    settings = msgspec.structs.replace(context.load(StreamSettings), stream_manage=True)
    try:
        told = asyncio.run(_ensure(settings))
    except StreamUnavailable as error:
        raise click.ClickException(str(error)) from None
    for line in told:
        click.echo(line)


async def _ensure(settings: StreamSettings) -> list[str]:
    connection = StreamConnection(settings, "topology")
    stop = asyncio.Event()
    running = asyncio.create_task(connection.run(stop))
    try:
        async with asyncio.timeout(_SECONDS):
            await connection.ready()
    except TimeoutError:
        connection.client  # says why it is not connected, if that is the reason  # noqa: B018
        raise StreamUnavailable(f"NATS did not put the streams in place within {_SECONDS:g} s") from None
    finally:
        stop.set()
        await running
        await connection.close()
    return [f"{info.config.name}: in place" for info in connection.streams]


@streams.command("rights")
def rights_command() -> None:
    """The users of a NATS server with their least rights, as configuration: what ops/nats/users.conf is."""
    click.echo(users_conf(), nl=False)


def users_conf() -> str:
    """One user for each program, by the registry."""
    names = [SourceName(source.name, PROJECTIONS[source.projection].notifies) for source in SOURCES.values()]
    return server_configuration(rights_of_programs(names))
