"""The connection to Redis, and what becomes of those who wait for it."""

import asyncio
import random

from ops.local.servers import RunningServer
from pipeline.live import LiveConnection, LiveSettings


async def test_a_task_that_is_told_to_end_while_it_waits_for_redis_ends(redis_server: RunningServer) -> None:
    # redis-py is known to swallow it now and then.
    connection = LiveConnection(LiveSettings(redis_url=redis_server.url), "test")
    chance = random.Random(7)

    async def ask_for_ever() -> None:
        while True:
            await connection.ping()

    for _ in range(100):
        asking = [asyncio.create_task(ask_for_ever()) for _ in range(3)]
        await asyncio.sleep(chance.random() * 0.004)
        for task in asking:
            task.cancel()
        _, alive = await asyncio.wait(asking, timeout=5)
        assert not alive
    await connection.close()
