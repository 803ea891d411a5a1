"""Tries dead letters again: what the rules of today accept goes the way of every event, what they refuse stays.

A replayed event is published under a new message id, with the time at which it was first received and its correlation
id. It leaves the dead letters once its batch is acknowledged. A crash in between means that the next replay publishes
it a second time, which the ledger knows: nothing is stored twice.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice

import msgspec

from pipeline.chassis.concurrency import all_or_cancel
from pipeline.events.batch import RecordBatch, pack
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.judging import EventJudge
from pipeline.events.source import Source
from pipeline.stream.dead_letter_archive import DeadLetterArchive, LetterMessage, in_portions
from pipeline.stream.dead_letter_filter import DeadLetterFilter
from pipeline.stream.publisher import StreamPublisher

REPLAY_WINDOW = 4
"""Batches that a replay in a service has under way: it leaves the disk to the events that come in."""

STAGE = "replay"
"""Where a letter failed that failed again here."""

_TURN_LETTERS = 200


class ReplayTally(msgspec.Struct, rename="camel"):
    """What became of the letters so far. `rejected` counts those that are still refused, by reason.

    `not_replayable` are truncated: the event is not there any more.
    """

    selected: int = 0
    replayed: int = 0
    rejected: dict[str, int] = {}
    not_replayable: int = 0


# What all events of one batch have in common: source, format, time of arrival, replays.
_BatchKey = tuple[str, str, datetime, int]


@dataclass(slots=True)
class _Judged:
    accepted: dict[_BatchKey, list[DeadLetter]] = field(default_factory=dict[_BatchKey, list[DeadLetter]])
    """By what all events of one batch have in common."""
    refused: list[DeadLetter] = field(default_factory=list[DeadLetter])
    """With what is wrong with them now."""
    truncated: list[DeadLetter] = field(default_factory=list[DeadLetter])


class Replayer:
    """Replays dead letters of registered sources."""

    def __init__(
        self,
        archive: DeadLetterArchive,
        publisher: StreamPublisher,
        sources: Mapping[str, Source],
        event_size_limit: int,
    ) -> None:
        self._archive = archive
        self._publisher = publisher
        self._sources = sources
        self._judge = EventJudge(sources, event_size_limit)

    async def replay(
        self, wanted: DeadLetterFilter, limit: int | None = None, *, dry_run: bool = False
    ) -> AsyncGenerator[ReplayTally]:
        """Replays what is meant, oldest first. Yields the totals so far, after every few thousand letters.

        A dry run judges and leaves everything as it is. Raises StreamUnavailable: what was not settled by then is
        still there, and the same replay may be started again.
        """
        tally = ReplayTally()
        async with aclosing(in_portions(self._archive.choose(wanted, limit))) as portions:
            async for messages in portions:
                judged = await self._judge_all(messages)
                if not dry_run:
                    await self._publish(judged)
                    await self._settle(messages, judged)
                _add(tally, judged)
                yield tally

    async def _judge_all(self, messages: Sequence[LetterMessage]) -> _Judged:
        judged = _Judged()
        now = datetime.now(UTC)
        letters = (letter for message in messages for letter in message.chosen)
        for number, letter in enumerate(letters, start=1):
            if letter.truncated:
                judged.truncated.append(letter)
            else:
                self._judge_one(judged, letter, now)
            if number % _TURN_LETTERS == 0:
                await asyncio.sleep(0)
        return judged

    def _judge_one(self, judged: _Judged, letter: DeadLetter, now: datetime) -> None:
        verdict = self._judge.judge_letter(letter, now)
        replays = letter.replays + 1
        if verdict.rejection is None:
            key = (verdict.source, verdict.format, letter.received_at, replays)
            judged.accepted.setdefault(key, []).append(letter)
            return
        judged.refused.append(
            msgspec.structs.replace(
                letter,
                source=verdict.source,
                format=verdict.format,
                rejection=verdict.rejection,
                stage=STAGE,
                failed_at=now,
                replays=replays,
            )
        )

    async def _publish(self, judged: _Judged) -> None:
        batches = [batch for key, letters in judged.accepted.items() for batch in _batches(key, letters)]
        await all_or_cancel(map(self._publisher.publish_batch, batches))

    async def _settle(self, messages: Sequence[LetterMessage], judged: _Judged) -> None:
        untouched = {letter.id for letter in judged.truncated}
        changed = [
            message for message in messages if any(letter.id not in untouched for letter in message.chosen)
        ]
        kept = {letter.id for message in changed for letter in message.chosen} & untouched
        remaining = [letter for letter in judged.truncated if letter.id in kept]
        await self._archive.settle(changed, [*judged.refused, *remaining])


def _batches(key: _BatchKey, letters: Sequence[DeadLetter]) -> Iterator[RecordBatch]:
    source, format_name, received_at, replays = key
    in_order = iter(letters)
    for events in pack(msgspec.Raw(letter.raw) for letter in letters):
        names = [letter.correlation_id for letter in islice(in_order, len(events))]
        correlation = [(name, len(list(same))) for name, same in groupby(names)]
        yield RecordBatch(source, format_name, events, received_at, correlation, replays)


def _add(tally: ReplayTally, judged: _Judged) -> None:
    replayed = sum(len(letters) for letters in judged.accepted.values())
    tally.selected += replayed + len(judged.refused) + len(judged.truncated)
    tally.replayed += replayed
    tally.not_replayable += len(judged.truncated)
    reasons = Counter(letter.rejection.reason.value for letter in judged.refused)
    tally.rejected = dict(Counter(tally.rejected) + reasons)
