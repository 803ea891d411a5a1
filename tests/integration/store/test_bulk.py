"""The detour around the client's query builder sends what the client would send. An upgrade of it is noticed here."""

from typing import Any

import pytest
from prisma import Prisma

from pipeline.store.bulk import BulkText, query_with_bulk

SQL = """
SELECT $1::text AS source,
       convert_from(decode($2, 'base64'), 'UTF8') AS "quoted \\ text", -- with 'quotes' and a tab:	.
       $3::integer AS shard
"""
CONTENT = 'ü "quotes" \\ and\nlines \x1f'.encode() * 100


@pytest.fixture
async def client(database_url: str) -> Any:
    client = Prisma(datasource={"url": database_url})
    await client.connect()
    yield client
    await client.disconnect()


async def test_the_request_is_the_one_of_query_raw(client: Prisma, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    engine = client._engine
    query = engine.query

    async def record(content: str, *arguments: Any, **options: Any) -> Any:
        sent.append((content, arguments, options))
        return await query(content, *arguments, **options)

    monkeypatch.setattr(engine, "query", record)
    parameters = ("face\"book'\n", BulkText.of(CONTENT), 7)

    with_bulk = await query_with_bulk(client, SQL, parameters)
    rows = await client.query_raw(SQL, *parameters)

    assert sent[0] == sent[1]
    assert rows == [{"source": "face\"book'\n", "quoted \\ text": CONTENT.decode(), "shard": 7}]
    assert with_bulk["data"]["result"]["rows"]


async def test_several_large_parameters_keep_their_places(client: Prisma) -> None:
    first, second = BulkText.of(b"first" * 1000), BulkText.of(b"second" * 1000)

    answer = await query_with_bulk(
        client, "SELECT ($1 = $3 AND $2 <> $1)::text AS right, length($2) AS length", (first, second, first)
    )

    assert answer["data"]["result"]["rows"] == [["true", len(second)]]
