"""Keeps the raw bytes of what was signed and cannot be stored: the provider will not send it again."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from gateway.telemetry import SERVICE
from gateway.webhooks.doors import Door
from gateway.webhooks.updates import BadPart
from pipeline.events.dead_letter import MAX_KEPT_BYTES, DeadLetter, dead_letter_of
from pipeline.stream import DeadLetters


class Quarantine:
    """Dead letters of deliveries. No header is kept, for some of them are secrets."""

    def __init__(self, dead_letters: DeadLetters) -> None:
        self._dead_letters = dead_letters

    async def keep(
        self, door: Door, rejected: Sequence[BadPart], received_at: datetime, correlation_id: str
    ) -> None:
        """Returns when all of it is on disk. Raises StreamUnavailable."""
        await self._dead_letters.keep(
            letter
            for bad in rejected
            for letter in _letters(
                bad,
                source=door.source.name,
                correlation_id=correlation_id,
                received_at=received_at,
            )
        )


def _letters(
    bad: BadPart, *, source: str, correlation_id: str, received_at: datetime
) -> Iterator[DeadLetter]:
    """One letter, or as many as it takes to keep all of a body that is larger than a letter may be."""
    size = len(bad.raw)
    is_whole = size <= MAX_KEPT_BYTES
    for start in range(0, max(size, 1), MAX_KEPT_BYTES):
        part = bad.raw[start : start + MAX_KEPT_BYTES]
        place = "" if is_whole else f" (bytes {start} to {start + len(part)} of {size})"
        letter = dead_letter_of(
            part,
            msgspec.structs.replace(bad.rejection, detail=bad.rejection.detail + place),
            source=source,
            format_name=bad.format,
            correlation_id=correlation_id,
            stage=SERVICE,
            received_at=received_at,
        )
        # A part is no update: nobody may try to replay it.
        yield letter if is_whole else msgspec.structs.replace(letter, truncated=True)
