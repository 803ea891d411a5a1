"""Runs a service that kills itself at an exact place:

    python -m tests.faults.failpoints before-ack 3 collectors facebook

The place is a function of the product, replaced from here before the service starts; the product knows nothing of it.
The process ends as by SIGKILL when the function is called for the nth time with something to do.
"""

import asyncio
import os
import runpy
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, LiteralString

from pipeline.chassis import tracing
from pipeline.events.batch import RecordBatch
from pipeline.events.record import EventRecord
from pipeline.store import Database, EventStore, WriteResult
from pipeline.stream import Delivery, StreamPublisher

_ON_ITS_WAY_SECONDS = 0.003


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_commit(die_now: Callable[[], bool]) -> None:
    """While Postgres is at work on the transaction."""
    original = Database.query_bulk

    async def replacement(self: Database, sql: LiteralString, *parameters: Any) -> list[dict[str, Any]]:
        writing = asyncio.create_task(original(self, sql, *parameters))
        if die_now():
            await asyncio.wait({writing}, timeout=_ON_ITS_WAY_SECONDS)
            _die()
        return await writing

    Database.query_bulk = replacement


def after_commit(die_now: Callable[[], bool]) -> None:
    """When the transaction is committed, and before anything that comes after it: counters, acknowledgement."""
    original = EventStore.write

    async def replacement(self: EventStore, records: Sequence[EventRecord]) -> WriteResult:
        result = await original(self, records)
        if die_now():
            _die()
        return result

    EventStore.write = replacement


def before_ack(die_now: Callable[[], bool]) -> None:
    """When everything is done but the acknowledgement."""
    original = Delivery.ack

    async def replacement(self: Delivery) -> None:
        if die_now():
            _die()
        await original(self)

    Delivery.ack = replacement


def before_answer(die_now: Callable[[], bool]) -> None:
    """At the gateway: when JetStream has the batch on disk and nobody has been told."""
    original = StreamPublisher.publish_batch

    async def replacement(
        self: StreamPublisher,
        batch: RecordBatch,
        *,
        waiting_since: float | None = None,
        origins: Sequence[tracing.Span] | None = None,
    ) -> None:
        await original(self, batch, waiting_since=waiting_since, origins=origins)
        if die_now():
            _die()

    StreamPublisher.publish_batch = replacement


POINTS = {
    "before-commit": before_commit,
    "after-commit": after_commit,
    "before-ack": before_ack,
    "before-answer": before_answer,
}


def main(point: str, nth: int, service: list[str]) -> None:
    calls = 0

    def die_now() -> bool:
        nonlocal calls
        calls += 1
        return calls == nth

    POINTS[point](die_now)
    sys.argv = service
    runpy.run_module(service[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
