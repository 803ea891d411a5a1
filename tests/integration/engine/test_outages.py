"""Postgres goes away, comes back, freezes: errors with a code, soon, and no engine dies of it."""

from __future__ import annotations

import asyncio
import time
from types import ModuleType
from typing import Any

import pytest

pytestmark = [pytest.mark.exhaustive, pytest.mark.asyncio]

PROBE = "SELECT 1 AS one"
OTHERS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


async def test_a_dead_server_is_an_error_at_once_and_a_restarted_one_works_again(
    make_client: Any, own_postgres: Any, client_package: ModuleType
) -> None:
    db = await make_client(own_postgres.url())
    await asyncio.gather(*(db.query_raw(PROBE) for _ in range(5)))
    for _ in range(2):
        own_postgres.kill()
        for _attempt in range(3):
            started = time.monotonic()
            with pytest.raises(client_package.errors.DataError) as caught:
                await db.query_raw(PROBE)
            assert caught.value.code in {"P1001", "P1017"}
            assert caught.value.meta["code"].startswith("08")
            assert time.monotonic() - started < 2
        with pytest.raises(client_package.errors.DataError) as of_model:
            await db.tag.count()
        assert of_model.value.code == "P1001"
        with pytest.raises(client_package.errors.DataError) as of_transaction:
            await db.tx().start()
        assert of_transaction.value.code == "P1001"
        own_postgres.start()
        assert await db.query_raw(PROBE) == [{"one": 1}]
        async with db.tx() as tx:
            assert await tx.query_raw(PROBE) == [{"one": 1}]


async def test_a_connection_lost_during_a_statement_is_an_error_and_is_not_retried(
    make_client: Any, own_postgres: Any, client_package: ModuleType
) -> None:
    db = await make_client(own_postgres.url())
    await db.execute_raw("CREATE SEQUENCE runs")
    running = asyncio.ensure_future(db.query_raw("SELECT nextval('runs'), pg_sleep(60)"))
    while own_postgres.sql(f"SELECT count(*) {OTHERS} AND wait_event = 'PgSleep'") == "0":
        await asyncio.sleep(0.01)
    own_postgres.sql(f"SELECT pg_terminate_backend(pid) {OTHERS}")
    with pytest.raises(client_package.errors.DataError) as caught:
        await running
    assert caught.value.meta["code"] in {"57P01", "08006"}
    assert await db.query_raw("SELECT last_value::int AS runs FROM runs") == [{"runs": 1}]


async def test_a_transaction_that_loses_its_connection_gives_its_place_back(
    make_client: Any, own_postgres: Any, client_package: ModuleType
) -> None:
    db = await make_client(own_postgres.url(connection_limit=1))
    for use in ("raw", "model"):
        with pytest.raises(client_package.errors.PrismaError):
            async with db.tx() as tx:
                own_postgres.sql(f"SELECT pg_terminate_backend(pid) {OTHERS}")
                await (tx.query_raw(PROBE) if use == "raw" else tx.tag.count())
        assert await db.query_raw(PROBE) == [{"one": 1}]


async def test_an_engine_starts_without_a_server(
    make_client: Any, own_postgres: Any, client_package: ModuleType
) -> None:
    own_postgres.kill()
    db = await make_client(own_postgres.url())
    with pytest.raises(client_package.errors.DataError) as caught:
        await db.query_raw(PROBE)
    assert caught.value.code == "P1001"
    own_postgres.start()
    assert await db.query_raw(PROBE) == [{"one": 1}]


async def test_a_frozen_server_fails_what_runs_and_what_comes(
    make_client: Any, own_postgres: Any, client_package: ModuleType
) -> None:
    db = await make_client(own_postgres.url(connect_timeout=1, connection_limit=2))
    await asyncio.gather(*(db.query_raw(PROBE) for _ in range(4)))
    own_postgres.freeze()
    started = time.monotonic()
    results = await asyncio.gather(*(db.query_raw(PROBE) for _ in range(6)), return_exceptions=True)
    assert time.monotonic() - started < 8
    assert all(isinstance(result, client_package.errors.DataError) for result in results), results
    assert {getattr(result, "code", None) for result in results} <= {"P1001", "P1008", "P1017"}
    own_postgres.resume()
    assert await db.query_raw(PROBE) == [{"one": 1}]


async def test_a_slow_statement_is_not_taken_for_a_dead_server(make_client: Any, postgres: Any) -> None:
    db = await make_client(postgres.url(connect_timeout=0.2))
    assert await db.query_raw("SELECT 1 AS one FROM pg_sleep(1.5)") == [{"one": 1}]


async def test_socket_timeout_ends_a_statement(
    make_client: Any, postgres: Any, client_package: ModuleType
) -> None:
    db = await make_client(postgres.url(socket_timeout=0.2))
    with pytest.raises(client_package.errors.DataError) as caught:
        await db.query_raw("SELECT pg_sleep(5)")
    assert caught.value.code == "P1008"
    assert await db.query_raw(PROBE) == [{"one": 1}]


async def test_a_full_pool_times_out_with_its_own_code(
    make_client: Any, postgres: Any, client_package: ModuleType
) -> None:
    db = await make_client(postgres.url(connection_limit=1, pool_timeout=0.2))
    async with db.tx():
        for query in (db.query_raw(PROBE), db.tag.count()):
            with pytest.raises(client_package.errors.DataError) as caught:
                await query
            assert caught.value.code == "P2024"
    assert await db.query_raw(PROBE) == [{"one": 1}]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://postgres@127.0.0.1:1/postgres", "P1001"),
        ("postgresql://postgres@localhost/postgres?host=/nowhere", "P1001"),
        ("postgresql://postgres@no-such-host.invalid/postgres", "P1001"),
    ],
)
async def test_an_address_that_does_not_answer(
    make_client: Any, client_package: ModuleType, url: str, code: str
) -> None:
    db = await make_client(url)
    with pytest.raises(client_package.errors.DataError) as caught:
        await db.query_raw(PROBE)
    assert caught.value.code == code


async def test_a_database_that_is_not_there(
    make_client: Any, postgres: Any, client_package: ModuleType
) -> None:
    db = await make_client(postgres.url("nowhere"))
    with pytest.raises(client_package.errors.DataError) as caught:
        await db.query_raw(PROBE)
    assert (caught.value.code, caught.value.meta["code"]) == ("P1003", "3D000")
