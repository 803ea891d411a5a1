"""Looks in Postgres for the canaries that came through."""

from collections.abc import Mapping

from pipeline.store import Database

# Also which sources have ever had a collector: those that need none get canaries from then on.
_LOOK = """
SELECT source, max(number)::text AS number
FROM (SELECT source, number FROM pipeline_canaries WHERE sender = $1
      UNION ALL
      SELECT source, NULL FROM collector_progress) AS known
GROUP BY source
"""


class CanaryFinder:
    """Looks for the canaries of one sender."""

    def __init__(self, database: Database, sender: str) -> None:
        self._database = database
        self._sender = sender

    async def look(self) -> Mapping[str, int | None]:
        """By source that has a collector, the number of the youngest that is stored. Raises StoreUnavailable."""
        rows = await self._database.query(_LOOK, self._sender)
        return {row["source"]: int(row["number"]) if row["number"] else None for row in rows}
