"""What Postgres and Redis tell."""

import asyncio
from collections.abc import Mapping

import msgspec

from console.redis_facts import redis_facts
from pipeline.errors import StoreUnavailable
from pipeline.live import LiveConnection, LiveSettings
from pipeline.store import Database, StoreSettings

_TIMEOUT_SECONDS = 3.0

_PROGRESS = """
SELECT source,
       extract(epoch FROM clock_timestamp() - complete_through)::float8 AS behind_seconds,
       extract(epoch FROM clock_timestamp() - observed_at)::float8 AS silent_seconds,
       complete_through < observed_at AS is_behind,
       (SELECT extract(epoch FROM clock_timestamp() - max(sent_at))::float8
        FROM pipeline_canaries AS canary WHERE canary.source = progress.source) AS canary_seconds
FROM collector_progress AS progress
"""
# A collector reports twice a second. The reporter is as patient by default (PROGRESS_TOLERANCE_SECONDS).
_TOLERANCE_SECONDS = 3.0


class SourceProgress(msgspec.Struct, frozen=True):
    """How complete the reports are, and how long ago a collector said so, in seconds. And how long ago the youngest
    canary of those that came through was sent; None when none did."""

    report_lag_seconds: float
    silent_seconds: float
    canary_seconds: float | None = None


class StoreView(msgspec.Struct, frozen=True):
    """What Postgres tells: its version and, by source, the progress."""

    version: str
    progress: Mapping[str, SourceProgress]


class StoreProbe:
    """Asks Postgres. The query engine behind it is started at the first question and kept for the next ones."""

    def __init__(self, settings: StoreSettings) -> None:
        self._database = Database(
            msgspec.structs.replace(
                settings,
                database_connections=1,
                database_statement_timeout_seconds=_TIMEOUT_SECONDS,
                database_connect_timeout_seconds=_TIMEOUT_SECONDS,
            )
        )
        self._started = False

    async def look(self) -> StoreView:
        """Raises StoreUnavailable."""
        if not self._started:
            await self._database.connect()
            self._started = True
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS + 1):
                answer = await self._database.query("SELECT current_setting('server_version') AS version")
                rows = await self._database.query(_PROGRESS)
        except TimeoutError:
            raise StoreUnavailable("no answer in time") from None
        progress = {
            row["source"]: _progress(
                row["behind_seconds"], row["silent_seconds"], row["is_behind"], row["canary_seconds"]
            )
            for row in rows
        }
        return StoreView(str(answer[0]["version"]).split(" ")[0], progress)

    async def close(self) -> None:
        """Ends the query engine."""
        await self._database.close()


def _progress(behind: float, silent: float, is_behind: bool, canary: float | None) -> SourceProgress:
    lag = behind if is_behind or silent > _TOLERANCE_SECONDS else 0.0
    age = None if canary is None else round(canary, 3)
    return SourceProgress(round(max(0.0, lag), 3), round(max(0.0, silent), 3), age)


async def look_at_redis(settings: LiveSettings) -> str:
    """The version of Redis. Raises LiveUnavailable, or ConfigurationError for a URL that makes no sense."""
    connection = LiveConnection(settings, "console")
    try:
        return (await redis_facts(connection)).version
    finally:
        await connection.close()
