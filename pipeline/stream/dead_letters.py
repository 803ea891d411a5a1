"""Keeps what was refused, in the stream DEAD_LETTERS: one message each, so that each can be shown and replayed."""

from collections.abc import Sequence

import msgspec

from pipeline.chassis.concurrency import all_or_cancel
from pipeline.events.batch import MESSAGE_ID_HEADER
from pipeline.events.dead_letter import DeadLetter
from pipeline.stream.publisher import StreamPublisher
from pipeline.stream.topology import dead_subject

REASON_HEADER = "Sluice-Reason"

_AT_ONCE = 256

_encode = msgspec.json.Encoder().encode


class DeadLetters:
    """Publishes dead letters with the same promise as events: when `keep` returns they are on disk."""

    def __init__(self, publisher: StreamPublisher) -> None:
        self._publisher = publisher

    async def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Raises StreamUnavailable when one of them is not known to be kept."""
        for start in range(0, len(letters), _AT_ONCE):
            await all_or_cancel(self._keep(letter) for letter in letters[start : start + _AT_ONCE])

    async def _keep(self, letter: DeadLetter) -> None:
        headers = {MESSAGE_ID_HEADER: letter.id, REASON_HEADER: letter.rejection.reason.value}
        await self._publisher.publish(dead_subject(letter.source), _encode(letter), headers)
