"""Facebook events on their way to the collector, and what is found of them at its end."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
from nats.aio.client import Client

from collectors.registry import SOURCES
from pipeline.events.batch import RecordBatch
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.dead_letter_batch import read_letters
from publisher import Generator, Span

FORMAT = SOURCES["facebook"].event_format


def make_events(count: int, seed: int = 1) -> list[bytes]:
    """Realistic Facebook events, happening now."""
    batch = Generator(seed).batch(4 * count + 40, Span(time.time_ns(), 1_000_000))
    chosen = (i for i in range(len(batch.raws)) if b'"source":"facebook"' in batch.raws[i])
    return [batch.raws[i] for i, _ in zip(chosen, range(count), strict=False)]


def changed(raw: bytes, **changes: Any) -> bytes:
    """The event with other top-level fields; dots in a name lead deeper: `data.user.name` as data__user__name."""
    document = msgspec.json.decode(raw)
    for name, value in changes.items():
        place = document
        *way, last = name.split("__")
        for step in way:
            place = place[step]
        place[last] = value
    return msgspec.json.encode(document)


def event_id(raw: bytes) -> str:
    """The event's own id."""
    return msgspec.json.decode(raw)["eventId"]


def batch_of(events: Sequence[bytes], correlation_id: str = "request-1", **changes: Any) -> RecordBatch:
    """A record batch as the gateway makes it."""
    fields: dict[str, Any] = {
        "source": "facebook",
        "format": FORMAT,
        "events": [msgspec.Raw(raw) for raw in events],
        "received_at": datetime.now(UTC),
        "correlation": [(correlation_id, len(events))],
    }
    return RecordBatch(**{**fields, **changes})


async def stored_ids(look: asyncpg.Connection) -> list[str]:
    """The ids of all rows, each as often as it is stored."""
    return [row["event_id"] for row in await look.fetch("SELECT event_id FROM events ORDER BY event_id")]


async def dead_letters(other_program: Client) -> list[DeadLetter]:
    """Everything in DEAD_LETTERS, in order."""
    jetstream = other_program.jetstream()
    state = (await jetstream.stream_info("DEAD_LETTERS")).state
    messages = [await jetstream.get_msg("DEAD_LETTERS", seq=seq + 1) for seq in range(state.messages)]
    return [letter for message in messages for letter in read_letters(message.data or b"") or []]


async def waiting(other_program: Client) -> int:
    """Batches that are not acknowledged."""
    return (await other_program.jetstream().stream_info("EVENTS")).state.messages
