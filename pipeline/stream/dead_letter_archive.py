# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""Looks into DEAD_LETTERS: counts by source and reason, lists, finds one, hands them out to be settled."""

import heapq
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import chain

import msgspec
from nats.js.errors import NotFoundError

from pipeline.chassis.concurrency import all_or_cancel
from pipeline.errors import StreamUnavailable
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.dead_letter_batch import read_headers
from pipeline.stream.connection import StreamConnection
from pipeline.stream.dead_letter_filter import DeadLetterFilter
from pipeline.stream.dead_letter_scan import scan, stream_trouble
from pipeline.stream.dead_letter_selecting import chosen_letters, count_chosen, letters_of
from pipeline.stream.dead_letters import DeadLetters
from pipeline.stream.topology import DEAD_LETTERS, source_and_reason

_MAX_CANDIDATES = 10
_DELETED_AT_ONCE = 32
_PORTION_LETTERS = 2000
_PORTION_BYTES = 4 * 1024**2


class LetterCount(msgspec.Struct, frozen=True):
    """So many letters of one source and one reason; the truncated ones among them cannot be replayed."""

    source: str
    reason: str
    letters: int
    truncated: int


class UnclearId(Exception):
    """No letter has an id that begins so, or several have: `candidates` are the first of those."""

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        found = f"several begin so: {', '.join(candidates)}" if candidates else "there is none"
        super().__init__(f"dead letter {prefix!r}: {found}")
        self.candidates = candidates


class LetterMessage(msgspec.Struct, frozen=True):
    """One message of the stream: the letters that are meant, and its others, which stay whatever happens to those."""

    sequence: int
    chosen: Sequence[DeadLetter]
    others: Sequence[DeadLetter]


