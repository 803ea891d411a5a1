"""`sluice counters`: the live counters in Redis, to look at, to compare with Postgres and to build anew."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import click
import msgspec
from rich.console import Console

from collectors.registry import SOURCES
from console.context import Context
from console.counters_rendering import Shown, show_checked, show_counters, show_rebuilt
from pipeline.errors import LiveUnavailable, StoreUnavailable
from pipeline.live import Comparison, LiveConnection, LiveCounters, LiveSettings, Rebuilt, compare, rebuild
from pipeline.store import Database, StoreSettings
from pipeline.store.live_updates import LiveUpdates
from pipeline.store.projections import PROJECTIONS

AnswerT = TypeVar("AnswerT")
Question = Callable[[LiveCounters, LiveUpdates, float], Awaitable[AnswerT | None]]

_TRY_AGAIN_SECONDS = 0.2
_WAIT_SECONDS = 30.0

_source_option = click.option(
    "--source", "sources", type=click.Choice(sorted(SOURCES)), multiple=True, help="Only these; else all."
)
_json_option = click.option(
    "--json", "json_wanted", is_flag=True, help="One JSON document on standard output."
)


@click.group()
def counters() -> None:
    """The live counters in Redis: rebuild, show, check.

    Exit status: 0 when all is well, 1 when a command could not do it or found a difference, 2 when called wrongly.
    """


@counters.command("rebuild")
@_source_option
@_json_option
@click.pass_obj
def rebuild_command(context: Context, *, sources: Sequence[str], json_wanted: bool) -> None:
    """Replaces the counters by what Postgres says. Everything else goes on meanwhile."""
    made: dict[str, Rebuilt] = _ask(context, sources, rebuild)
    if json_wanted:
        click.echo(msgspec.json.format(msgspec.json.encode(made)))
    else:
        show_rebuilt(Console(), made)


@counters.command("check")
@_source_option
@_json_option
@click.pass_obj
def check_command(context: Context, *, sources: Sequence[str], json_wanted: bool) -> None:
    """Compares every counter with Postgres, at one instant. Updates wait for that long, which is milliseconds."""
    found: dict[str, Comparison] = _ask(context, sources, compare)
    if json_wanted:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        show_checked(Console(), found)
    if any(each.differences or each.condition != "good" for each in found.values()):
        raise SystemExit(1)


@counters.command("show")
@_source_option
@_json_option
@click.pass_obj
def show_command(context: Context, *, sources: Sequence[str], json_wanted: bool) -> None:
    """What the counters say."""

    async def look(live: LiveCounters, updates: LiveUpdates, _: float) -> Shown:
        standing, values = await live.standing(), await live.read()
        return Shown(standing.condition, await updates.waiting(1_000_000), values)

    found = _ask(context, sources, look)
    if json_wanted:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        show_counters(Console(), found)


def _ask(context: Context, sources: Sequence[str], question: Question[AnswerT]) -> dict[str, AnswerT]:
    """The answers by source. Ends the command when Redis or Postgres is away."""
    live, store = context.load(LiveSettings), context.load(StoreSettings)
    if not live.redis_url:
        raise click.ClickException("REDIS_URL is not set: there are no live counters")

    async def ask() -> dict[str, AnswerT]:
        async with Database(store) as database:
            connection = LiveConnection(live, "console")
            try:
                return {
                    source: await _until_nobody_holds(
                        question,
                        LiveCounters(connection, source, SOURCES[source].projection),
                        LiveUpdates(database, source, PROJECTIONS[SOURCES[source].projection]),
                        live,
                    )
                    for source in sources or SOURCES
                }
            finally:
                await connection.close()

    try:
        return asyncio.run(ask())
    except LiveUnavailable as error:
        raise click.ClickException(f"Redis: {error}") from None
    except StoreUnavailable as error:
        raise click.ClickException(f"Postgres: {error}") from None


async def _until_nobody_holds(
    question: Question[AnswerT], live: LiveCounters, updates: LiveUpdates, settings: LiveSettings
) -> AnswerT:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _WAIT_SECONDS
    while (answer := await question(live, updates, settings.live_hold_seconds)) is None:
        if loop.time() > deadline:
            raise click.ClickException(
                f"somebody else has held the counters of {live.layout.source} for too long"
            )
        await asyncio.sleep(_TRY_AGAIN_SECONDS)
    return answer
