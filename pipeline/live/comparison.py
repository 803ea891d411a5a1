"""Do the counters say what Postgres says? Exactly, and while everything else goes on."""

import time
from collections.abc import Mapping

import msgspec

from pipeline.live.counters import Condition, LiveCounters
from pipeline.live.operations import Values, operations_of, values_of
from pipeline.live.rebuild import LiveStore


class Difference(msgspec.Struct, frozen=True):
    """A field that says something else."""

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
    """
    async with counters.hold(hold_seconds) as hold:
        if hold is None:
            return None
        standing = await counters.standing(hold)
        snapshot = await store.snapshot()
        present = await counters.read()
    now = time.time()
    told = frozenset(standing.told)
    waiting = [update for update in snapshot.updates if update.id not in told]
    values = values_of(operations_of(counters.source, snapshot.totals), now, {})
    for update in waiting:
        taken_off = [(event_type, day, -number) for event_type, day, number in update.changes.events]
        changes = msgspec.structs.replace(update.changes, events=taken_off)
        values = values_of(operations_of(counters.source, changes), now, values)
    condition = standing.condition
    if condition == "good" and standing.epoch != snapshot.epoch:
        condition = "outdated"
    compared = sum(len(fields) for fields in values.values())
    return Comparison(condition, compared, len(waiting), _differences(present, values))


def _differences(redis: Mapping[str, Mapping[str, int]], postgres: Values) -> list[Difference]:
    return [
        Difference(key, field, redis.get(key, {}).get(field, 0), postgres.get(key, {}).get(field, 0))
        for key in sorted({*redis, *postgres})
        for field in sorted({*redis.get(key, {}), *postgres.get(key, {})})
        if redis.get(key, {}).get(field, 0) != postgres.get(key, {}).get(field, 0)
    ]
