# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# asyncpg ships no types.
"""A plain connection to Postgres for looking from outside: asyncpg, so that nothing of ours is between."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


class Postgres:
    """One connection. Use `connected`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self._connection.fetch(sql)]

    async def value(self, sql: str) -> Any:
        """The only column of the only row. The statement is prepared once."""
        return await self._connection.fetchval(sql)

    async def execute(self, sql: str) -> None:
        await self._connection.execute(sql)

    async def copy_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """COPY of Python values, encoded on the way."""
        await self._connection.copy_records_to_table(table, records=rows, columns=columns)

    async def copy_in(self, table: str, columns: Sequence[str], stream: AsyncIterator[bytes]) -> None:
        """COPY of a stream in Postgres's binary format."""
        await self._connection.copy_to_table(table, source=stream, columns=columns, format="binary")

    async def copy_out(self, query: str) -> bytes:
        """The rows of a query in Postgres's binary format."""
        parts: list[bytes] = []

        async def collect(data: bytes) -> None:
            parts.append(bytes(data))

        await self._connection.copy_from_query(query, output=collect, format="binary")
        return b"".join(parts)


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[Postgres]:
    """A connection until the end of the block."""
    connection = await asyncpg.connect(url)
    try:
        yield Postgres(connection)
    finally:
        await connection.close()
