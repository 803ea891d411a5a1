# pyright: reportUnknownMemberType=false
# redis-py leaves the parameters that it passes on untyped.
"""Reads all counters of a source, a page at a time."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

from redis.asyncio.client import Pipeline

from pipeline.live.connection import LiveConnection
from pipeline.live.layout import Layout
from pipeline.live.operations import Values
from pipeline.live.post_keys import TRENDING

_MEMBERS_AT_ONCE = 5000


async def read_counters(connection: LiveConnection, layout: Layout) -> Values:
    """All of them, apart from trends. Those of another type, or that are no numbers, are not there.

    Raises LiveUnavailable.
    """
    values: Values = {}
    for pattern in layout.hashes():
        async for keys in connection.key_pages(pattern):
            for key, answer in zip(keys, await _hashes(connection, keys), strict=True):
                values[key] = _numbers(answer)
    for pattern in layout.sorted_sets():
        async for keys in connection.key_pages(pattern):
            for key in keys:
                if key != TRENDING:
                    values[key] = {member: score async for member, score in _members(connection, key)}
    for pattern in layout.strings():
        async for keys in connection.key_pages(pattern):
            await _read_strings(connection, layout, keys, values)
    return {key: fields for key, fields in values.items() if fields}


async def _hashes(connection: LiveConnection, keys: Sequence[str]) -> list[Any]:
    def ask(pipeline: Pipeline) -> None:
        for key in keys:
            pipeline.hgetall(key)

    return await connection.together(ask)


async def _members(connection: LiveConnection, key: str) -> AsyncGenerator[tuple[str, int]]:
    """By rank: complete as long as nobody changes it."""
    begin = 0
    while members := await _ranks(connection, key, begin):
        for member, score in members:
            if score.is_integer():
                yield member, int(score)
        begin += len(members)


async def _ranks(connection: LiveConnection, key: str, begin: int) -> list[tuple[str, float]]:
    end = begin + _MEMBERS_AT_ONCE - 1
    [answer] = await connection.together(lambda pipeline: pipeline.zrange(key, begin, end, withscores=True))
    return cast("list[tuple[str, float]]", answer) if isinstance(answer, list) else []


async def _read_strings(
    connection: LiveConnection, layout: Layout, keys: Sequence[str], values: Values
) -> None:
    ours = [(key, named) for key in keys if (named := layout.number_of(key))]
    if not ours:
        return
    [answer] = await connection.together(lambda pipeline: pipeline.mget([key for key, _ in ours]))
    for (_, (name, field)), text in zip(ours, cast("list[str | None]", answer), strict=True):
        if text is not None and _is_number(text):
            values.setdefault(name, {})[field] = int(text)


def _numbers(answer: Any) -> dict[str, int]:
    fields = cast("dict[str, str]", answer) if isinstance(answer, dict) else {}
    return (
        {field: int(text) for field, text in fields.items()} if all(map(_is_number, fields.values())) else {}
    )


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and text.isascii()
