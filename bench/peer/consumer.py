# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# nats-py leaves the parameters that it passes on untyped; asyncpg ships no types.
"""`python -m bench.peer.consumer SOURCE`: one INSERT per event, acknowledged when it is committed."""

import os
import sys
from typing import Any

import asyncpg
import msgspec
import nats
import uvloop
from nats.errors import TimeoutError as NothingYet

from bench.peer.events import STREAM, Event, subject

FETCH = 100

INSERT = """
INSERT INTO peer_events (event_id, occurred_at, source, funnel_stage, event_type, user_id, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (event_id) DO NOTHING
"""


async def store(connection: Any, payload: bytes) -> None:
    """Commits one event."""
    event = msgspec.json.decode(payload, type=Event)
    await connection.execute(
        INSERT,
        event.event_id,
        event.timestamp,
        event.source,
        event.funnel_stage,
        event.event_type,
        event.data["user"]["userId"],
        msgspec.json.encode(event.data).decode(),
    )


async def consume(source: str) -> None:
    """Until the process is ended."""
    connection: Any = await asyncpg.connect(os.environ["DATABASE_URL"])
    client = await nats.connect(os.environ["NATS_URL"])
    subscription = await client.jetstream().pull_subscribe(
        subject(source), durable=f"{source}-peer", stream=STREAM
    )
    while True:
        try:
            messages = await subscription.fetch(FETCH, timeout=1)
        except (NothingYet, TimeoutError):
            continue
        for message in messages:
            await store(connection, message.data)
            await message.ack()


if __name__ == "__main__":
    uvloop.run(consume(sys.argv[1]))
