"""What is asked of Postgres and NATS from outside: by connections of its own each time, so no fault lingers in them."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString, TypeVar

import asyncpg
import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from pipeline.events.dead_letter_batch import read_letters as read_as_kept
from publisher.ledger import Stored
from publisher.stored import read_stored

ResultT = TypeVar("ResultT")

SOURCES = ("facebook", "tiktok")
_SECONDS = 5.0
_OWN_ID = re.compile(rb'"eventId":"(?:fb|ttk)-[0-9a-f]{8}-')


class NotToBeAsked(Exception):
    """The server is away, or does not answer in time."""


@dataclass
class Letters:
    """What DEAD_LETTERS holds. `digests` of the raw events that the gateway refused; `by_reason` of all."""

    digests: set[bytes] = field(default_factory=set[bytes])
    by_reason: Counter[str] = field(default_factory=Counter[str])
    raws: dict[bytes, str] = field(default_factory=dict[bytes, str])
    """Of the letters that collectors wrote: raw event, reason."""


def in_postgres(
    url: str, ask: Callable[[asyncpg.Connection], Awaitable[ResultT]], seconds: float = _SECONDS
) -> ResultT:
    """The answer to a question. Raises NotToBeAsked."""

    async def run() -> ResultT:
        async with asyncio.timeout(seconds):
            connection = await asyncpg.connect(url)
            try:
                return await ask(connection)
            finally:
                await connection.close(timeout=1)

    try:
        return asyncio.run(run())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotToBeAsked(f"Postgres: {type(error).__name__} {error}") from error


def in_nats(url: str, ask: Callable[[Client], Awaitable[ResultT]], seconds: float = _SECONDS) -> ResultT:
    """The answer to a question. Raises NotToBeAsked."""

    async def run() -> ResultT:
        async with asyncio.timeout(seconds):
            client = await nats.connect(url, allow_reconnect=False, connect_timeout=2)
            try:
                return await ask(client)
            finally:
                await client.close()

    try:
        return asyncio.run(run())
    except (OSError, TimeoutError, NatsError) as error:
        raise NotToBeAsked(f"NATS: {type(error).__name__} {error}") from error


async def backlog(client: Client) -> int:
    """Batches in EVENTS that are not acknowledged."""
    state = (await client.jetstream().stream_info("EVENTS", subjects_filter="events.>")).state
    return sum((state.subjects or {}).get(f"events.{source}", 0) for source in SOURCES)


async def consumers(client: Client) -> dict[str, ConsumerInfo | None]:
    """By source; None where there is no consumer."""
    found: dict[str, ConsumerInfo | None] = {}
    for source in SOURCES:
        try:
            found[source] = await client.jetstream().consumer_info("EVENTS", f"{source}-collector")
        except NotFoundError:
            found[source] = None
    return found


async def read_letters(client: Client) -> Letters:
    """All dead letters. The one place that knows how they are kept."""
    letters = Letters()
    jetstream = client.jetstream()
    expected = (await jetstream.stream_info("DEAD_LETTERS")).state.messages
    subscription = await jetstream.subscribe("dead.>", stream="DEAD_LETTERS", ordered_consumer=True)
    for _ in range(expected):
        message = await subscription.next_msg(timeout=5)
        _add(letters, message.data)
    return letters


def _add(letters: Letters, payload: bytes) -> None:
    for letter in read_as_kept(payload) or []:
        letters.by_reason[letter.rejection.reason.value] += 1
        if letter.stage == "gateway":
            letters.digests.add(hashlib.md5(letter.raw, usedforsecurity=False).digest())
        else:
            letters.raws[letter.raw] = letter.rejection.reason.value


class _Readable:
    """asyncpg as `publisher.stored.read_stored` wants its database."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def query(self, sql: LiteralString, *parameters: Any) -> list[dict[str, Any]]:
        moments = [datetime.fromisoformat(parameter) for parameter in parameters]
        return [dict(row) for row in await self._connection.fetch(sql, *moments)]


async def stored_between(connection: asyncpg.Connection, start_ms: int, end_ms: int) -> Stored:
    """The ids of the events that happened in this range of time."""
    return await read_stored(_Readable(connection), start_ms, end_ms)


def is_own(raw: bytes) -> bool:
    """Whether a raw event has an id such as the load makes them."""
    return _OWN_ID.search(raw) is not None
