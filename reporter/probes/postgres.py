"""What Postgres says of itself, by the names of postgres_exporter."""

from collections.abc import Sequence
from typing import Any

from prometheus_client.core import Metric

from pipeline.errors import SluiceError
from pipeline.store import Database
from reporter.probes.probe import Found, ProbeFailed, gauge

_SERVER = """
SELECT current_database() AS datname, pg_database_size(current_database())::float8 AS size_bytes,
       current_setting('max_connections')::float8 AS max_connections
"""

# The exporter tells of every state, of those without a connection, too.
_ACTIVITY = """
SELECT state, count(pid)::float8 AS count,
       coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS max_tx_duration
FROM unnest(ARRAY['active', 'idle', 'idle in transaction', 'idle in transaction (aborted)',
                  'fastpath function call', 'disabled']) AS states(state)
LEFT JOIN (SELECT pid, state, xact_start FROM pg_stat_activity WHERE datname = current_database()) AS here
     USING (state)
GROUP BY state
"""


class PostgresProbe:
    """Asks about our own database only: of others this account may know nothing."""

    name = "postgres"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> Found:
        """Raises ProbeFailed."""
        try:
            (server,) = await self._database.query(_SERVER)
            activity = await self._database.query(_ACTIVITY)
        except SluiceError as error:
            raise ProbeFailed(str(error)) from error
        return Found([_up(1), *_metrics(server, activity)])

    def blind(self) -> Sequence[Metric]:
        """It is down."""
        return [_up(0)]


def _up(value: int) -> Metric:
    return gauge("pg_up", "Whether Postgres answered the last time that it was asked", [({}, value)])


def _metrics(server: dict[str, Any], activity: Sequence[dict[str, Any]]) -> list[Metric]:
    database = {"datname": str(server["datname"])}

    def by_state(column: str) -> list[tuple[dict[str, str], float]]:
        return [({**database, "state": row["state"]}, row[column]) for row in activity]

    return [
        gauge(
            "pg_database_size_bytes", "Disk space of the database", [(database, float(server["size_bytes"]))]
        ),
        gauge(
            "pg_settings_max_connections",
            "Connections that Postgres accepts",
            [({}, float(server["max_connections"]))],
        ),
        gauge("pg_stat_activity_count", "Connections in this state", by_state("count")),
        gauge(
            "pg_stat_activity_max_tx_duration",
            "Seconds that the oldest transaction of a connection in this state has been open",
            by_state("max_tx_duration"),
        ),
    ]
