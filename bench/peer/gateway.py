# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""`python -m bench.peer.gateway`: POST /events, one JetStream message per event."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import nats
import uvicorn
from litestar import Litestar, get, post
from litestar.datastructures import State
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy

from bench.peer.events import STREAM, SUBJECTS, Accepted, Event, subject


@asynccontextmanager
async def connected(app: Litestar) -> AsyncGenerator[None]:
    """The stream exists and is reachable as long as the app runs."""
    client = await nats.connect(os.environ["NATS_URL"])
    app.state.jetstream = client.jetstream()
    await app.state.jetstream.add_stream(
        name=STREAM, subjects=[SUBJECTS], retention=RetentionPolicy.WORK_QUEUE
    )
    yield
    await client.drain()


@get("/health/ready", sync_to_thread=False)
def ready() -> dict[str, str]:
    return {"status": "ready"}


@post("/events", status_code=202)
async def take_in(data: list[Event] | Event, state: State) -> Accepted:
    """Answers when JetStream has acknowledged every event."""
    jetstream: JetStreamContext = state.jetstream
    events = data if isinstance(data, list) else [data]
    for event in events:
        await jetstream.publish(subject(event.source), msgspec.json.encode(event))
    return Accepted(len(events))


app = Litestar([ready, take_in], lifespan=[connected], openapi_config=None)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
