"""The loop that collects: it reads the next batch while the last one is being written."""

import asyncio
from typing import Any

from collectors._runtime.reading import BatchReader
from collectors._runtime.settings import CollectorSettings
from collectors._runtime.writing import BatchWriter
from pipeline.chassis.supervision import Heartbeat
from pipeline.stream import BatchConsumer


async def collect(
    stop: asyncio.Event,
    reader: BatchReader,
    writer: BatchWriter,
    consumer: BatchConsumer,
    settings: CollectorSettings,
    heartbeat: Heartbeat,
) -> None:
    """Reads the next batch while the last one is being written. At the end it finishes what it is writing."""
    stopping = asyncio.create_task(stop.wait())
    writing: asyncio.Task[None] | None = None
    writable: asyncio.Task[None] | None = None
    try:
        while not stop.is_set():
            reading = asyncio.create_task(reader.read(settings.merge_max_events, writable))
            while not reading.done() and not stop.is_set():
                waited_for: set[asyncio.Task[Any]] = {reading, stopping}
                # An idle source is no stall: only a write that does not end is.
                if writing is None:
                    heartbeat.beat()
                elif writing.done():
                    writing.result()  # a defect ends the loop now, not when the next delivery comes
                    heartbeat.beat()
                else:
                    waited_for.add(writing)
                await asyncio.wait(waited_for, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            if writing is not None:
                await writing
                heartbeat.beat()
            if not reading.done():
                reading.cancel()
                return
            earliest = asyncio.get_running_loop().time() + settings.merge_interval_seconds
            writing = asyncio.create_task(writer.write(reading.result()))
            writable = asyncio.create_task(_until_writable(writing, earliest))
        if writing is not None:
            await writing
    finally:
        if writable is not None:
            writable.cancel()
        await consumer.release()


async def _until_writable(writing: asyncio.Task[None], earliest: float) -> None:
    """Until the write before has ended, well or not, and the pace allows another one.

    The pace is for a stream of small batches: each costs Postgres as much as a hundred events. A batch after a
    pause is never kept waiting, nor is a full one.
    """
    await asyncio.wait({writing})
    await asyncio.sleep(earliest - asyncio.get_running_loop().time())
