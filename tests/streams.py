"""A JetStream without streams, for tests that share a server."""

import asyncio
import os
from pathlib import Path

import nats

from ops.local.servers import RunningServer

_GONE_SECONDS = 10.0
_LOOK_SECONDS = 0.005


async def delete_streams(server: RunningServer) -> None:
    """Deletes every stream, and waits until its files are gone.

    The server moves the files aside and removes them later. A stream that is made and deleted again before that was
    seen to come back with its old messages, or not to be made at all ("error creating store for stream").
    """
    client = await nats.connect(server.url)
    jetstream = client.jetstream()
    for stream in await jetstream.streams_info():
        await jetstream.delete_stream(stream.config.name or "")
    await client.close()
    async with asyncio.timeout(_GONE_SECONDS):
        while _has_files(server):
            await asyncio.sleep(_LOOK_SECONDS)


def _has_files(server: RunningServer) -> bool:
    # A folder that goes while it is looked into is no error to `walk`.
    return any(
        folders and Path(path).name == "streams" for path, folders, _ in os.walk(server.server.directory)
    )