class DeadLetterArchive:
    """Reads and settles dead letters. Everything raises StreamUnavailable when NATS does not answer."""

    def __init__(self, connection: StreamConnection, dead_letters: DeadLetters) -> None:
        self._connection = connection
        self._dead_letters = dead_letters

    async def counts(self, wanted: DeadLetterFilter) -> list[LetterCount]:
        """How many letters there are, by source and reason, most first. Only what headers cannot tell is read."""
        tally: dict[tuple[str, str], list[int]] = {}
        # What the headers of a message leave open, its letters decide.
        headers_only = wanted.subject_decides
        async with aclosing(scan(self._connection, wanted.subject, headers_only=headers_only)) as messages:
            async for message in messages:
                letters, truncated = count_chosen(message, wanted)
                if letters:
                    figures = tally.setdefault(source_and_reason(message.subject), [0, 0])
                    figures[0] += letters
                    figures[1] += truncated
        counts = [LetterCount(*key, *figures) for key, figures in tally.items()]
        return sorted(counts, key=lambda count: (-count.letters, count.source, count.reason))

    async def newest(self, wanted: DeadLetterFilter, limit: int) -> list[DeadLetter]:
        """The letters that failed last, newest first. One that is there twice (see `settle`) is listed once."""
        if limit < 1:
            return []
        heap: list[tuple[float, str, DeadLetter]] = []
        held: set[str] = set()
        async with aclosing(scan(self._connection, wanted.subject)) as messages:
            async for message in messages:
                headers = read_headers(message.headers)
                if headers and len(heap) == limit and headers.failed_to.timestamp() <= heap[0][0]:
                    continue
                for letter in chosen_letters(message, wanted):
                    entry = (letter.failed_at.timestamp(), letter.id, letter)
                    if letter.id in held or (len(heap) == limit and entry[:2] <= heap[0][:2]):
                        continue
                    held.add(letter.id)
                    if len(heap) == limit:
                        held.discard(heapq.heappushpop(heap, entry)[1])
                    else:
                        heapq.heappush(heap, entry)
        return [letter for _, _, letter in sorted(heap, key=lambda entry: entry[:2], reverse=True)]

    async def find(self, prefix: str) -> DeadLetter:
        """The one letter whose id begins so. Raises UnclearId."""
        wanted = DeadLetterFilter(ids=(prefix,))
        found: dict[str, DeadLetter] = {}
        async with aclosing(scan(self._connection, wanted.subject)) as messages:
            async for message in messages:
                found.update((letter.id, letter) for letter in chosen_letters(message, wanted))
                if prefix in found:
                    return found[prefix]
                if len(found) >= _MAX_CANDIDATES:
                    break
        if len(found) != 1:
            raise UnclearId(prefix, sorted(found)[:_MAX_CANDIDATES])
        return next(iter(found.values()))

    async def choose(
        self, wanted: DeadLetterFilter, limit: int | None = None
    ) -> AsyncGenerator[LetterMessage]:
        """The messages that hold letters that are meant, oldest first, with `limit` such letters in all at most.

        Settle each as you go: what is written meanwhile is not handed out again. Close the generator when you leave
        it early.
        """
        left = limit
        async with aclosing(scan(self._connection, wanted.subject)) as messages:
            async for message in messages:
                if left == 0:
                    return
                letters = letters_of(message, wanted)
                chosen = [letter for letter in letters if wanted.matches(letter)][:left]
                if not chosen:
                    continue
                ids = {letter.id for letter in chosen}
                others = [letter for letter in letters if letter.id not in ids]
                left = left - len(chosen) if left is not None else None
                yield LetterMessage(message.sequence, chosen, others)

    async def settle(self, messages: Sequence[LetterMessage], remaining: Sequence[DeadLetter]) -> None:
        """Takes the messages out of the stream; their others, and those of the chosen that remain, go back into it.

        They are on disk before the messages go: a crash in between leaves them there twice, with the same ids, and
        loses none. In a stream that is full they push out the oldest, as any new letter does.
        """
        others = chain.from_iterable(message.others for message in messages)
        await self._dead_letters.keep(chain(others, remaining))
        for start in range(0, len(messages), _DELETED_AT_ONCE):
            part = messages[start : start + _DELETED_AT_ONCE]
            await all_or_cancel(self._delete(message.sequence) for message in part)

    async def discard(self, wanted: DeadLetterFilter, limit: int | None = None) -> AsyncGenerator[int]:
        """Takes letters out for good, oldest first. Yields how many are gone so far."""
        gone = 0
        async with aclosing(in_portions(self.choose(wanted, limit))) as portions:
            async for messages in portions:
                await self.settle(messages, ())
                gone += sum(len(message.chosen) for message in messages)
                yield gone

    async def _delete(self, sequence: int) -> None:
        # Not `delete_msg`: that overwrites the bytes on disk first, which takes twenty times as long.
        request = json.dumps({"seq": sequence, "no_erase": True}).encode()
        with stream_trouble():
            with self._connection.answer_expected() as scope:
                async with scope:
                    answer = await self._connection.client.request(
                        f"$JS.API.STREAM.MSG.DELETE.{DEAD_LETTERS}", request, timeout=60
                    )
            if "error" in json.loads(answer.data) and await self._is_there(sequence):
                raise StreamUnavailable(f"JetStream did not delete message {sequence} of {DEAD_LETTERS}")

    async def _is_there(self, sequence: int) -> bool:
        """Another operator, or a limit of the stream, may have taken it out."""
        try:
            await self._connection.jetstream.get_msg(DEAD_LETTERS, seq=sequence)
        except NotFoundError:
            return False
        return True


async def in_portions(messages: AsyncGenerator[LetterMessage]) -> AsyncGenerator[list[LetterMessage]]:
    """Several messages to be worked at together, a few megabytes of them at most. Closes what it reads from."""
    portion: list[LetterMessage] = []
    letters = size = 0
    async with aclosing(messages):
        async for message in messages:
            portion.append(message)
            letters += len(message.chosen) + len(message.others)
            size += sum(len(letter.raw) for letter in chain(message.chosen, message.others))
            if letters >= _PORTION_LETTERS or size >= _PORTION_BYTES:
                yield portion
                portion, letters, size = [], 0, 0
    if portion:
        yield portion
