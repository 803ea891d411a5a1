# pyright: reportUnknownMemberType=false
# redis-py leaves the parameters of its commands untyped.
"""What Redis tells of itself."""

from typing import Any, cast

import msgspec

from pipeline.errors import LiveUnavailable
from pipeline.live import LiveConnection


class RedisFacts(msgspec.Struct, frozen=True):
    """Its version, and what it does when its memory is full (`noeviction`: it refuses)."""

    version: str
    eviction: str


async def redis_facts(connection: LiveConnection) -> RedisFacts:
    """Raises LiveUnavailable."""
    (answer,) = await connection.together(lambda pipeline: pipeline.info())
    if not isinstance(answer, dict):
        raise LiveUnavailable(f"Redis: {answer}")
    told = cast("dict[str, Any]", answer)
    return RedisFacts(str(told.get("redis_version", "")), str(told.get("maxmemory_policy", "")))
