"""Record batches as the gateway publishes them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from pipeline.events.batch import RecordBatch

SUBJECT = "events.facebook"


def batch(*events: bytes) -> RecordBatch:
    """A batch of these raw events, received now."""
    return RecordBatch(
        source="facebook",
        format="facebook.event.v1",
        events=[msgspec.Raw(event) for event in events],
        received_at=datetime.now(UTC),
        correlation=[("test-17", len(events))],
    )


def numbered(count: int, start: int = 0) -> Sequence[RecordBatch]:
    """Batches of one event each, which is a number: [0], [1], …"""
    return [batch(str(number).encode()) for number in range(start, start + count)]


def numbers(payloads: Sequence[bytes]) -> list[int]:
    """What `numbered` put into them."""
    return [number for payload in payloads for number in msgspec.json.decode(payload, type=list[int])]
