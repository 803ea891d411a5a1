"""Nested writes, includes and filters over relations."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.asyncio


async def test_nested_create_and_include(db: Any) -> None:
    author = await db.author.create(
        data={
            "email": "a@x",
            "profile": {"create": {"bio": "hi"}},
            "posts": {
                "create": [{"title": "p1", "tags": {"create": [{"name": "t"}]}}, {"title": "p2", "views": 3}]
            },
        },
        include={
            "profile": True,
            "posts": {
                "order_by": {"title": "desc"},
                "where": {"views": {"gte": 0}},
                "include": {"tags": True},
            },
        },
    )
    assert author.profile.bio == "hi"
    assert [post.title for post in author.posts] == ["p2", "p1"]
    assert [tag.name for tag in author.posts[1].tags] == ["t"]


async def test_connect_disconnect_and_connect_or_create(db: Any) -> None:
    author = await db.author.create(data={"email": "a@x"})
    post = await db.post.create(
        data={"title": "p", "author": {"connect": {"id": author.id}}}, include={"author": True}
    )
    assert post.author.email == "a@x"
    tags = [{"where": {"name": name}, "create": {"name": name}} for name in ("t1", "t2")]
    post = await db.post.update(
        where={"id": post.id},
        data={"author": {"disconnect": True}, "tags": {"connect_or_create": tags}},
        include={"author": True, "tags": {"order_by": {"name": "asc"}}},
    )
    assert post.author is None
    assert [tag.name for tag in post.tags] == ["t1", "t2"]
    post = await db.post.update(
        where={"id": post.id},
        data={"tags": {"disconnect": [{"name": "t1"}]}},
        include={"tags": True},
    )
    assert [tag.name for tag in post.tags] == ["t2"]


async def test_nested_update_and_delete(db: Any) -> None:
    author = await db.author.create(
        data={
            "email": "a@x",
            "profile": {"create": {"bio": "old"}},
            "posts": {"create": [{"title": "p"}, {"title": "q"}]},
        },
        include={"posts": True},
    )
    first, second = author.posts
    updated = await db.author.update(
        where={"id": author.id},
        data={
            "profile": {"update": {"bio": "new"}},
            "posts": {
                "update": [{"where": {"id": first.id}, "data": {"title": "changed"}}],
                "delete": [{"id": second.id}],
            },
        },
        include={"profile": True, "posts": True},
    )
    assert updated.profile.bio == "new"
    assert [post.title for post in updated.posts] == ["changed"]


async def test_filters_reach_through_relations(db: Any) -> None:
    await db.author.create(data={"email": "a", "posts": {"create": [{"title": "x", "views": 9}]}})
    await db.author.create(data={"email": "b", "posts": {"create": [{"title": "y"}]}})
    await db.author.create(data={"email": "c"})
    find = db.author.find_many
    assert [row.email for row in await find(where={"posts": {"some": {"views": {"gt": 5}}}})] == ["a"]
    assert [row.email for row in await find(where={"posts": {"none": {}}})] == ["c"]
    assert [row.email for row in await find(where={"profile": {"is": None}}, order={"id": "asc"})] == [
        "a",
        "b",
        "c",
    ]
    posts = await db.post.find_many(
        where={"author": {"is": {"email": {"in": ["b", "c"]}}}}, include={"author": True}
    )
    assert [(post.title, post.author.email) for post in posts] == [("y", "b")]
