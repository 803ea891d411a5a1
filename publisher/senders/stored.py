"""Reads back what became of updates: found in the stored payloads by their tokens, whatever id the record got."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from publisher.senders.draft import NUMBER_DIGITS
from publisher.senders.update import Expected
from publisher.stored import Queryable, iso_instant, slices

_RECORDS = """
SELECT substring(payload::text FROM $4) AS token,
       event_type,
       funnel_stage,
       coalesce(user_id, '') AS user_id,
       coalesce(amount::text, '') AS amount,
       coalesce(currency, '') AS currency,
       coalesce(campaign_id, '') AS campaign_id,
       round(extract(epoch FROM occurred_at) * 1000)::bigint::text AS at_ms
FROM events
WHERE occurred_at >= $1::timestamptz AND occurred_at < $2::timestamptz
  AND source = $3
  AND payload::text ~ $4
"""


async def read_records(
    database: Queryable, source: str, prefix: str, start_ms: int, end_ms: int
) -> Mapping[str, Sequence[Expected]]:
    """The records of a run that happened in [start_ms, end_ms), by token; `prefix` is how its tokens begin."""
    found: defaultdict[str, list[Expected]] = defaultdict(list)
    pattern = f"{prefix}[0-9]{{{NUMBER_DIGITS}}}"
    async for since, until in slices(database, start_ms, end_ms):
        for row in await database.query(_RECORDS, iso_instant(since), iso_instant(until), source, pattern):
            found[row["token"]].append(_record(row))
    return found


def _record(row: Mapping[str, Any]) -> Expected:
    return Expected(
        event_type=row["event_type"],
        stage=row["funnel_stage"],
        user=row["user_id"] or None,
        amount=Decimal(row["amount"]) if row["amount"] else None,
        currency=row["currency"] or None,
        campaign=row["campaign_id"] or None,
        at_ms=int(row["at_ms"]),
    )
