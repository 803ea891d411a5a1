"""The client raises the exception that it has for each failure, with the code in it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio


async def test_unique_violation_names_the_fields(db: Any, client_package: ModuleType) -> None:
    await db.author.create(data={"email": "a@x"})
    with pytest.raises(client_package.errors.UniqueViolationError) as caught:
        await db.author.create(data={"email": "a@x"})
    assert caught.value.code == "P2002"
    assert caught.value.meta["target"] == ["email"]


async def test_foreign_key_violation(db: Any, client_package: ModuleType) -> None:
    with pytest.raises(client_package.errors.ForeignKeyViolationError) as caught:
        await db.profile.create(data={"bio": "x", "authorId": 999})
    assert caught.value.code == "P2003"


async def test_record_to_connect_not_found(db: Any, client_package: ModuleType) -> None:
    with pytest.raises(client_package.errors.RecordNotFoundError) as caught:
        await db.post.create(data={"title": "p", "author": {"connect": {"id": 999}}})
    assert caught.value.code == "P2025"


async def test_missing_value(db: Any, client_package: ModuleType) -> None:
    with pytest.raises(client_package.errors.MissingRequiredValueError):
        await db.post.create(data={})


async def test_unknown_field(db: Any, client_package: ModuleType) -> None:
    with pytest.raises(client_package.errors.FieldNotFoundError):
        await db.post.find_many(where={"nope": 1})


async def test_table_that_is_not_there(db: Any, client_package: ModuleType) -> None:
    async with db.tx() as tx:
        await tx.execute_raw('ALTER TABLE "Membership" RENAME TO hidden')
        with pytest.raises(client_package.errors.TableNotFoundError) as caught:
            await tx.membership.find_many()
        assert caught.value.code == "P2021"
        await tx.execute_raw("ROLLBACK")


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("SELEC 1", "42601"),
        ("SELECT 'x'::int", "22P02"),
        ("SELECT 1/0", "22012"),
        ("INSERT INTO \"Tag\" VALUES ('t'), ('t')", "23505"),
        ('INSERT INTO "Tag" VALUES (NULL)', "23502"),
        ("DO $$ BEGIN RAISE EXCEPTION 'stop' USING ERRCODE = '40001'; END $$", "40001"),
        ("DO $$ BEGIN RAISE EXCEPTION 'stop' USING ERRCODE = '53100'; END $$", "53100"),
        ("SELECT 1; SELECT 2", "42601"),
    ],
)
async def test_raw_failures_carry_the_sqlstate(
    db: Any, client_package: ModuleType, statement: str, state: str
) -> None:
    with pytest.raises(client_package.errors.RawQueryError) as caught:
        await db.query_raw(statement)
    assert caught.value.code == "P2010"
    assert caught.value.meta["code"] == state
    assert caught.value.meta["message"]
    with pytest.raises(client_package.errors.RawQueryError) as inside:
        async with db.tx() as tx:
            await tx.execute_raw(statement)
    assert inside.value.meta == caught.value.meta


async def test_a_statement_timeout_is_an_error_and_not_a_lost_connection(
    make_client: Any, postgres: Any, client_package: ModuleType
) -> None:
    for parameters in ({"statement_timeout": 50}, {"options": "-c%20statement_timeout=50"}):
        db = await make_client(postgres.url(**parameters))
        with pytest.raises(client_package.errors.RawQueryError) as caught:
            await db.query_raw("SELECT pg_sleep(30)")
        assert caught.value.meta["code"] == "57014"
        assert await db.query_raw("SELECT 1 AS one") == [{"one": 1}]
