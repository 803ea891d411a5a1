"""Keeps the raw bytes of what was signed and cannot be stored: the provider will not send it again."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from gateway.events.intake import BadEvent
from gateway.telemetry import SERVICE
from gateway.webhooks.doors import Door
from pipeline.events.dead_letter import DeadLetter, new_dead_letter_id
from pipeline.stream import DeadLetters

MAX_LETTER_BYTES = 256 * 1024
"""What is larger becomes several letters: each must fit into one message."""

_KEPT_AT_ONCE = 256


class Quarantine:
    """Dead letters of deliveries. No header is kept, for some of them are secrets."""

    def __init__(self, dead_letters: DeadLetters) -> None:
        self._dead_letters = dead_letters

    async def keep(
        self,
        door: Door,
        rejected: Sequence[BadEvent],
        received_at: datetime,
        failed_at: datetime,
        correlation_id: str,
    ) -> None:
        """Returns when all of it is on disk. Raises StreamUnavailable."""
        letters: list[DeadLetter] = []
        for bad in rejected:
            for raw, detail in _parts(bad.raw):
                rejection = msgspec.structs.replace(bad.rejection, detail=bad.rejection.detail + detail)
                letters.append(
                    DeadLetter(
                        id=new_dead_letter_id(),
                        source=door.source.name,
                        format=door.webhook.format,
                        rejection=rejection,
                        raw=raw,
                        correlation_id=correlation_id,
                        stage=SERVICE,
                        received_at=received_at,
                        failed_at=failed_at,
                    )
                )
                if len(letters) == _KEPT_AT_ONCE:
                    await self._dead_letters.keep(letters)
                    letters = []
        await self._dead_letters.keep(letters)


def _parts(raw: bytes) -> Iterator[tuple[bytes, str]]:
    """The bytes in pieces that fit, and what each is to be called; the whole has no name."""
    if len(raw) <= MAX_LETTER_BYTES:
        yield raw, ""
        return
    for start in range(0, len(raw), MAX_LETTER_BYTES):
        piece = raw[start : start + MAX_LETTER_BYTES]
        yield piece, f" (bytes {start} to {start + len(piece)} of {len(raw)})"
