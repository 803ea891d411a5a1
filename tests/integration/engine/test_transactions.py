"""Interactive transactions: isolation, commit, rollback and their time limits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio


async def test_commit_makes_changes_visible_to_others(db: Any) -> None:
    async with db.tx() as tx:
        await tx.tag.create(data={"name": "model"})
        await tx.execute_raw("INSERT INTO \"Tag\" VALUES ('raw')")
        assert await tx.tag.count() == 2
        assert await tx.query_raw('SELECT count(*) AS n FROM "Tag"') == [{"n": 2}]
        assert await db.tag.count() == 0
    assert await db.tag.count() == 2


async def test_an_exception_rolls_back(db: Any) -> None:
    with pytest.raises(RuntimeError):
        async with db.tx() as tx:
            await tx.tag.create(data={"name": "model"})
            await tx.execute_raw("INSERT INTO \"Tag\" VALUES ('raw')")
            raise RuntimeError
    assert await db.tag.count() == 0


async def test_a_failed_statement_spoils_the_transaction(db: Any, client_package: ModuleType) -> None:
    with pytest.raises(client_package.errors.UniqueViolationError):
        async with db.tx() as tx:
            await tx.tag.create(data={"name": "a"})
            await tx.tag.create(data={"name": "a"})
    assert await db.tag.count() == 0


async def test_a_commit_that_postgres_turns_into_a_rollback_is_an_error(
    db: Any, client_package: ModuleType
) -> None:
    with pytest.raises(client_package.errors.TransactionError, match="rolled back instead of committed"):
        async with db.tx() as tx:
            await tx.tag.create(data={"name": "a"})
            with contextlib.suppress(client_package.errors.RawQueryError):
                await tx.execute_raw("SELECT 1/0")
    assert await db.tag.count() == 0


async def test_a_raw_statement_never_slips_out_of_an_expiring_transaction(
    db: Any, client_package: ModuleType
) -> None:
    async def race(n: int) -> None:
        with contextlib.suppress(client_package.errors.TransactionError):
            async with db.tx(timeout=timedelta(milliseconds=30), max_wait=timedelta(seconds=20)) as tx:
                while True:
                    await tx.execute_raw('INSERT INTO "Tag" VALUES ($1)', f"{n} {time.monotonic_ns()}")

    await asyncio.gather(*map(race, range(20)))
    assert await db.tag.count() == 0


async def test_a_batch_inside_a_transaction_is_part_of_it(db: Any) -> None:
    with pytest.raises(RuntimeError):
        async with db.tx() as tx:
            async with tx.batch_() as batch:
                batch.tag.create({"name": "a"})
            assert await tx.tag.count() == 1
            raise RuntimeError
    assert await db.tag.count() == 0


@pytest.mark.parametrize("kind", ["model", "raw"])
async def test_an_expired_transaction_is_rolled_back_and_says_so(
    db: Any, client_package: ModuleType, kind: str
) -> None:
    with pytest.raises(client_package.errors.TransactionExpiredError):
        async with db.tx(timeout=timedelta(milliseconds=100)) as tx:
            await tx.tag.create(data={"name": "a"})
            await _until_nobody_is_in_a_transaction(db)
            await (tx.tag.count() if kind == "model" else tx.query_raw("SELECT 1"))
    assert await db.tag.count() == 0


async def test_commit_of_an_expired_transaction_fails(db: Any, client_package: ModuleType) -> None:
    with pytest.raises(client_package.errors.TransactionExpiredError):
        async with db.tx(timeout=timedelta(milliseconds=100)) as tx:
            await tx.execute_raw("INSERT INTO \"Tag\" VALUES ('a')")
            await _until_nobody_is_in_a_transaction(db)
    assert await db.tag.count() == 0


async def test_max_wait_bounds_the_wait_for_a_connection(
    make_client: Any, postgres: Any, client_package: ModuleType
) -> None:
    db = await make_client(postgres.url(connection_limit=1))
    async with db.tx() as tx:
        with pytest.raises(client_package.errors.TransactionError, match="Unable to start a transaction"):
            await db.tx(max_wait=timedelta(milliseconds=50)).start()
        assert await tx.query_raw("SELECT 1 AS one") == [{"one": 1}]
    async with db.tx(max_wait=timedelta(milliseconds=50)) as tx:
        assert await tx.query_raw("SELECT 1 AS one") == [{"one": 1}]


async def test_transactions_give_their_connections_back(make_client: Any, postgres: Any) -> None:
    db = await make_client(postgres.url(connection_limit=2))
    for n in range(10):
        transaction = db.tx()
        tx = await transaction.start()
        await tx.query_raw("SELECT 1")
        await (transaction.commit() if n % 2 else transaction.rollback())
    await asyncio.gather(*(db.query_raw("SELECT 1") for _ in range(20)))


async def test_many_transactions_at_once_keep_to_their_own_connections(db: Any) -> None:
    async def work(n: int) -> None:
        async with db.tx(max_wait=timedelta(seconds=20), timeout=timedelta(seconds=20)) as tx:
            await tx.query_raw("SELECT set_config('sluice.mine', $1, true)", str(n))
            await tx.tag.create(data={"name": str(n)})
            assert await tx.query_raw("SELECT current_setting('sluice.mine') AS mine") == [{"mine": str(n)}]

    await asyncio.gather(*map(work, range(30)))
    assert await db.tag.count() == 30


async def test_an_unknown_transaction_is_an_error_and_not_the_end(
    db: Any, client_package: ModuleType
) -> None:
    for operation in ("commit", "rollback"):
        with pytest.raises(client_package.errors.TransactionError, match="Transaction not found"):
            await db._engine.request("POST", f"/transaction/unknown/{operation}")
    with pytest.raises(client_package.errors.TransactionError, match="Transaction not found"):
        await db._engine.query('{"query": "query { result: findManyTag { name } }"}', tx_id="unknown")
    assert await db.tag.count() == 0


async def test_isolation_level(db: Any, client_package: ModuleType) -> None:
    level = "SELECT current_setting('transaction_isolation') AS level"
    started = await db._engine.request(
        "POST",
        "/transaction/start",
        content='{"max_wait": 1000, "timeout": 5000, "isolation_level": "Serializable"}',
    )
    tx = db._copy()
    tx._tx_id = started["id"]
    assert await tx.query_raw(level) == [{"level": "serializable"}]
    await db._engine.commit_transaction(started["id"])
    with pytest.raises(client_package.errors.PrismaError):
        await db._engine.request("POST", "/transaction/start", content='{"isolation_level": "Wishful"}')
    assert await db.query_raw("SELECT 1 AS one") == [{"one": 1}]


async def _until_nobody_is_in_a_transaction(db: Any) -> None:
    idle = "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'idle in transaction'"
    while await db.query_raw(idle) != [{"n": 0}]:
        await asyncio.sleep(0.01)
