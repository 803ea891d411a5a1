"""`sluice backup` and `sluice restore`."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from console.backup import database as tables
from console.backup.manifest import Manifest, read_manifest, verify
from console.backup.postgres_programs import PostgresPrograms
from console.backup.restoring import (
    refuse_over_data,
    refuse_while_running,
    restore_database,
    restore_streams,
    total_bytes,
)
from console.backup.taking import AFTER_THE_DATABASE, BEFORE_THE_DATABASE, BackupFolder
from console.context import Context
from pipeline.errors import SluiceError
from pipeline.store import Database, StoreSettings
from pipeline.stream import StreamSettings
from pipeline.stream.inspection import StreamInspection, inspect_streams

_PATIENT_SECONDS = 3600.0
"""Statistics of a large database take a while, and nobody waits for these statements."""

_only_option = click.option(
    "--only", type=click.Choice(["streams", "database"]), help="One of the two alone."
)
_folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.command()
@_folder_argument
@_only_option
@click.pass_obj
def backup(context: Context, *, folder: Path, only: str | None) -> None:
    """Saves the streams and the database to a new FOLDER, while everything goes on.

    Everything that was accepted before is in it. Do not replay or discard dead letters meanwhile.
    """

    async def save() -> Manifest:
        async with _opened(context, only) as (inspection, database):
            with _progress() as told:
                target = BackupFolder(folder, told)
                if inspection is not None:
                    await target.save_streams(inspection, BEFORE_THE_DATABASE)
                if database is not None:
                    await target.save_database(_programs(context), await tables.facts(database))
                if inspection is not None:
                    await target.save_streams(inspection, AFTER_THE_DATABASE)
            return target.finish(inspection.version if inspection else "")

    with _failures():
        manifest = asyncio.run(save())
    _show(manifest)
    seconds = (manifest.finished - manifest.begun).total_seconds()
    size = total_bytes(manifest.files)
    click.echo(
        f"Saved {size:,} bytes to {folder} in {seconds:.1f} s. It holds personal data: keep it as such."
    )


@click.command()
@_folder_argument
@_only_option
@click.option("--force", is_flag=True, help="Replace what is there, for good.")
@click.option("--no-privileges", is_flag=True, help="Without what other roles may do in the database.")
@click.option("--check", is_flag=True, help="Only see whether the backup is complete and undamaged.")
@click.pass_obj
def restore(
    context: Context, *, folder: Path, only: str | None, force: bool, no_privileges: bool, check: bool
) -> None:
    """Puts a backup back. The servers must run and the services must not.

    What is there already is replaced only with --force. Running it again after it broke off is safe.
    """
    with _failures():
        manifest = _chosen(read_manifest(folder), only)
        with _progress() as told:
            verify(folder, manifest.files, lambda count: told("checking", count))
        if check:
            _show(manifest)
            click.echo(f"{folder} is complete and undamaged.")
            return
        asyncio.run(_restore(context, folder, manifest, force=force, privileges=not no_privileges))
    click.echo(
        "Now start the services: ./start.sh applies newer migrations first. The live counters are then"
    )
    click.echo("built anew by the collectors; ./sluice counters check tells when they agree.")


async def _restore(
    context: Context, folder: Path, manifest: Manifest, *, force: bool, privileges: bool
) -> None:
    settings = context.console
    collectors = [address for some in settings.collectors().values() for address in some]
    await refuse_while_running([*settings.gateway_url, *collectors, settings.reporter_url])
    only = None if manifest.streams and manifest.database else "streams" if manifest.streams else "database"
    async with _opened(context, only) as (inspection, database):
        if not force:
            await refuse_over_data(manifest, inspection, database)
        if database is not None and manifest.database is not None:
            path = folder / manifest.database.file.name
            events = await restore_database(_programs(context), database, path, privileges=privileges)
            click.echo(f"database: {events:,} events")
        if inspection is not None:
            with _progress() as told:
                counts = await restore_streams(folder, manifest, inspection, told)
            for name, count in counts.items():
                click.echo(f"{name}: {count:,} messages")


def _chosen(manifest: Manifest, only: str | None) -> Manifest:
    """What of a backup is wanted. Ends the command when it has nothing of that."""
    if only == "streams":
        manifest = msgspec.structs.replace(manifest, database=None)
    elif only == "database":
        manifest = msgspec.structs.replace(manifest, streams=[])
    if not manifest.files:
        raise click.ClickException(f"this backup was made without the {only}")
    return manifest


@asynccontextmanager
async def _opened(
    context: Context, only: str | None
) -> AsyncGenerator[tuple[StreamInspection | None, Database | None]]:
    """Connections to what is wanted, tried out."""
    if only == "database":
        async with _opened_database(context) as database:
            yield None, database
        return
    async with inspect_streams(context.load(StreamSettings), "backup") as inspection:
        if only == "streams":
            yield inspection, None
            return
        async with _opened_database(context) as database:
            yield inspection, database


@asynccontextmanager
async def _opened_database(context: Context) -> AsyncGenerator[Database]:
    settings = msgspec.structs.replace(
        context.load(StoreSettings),
        database_connections=1,
        database_statement_timeout_seconds=_PATIENT_SECONDS,
    )
    async with Database(settings) as database:
        await database.ping()
        yield database


def _programs(context: Context) -> PostgresPrograms:
    url = context.load(StoreSettings).database_url
    return PostgresPrograms(url, context.console.postgres_programs, context.environ)


def _show(manifest: Manifest) -> None:
    click.echo(f"Begun {manifest.begun:%Y-%m-%d %H:%M:%S} UTC: all that was accepted before is in it.")
    for stream in manifest.streams:
        click.echo(f"  {stream.name}: {stream.snapshot.messages:,} messages, {stream.file.bytes:,} bytes")
    if database := manifest.database:
        newest = database.migrations[-1] if database.migrations else "none"
        click.echo(
            f"  database: {database.file.bytes:,} bytes, Postgres {database.postgres}, migrated to {newest}"
        )


@contextmanager
def _failures() -> Generator[None]:
    """What goes wrong ends the command with one line and status 1."""
    try:
        yield
    except SluiceError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'writing'}: {error.strerror}") from None


class _Bars:
    """One bar for each thing that moves, by its name."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, count: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None)
        self._progress.advance(self._tasks[name], count)


@contextmanager
def _progress() -> Generator[_Bars]:
    columns = (TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bars(progress)
