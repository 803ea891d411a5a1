"""Every action of the client, on single records and on many."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio


async def test_create_find_update_and_delete_one(db: Any) -> None:
    created = await db.author.create(data={"email": "a@x", "name": "A"})
    assert created.role == "READER"
    assert await db.author.find_unique(where={"id": created.id}) == created
    assert await db.author.find_unique(where={"email": "a@x"}) == created
    updated = await db.author.update(where={"email": "a@x"}, data={"name": "B"})
    assert updated.name == "B"
    assert await db.author.delete(where={"id": created.id}) == updated
    assert await db.author.find_unique(where={"id": created.id}) is None


async def test_find_first_with_order_and_skip(db: Any) -> None:
    await db.post.create_many(data=[{"title": title, "views": n} for n, title in enumerate("abcd")])
    first = await db.post.find_first(order={"views": "desc"}, skip=1)
    assert first.title == "c"
    assert await db.post.find_first(where={"title": "zzz"}) is None


async def test_or_raise_variants_raise(db: Any, client_package: ModuleType) -> None:
    author = await db.author.create(data={"email": "a@x"})
    assert await db.author.find_unique_or_raise(where={"id": author.id}) == author
    assert await db.author.find_first_or_raise(where={"email": "a@x"}) == author
    with pytest.raises(client_package.errors.RecordNotFoundError):
        await db.author.find_unique_or_raise(where={"id": 0})
    with pytest.raises(client_package.errors.RecordNotFoundError):
        await db.author.find_first_or_raise(where={"email": "zzz"})


async def test_find_many_pages_orders_and_dedupes(db: Any) -> None:
    await db.post.create_many(data=[{"title": f"t{n % 3}", "views": n} for n in range(9)])
    rows = await db.post.find_many(order=[{"title": "asc"}, {"views": "desc"}], take=2, skip=1)
    assert [(row.title, row.views) for row in rows] == [("t0", 3), ("t0", 0)]
    last = await db.post.find_many(order={"id": "asc"}, take=-2)
    assert [row.views for row in last] == [7, 8]
    after = await db.post.find_many(order={"id": "asc"}, cursor={"id": last[0].id}, take=2, skip=1)
    assert [row.views for row in after] == [8]
    distinct = await db.post.find_many(distinct=["title"], order={"title": "asc"})
    assert [row.title for row in distinct] == ["t0", "t1", "t2"]


async def test_create_many_skips_duplicates_only_when_told(db: Any, client_package: ModuleType) -> None:
    assert await db.tag.create_many(data=[{"name": "a"}, {"name": "b"}]) == 2
    assert await db.tag.create_many(data=[{"name": "b"}, {"name": "c"}], skip_duplicates=True) == 1
    with pytest.raises(client_package.errors.UniqueViolationError):
        await db.tag.create_many(data=[{"name": "c"}, {"name": "d"}])
    assert await db.tag.count() == 3


async def test_update_many_and_delete_many_say_how_many(db: Any) -> None:
    await db.post.create_many(data=[{"title": "x", "views": n} for n in range(5)])
    assert await db.post.update_many(where={"views": {"gte": 3}}, data={"views": {"increment": 10}}) == 2
    assert await db.post.delete_many(where={"views": {"gt": 10}}) == 2
    assert await db.post.delete_many() == 3


async def test_update_and_delete_of_nothing_return_none(db: Any) -> None:
    assert await db.author.update(where={"id": 1}, data={"name": "x"}) is None
    assert await db.author.delete(where={"id": 1}) is None


async def test_upsert_creates_then_updates(db: Any) -> None:
    data = {"create": {"email": "u@x", "name": "new"}, "update": {"name": "again"}}
    assert (await db.author.upsert(where={"email": "u@x"}, data=data)).name == "new"
    assert (await db.author.upsert(where={"email": "u@x"}, data=data)).name == "again"
    assert await db.author.count() == 1


async def test_count_with_filter_and_selection(db: Any) -> None:
    await db.author.create_many(
        data=[{"email": "a"}, {"email": "b", "name": "B"}, {"email": "c", "name": "C"}]
    )
    assert await db.author.count() == 3
    assert await db.author.count(where={"name": None}) == 1
    assert await db.author.count(take=2) == 2
    assert await db.author.count(select={"_all": True, "name": True}) == {"_all": 3, "name": 2}


async def test_group_by_aggregates(db: Any) -> None:
    await db.post.create_many(data=[{"title": title, "views": n} for n, title in enumerate("aabbb")])
    groups = await db.post.group_by(
        by=["title"],
        count=True,
        sum={"views": True},
        avg={"views": True},
        min={"views": True},
        max={"views": True},
        order={"title": "asc"},
        having={"views": {"_sum": {"gt": 0}}},
    )
    assert groups == [
        {
            "title": "a",
            "_count": {"_all": 2},
            "_sum": {"views": 1},
            "_avg": {"views": 0.5},
            "_min": {"views": 0},
            "_max": {"views": 1},
        },
        {
            "title": "b",
            "_count": {"_all": 3},
            "_sum": {"views": 9},
            "_avg": {"views": 3.0},
            "_min": {"views": 2},
            "_max": {"views": 4},
        },
    ]


async def test_compound_keys(db: Any) -> None:
    key = {"team_user": {"team": "t", "user": "u"}}
    await db.membership.create(data={"team": "t", "user": "u", "note": "n"})
    assert (await db.membership.find_unique(where=key)).level == 1
    assert (await db.membership.find_unique(where={"team_note": {"team": "t", "note": "n"}})).user == "u"
    assert (await db.membership.update(where=key, data={"level": 5})).level == 5
    assert await db.membership.delete(where=key) is not None


async def test_batch_is_all_or_nothing(db: Any, client_package: ModuleType) -> None:
    async with db.batch_() as batch:
        batch.tag.create({"name": "a"})
        batch.tag.create_many([{"name": "b"}, {"name": "c"}])
        batch.tag.delete(where={"name": "c"})
        batch.execute_raw('INSERT INTO "Tag" VALUES ($1)', "raw")
    assert {tag.name for tag in await db.tag.find_many()} == {"a", "b", "raw"}
    with pytest.raises(client_package.errors.UniqueViolationError):
        async with db.batch_() as batch:
            batch.tag.create({"name": "d"})
            batch.tag.create({"name": "a"})
    assert await db.tag.count() == 3
