"""What NATS tells: how full the streams are, what of each source waits, which dead letters are kept."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from console.status.snapshot import DeadLetterState, StreamState
from pipeline.stream import Backlog, DeadLetters, StreamPublisher, StreamSettings
from pipeline.stream.dead_letter_archive import DeadLetterArchive
from pipeline.stream.dead_letter_filter import DeadLetterFilter
from pipeline.stream.inspection import StreamInspection, inspect_streams
from pipeline.stream.topology import DEAD_LETTERS, EVENTS

_TIMEOUT_SECONDS = 3.0
_COUNTING_SECONDS = 3.0


class StreamView(msgspec.Struct, frozen=True):
    """Everything at one moment. `dead_letters` is None when there are too many to be counted in time."""

    version: str
    streams: Sequence[StreamState]
    backlogs: Mapping[str, Backlog]
    dead_letters: Sequence[DeadLetterState] | None


async def look_at_streams(settings: StreamSettings, sources: Iterable[str]) -> StreamView:
    """Raises StreamUnavailable."""
    settings = msgspec.structs.replace(settings, nats_request_timeout_seconds=_TIMEOUT_SECONDS)
    async with inspect_streams(settings, "console") as inspection:
        fills = await inspection.fills()
        streams = [
            StreamState(name, True, fill.messages, fill.bytes, fill.max_bytes, fill.share)
            if (fill := fills.get(name))
            else StreamState(name, False)
            for name in (EVENTS, DEAD_LETTERS)
        ]
        backlogs = {source: await inspection.backlog(source) for source in sources} if EVENTS in fills else {}
        letters = await _dead_letters(inspection) if DEAD_LETTERS in fills else ()
        return StreamView(inspection.version, streams, backlogs, letters)


async def _dead_letters(inspection: StreamInspection) -> Sequence[DeadLetterState] | None:
    connection = inspection.connection
    archive = DeadLetterArchive(connection, DeadLetters(StreamPublisher(connection)))
    try:
        async with asyncio.timeout(_COUNTING_SECONDS):
            counts = await archive.counts(DeadLetterFilter())
    except TimeoutError:
        return None
    return [DeadLetterState(count.source, count.reason, count.letters) for count in counts]
