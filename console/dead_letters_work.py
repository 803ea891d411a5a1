"""What the commands do with the stream: connect, find what is meant, replay and discard it with a progress bar."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from collectors.registry import SOURCES
from console.context import Context
from pipeline.chassis.settings import ByteSize
from pipeline.errors import StreamUnavailable
from pipeline.stream import (
    DEAD_LETTER_WINDOW,
    DeadLetterArchive,
    DeadLetterFilter,
    DeadLetters,
    Replayer,
    ReplayTally,
    StreamConnection,
    StreamPublisher,
    StreamSettings,
    UnclearId,
)


class ReplaySettings(msgspec.Struct, frozen=True):
    event_size_limit: ByteSize = ByteSize(256 * 1024)
    """The largest single event: the same as the gateway's."""


class DeadLetterDesk:
    """An open connection, and what can be done with it."""

    def __init__(self, connection: StreamConnection, settings: ReplaySettings) -> None:
        dead_letters = DeadLetters(StreamPublisher(connection, DEAD_LETTER_WINDOW))
        self.archive = DeadLetterArchive(connection, dead_letters)
        self._replayer = Replayer(
            self.archive, StreamPublisher(connection), SOURCES, settings.event_size_limit
        )

    async def resolve(self, wanted: DeadLetterFilter) -> DeadLetterFilter:
        """The same with whole ids in place of their beginnings. Raises UnclearId."""
        ids = [(await self.archive.find(prefix)).id for prefix in wanted.ids]
        return msgspec.structs.replace(wanted, ids=tuple(ids))

    async def replay(
        self, wanted: DeadLetterFilter, limit: int | None, total: int, progress: Console, *, dry_run: bool
    ) -> ReplayTally:
        """The totals at the end. When it breaks off, what was done by then is told before the error."""
        last = ReplayTally()
        with _progress(progress) as bar:
            task = bar.add_task("judging" if dry_run else "replaying", total=total)
            try:
                async with aclosing(self._replayer.replay(wanted, limit, dry_run=dry_run)) as tallies:
                    async for last in tallies:
                        bar.update(task, completed=last.selected)
            except StreamUnavailable as error:
                raise StreamUnavailable(
                    f"{error}; {last.replayed:,} were replayed before, start it again"
                ) from error
        return last

    async def discard(
        self, wanted: DeadLetterFilter, limit: int | None, total: int, progress: Console
    ) -> int:
        """How many are gone."""
        last = 0
        with _progress(progress) as bar:
            task = bar.add_task("discarding", total=total)
            try:
                async with aclosing(self.archive.discard(wanted, limit)) as counts:
                    async for last in counts:
                        bar.update(task, completed=last)
            except StreamUnavailable as error:
                raise StreamUnavailable(f"{error}; {last:,} were discarded before, start it again") from error
        return last


@asynccontextmanager
async def opened_desk(context: Context) -> AsyncGenerator[DeadLetterDesk]:
    """A desk for one command. What goes wrong with NATS ends the command with one line and status 1."""
    settings = context.load(StreamSettings)
    connection = StreamConnection(settings, "console")
    try:
        await _open(connection, settings)
        yield DeadLetterDesk(connection, context.load(ReplaySettings))
    except (StreamUnavailable, UnclearId) as error:
        raise click.ClickException(str(error)) from None
    finally:
        await connection.close()


async def _open(connection: StreamConnection, settings: StreamSettings) -> None:
    try:
        await connection.open()
    except StreamUnavailable as error:
        # The address may hold a password.
        hosts = [urlsplit(url).netloc.rpartition("@")[2] for url in settings.nats_url.split(",")]
        detail = (
            f"cannot reach NATS at {', '.join(hosts)} (NATS_URL). Is Sluice running? ./start.sh starts it."
        )
        raise StreamUnavailable(detail) from error


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
