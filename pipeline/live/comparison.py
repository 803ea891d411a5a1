"""Do the counters say what Postgres says? Exactly, and while everything else goes on."""

import time
from collections.abc import Mapping

import msgspec

from pipeline.events.changes import Changes
from pipeline.live.counters import Condition, LiveCounters
from pipeline.live.operations import Values, add_to
from pipeline.live.rebuild import LiveStore


class Difference(msgspec.Struct, frozen=True):
    """A field that says something else. Of strings `key` is the common name, and `field` what stands for the `*`."""

    key: str
    field: str
    redis: int
    postgres: int


class Comparison(msgspec.Struct, frozen=True):
    """What was found. `condition` is `outdated` where the counters belong to another epoch of the database.

    `compared` is the number of fields, `waiting` how many updates the counters have not been told yet.
    """

    condition: Condition | str
    compared: int
    waiting: int
    differences: list[Difference]


async def compare(counters: LiveCounters, store: LiveStore, hold_seconds: float) -> Comparison | None:
    """Compares at one instant. None when somebody else holds the counters. Raises LiveUnavailable, StoreUnavailable.

    An update that waits is in Postgres' totals and not yet in the counters: it is taken off before they are compared.
    All of them are held in memory, some hundred bytes for each. A trend is no exact figure and not compared: it is
    rounded, cut to its highest members, and counted from the day of the last build.
    """
    async with counters.hold(hold_seconds) as hold:
        if hold is None:
            return None
        standing = await counters.standing(hold)
        told = frozenset(standing.told)
        now, waiting = time.time(), 0
        values: Values = {}
        async with store.snapshot() as snapshot:
            async for changes in snapshot.totals():
                add_to(values, counters.layout.operations_of(changes), now)
            async for update in snapshot.updates():
                if update.id not in told:
                    waiting += 1
                    add_to(values, counters.layout.operations_of(_taken_off(update.changes)), now)
        present = await counters.read()
    condition = standing.condition
    if condition == "good" and standing.epoch != snapshot.epoch:
        condition = "outdated"
    compared = sum(len(fields) for fields in values.values())
    return Comparison(condition, compared, waiting, _differences(present, values))


def _taken_off(changes: Changes) -> Changes:
    return Changes(
        [(event_type, day, -number) for event_type, day, number in changes.events],
        [(post, day, -likes, -comments, -shares) for post, day, likes, comments, shares in changes.posts],
    )


def _differences(redis: Mapping[str, Mapping[str, int]], postgres: Values) -> list[Difference]:
    return [
        Difference(key, field, redis.get(key, {}).get(field, 0), postgres.get(key, {}).get(field, 0))
        for key in sorted({*redis, *postgres})
        for field in sorted({*redis.get(key, {}), *postgres.get(key, {})})
        if redis.get(key, {}).get(field, 0) != postgres.get(key, {}).get(field, 0)
    ]
