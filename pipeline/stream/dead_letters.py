"""Keeps what was refused, in the stream DEAD_LETTERS: letters of one source and one reason share messages."""

import asyncio
from collections.abc import Iterable, Sequence

from pipeline.chassis.concurrency import all_or_cancel
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.dead_letter_batch import DeadLetterBatch, LetterPacker
from pipeline.stream.publisher import StreamPublisher
from pipeline.stream.topology import dead_subject

DEAD_LETTER_WINDOW = 4
"""Messages of dead letters that one process has under way: a flood of bad events leaves the disk to the good ones."""

_TURN_LETTERS = 200
"""Others get a turn after so many letters: about half a millisecond."""


class DeadLetters:
    """Publishes dead letters with the same promise as events: when `keep` returns they are on disk.

    Give it a publisher of its own, with a window of DEAD_LETTER_WINDOW.
    """

    def __init__(self, publisher: StreamPublisher) -> None:
        self._publisher = publisher

    async def keep(self, letters: Iterable[DeadLetter]) -> None:
        """Raises StreamUnavailable when one of them is not known to be kept. Keeping the same again is harmless."""
        packer = LetterPacker()
        complete: list[DeadLetterBatch] = []
        for number, letter in enumerate(letters, start=1):
            if batch := packer.add(letter):
                complete.append(batch)
            if len(complete) == DEAD_LETTER_WINDOW:
                await self._publish(complete)
                complete = []
            elif number % _TURN_LETTERS == 0:
                await asyncio.sleep(0)
        await self._publish([*complete, *packer.rest()])

    async def _publish(self, batches: Sequence[DeadLetterBatch]) -> None:
        await all_or_cancel(self._publish_batch(batch) for batch in batches)

    async def _publish_batch(self, batch: DeadLetterBatch) -> None:
        number = int(batch.message_id, 16)
        subject = dead_subject(batch.source, batch.reason.value, len(batch.payload), number)
        await self._publisher.publish(subject, batch.payload, batch.headers())
