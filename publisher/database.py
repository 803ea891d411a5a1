"""The database as the checks reach it: opened when it is needed, and waited for while it is away."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from pipeline.errors import TransientError
from publisher.stored import Queryable

POLL_SECONDS = 0.5

ResultT = TypeVar("ResultT")


@asynccontextmanager
async def open_database(url: str) -> AsyncGenerator[Queryable]:
    """Raises TransientError when it is away."""
    # Here and not above: a publisher that only sends needs no database client.
    from pipeline.store import Database, StoreSettings

    async with Database(StoreSettings(database_url=url)) as database:
        yield database


async def patiently(action: Callable[[], Awaitable[ResultT]], deadline: float) -> ResultT:
    """Again after a transient failure, until the deadline (monotonic): the database may just be coming back."""
    while True:
        try:
            return await action()
        except TransientError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(POLL_SECONDS)
