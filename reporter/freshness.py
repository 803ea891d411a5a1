"""How much of what was accepted a report can already tell: the `X-Data-…` headers.

Each collector keeps in Postgres how far it has come and when it last looked. The reporter reads that before it
reads anything else for a report, so `X-Data-Complete-Through` is a true bound: every event that was accepted before
that instant is in the report. A collector that has fallen silent cannot make the lag vanish: it grows by the clock.

A source that only gets what its own webhooks bring need not have a collector where nobody uses them. It counts from
the first sign of life of one, and for whoever asks for this source alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from litestar.datastructures import ResponseHeader

from pipeline.store import Database
from reporter.ranges import EPOCH

LAG_HEADER = "X-Data-Lag-Seconds"
COMPLETE_HEADER = "X-Data-Complete-Through"

HEADER_DOCUMENTATION: Sequence[ResponseHeader] = (
    ResponseHeader(
        name=LAG_HEADER,
        documentation_only=True,
        description="Age in seconds of the oldest event that was accepted but is not in this report yet; 0.000 when "
        "there is none. Grows while a collector is silent.",
    ),
    ResponseHeader(
        name=COMPLETE_HEADER,
        documentation_only=True,
        description="Every event that was accepted before this instant (ISO 8601) is in this report. Absent as long "
        "as one of the sources has never reported.",
    ),
)

_PROGRESS = """
SELECT source, (extract(epoch FROM complete_through) * 1000000)::bigint::text AS complete_through,
       (extract(epoch FROM observed_at) * 1000000)::bigint::text AS observed_at
FROM collector_progress
"""


class Progress(msgspec.Struct, frozen=True):
    """How far one source's collectors have come."""

    complete_through: datetime
    observed_at: datetime


class Freshness(msgspec.Struct, frozen=True):
    """`complete_through` is None when a source has never reported: then no bound is known."""

    lag_seconds: float
    complete_through: datetime | None

    def headers(self) -> dict[str, str]:
        headers = {LAG_HEADER: f"{self.lag_seconds:.3f}"}
        if self.complete_through is not None:
            headers[COMPLETE_HEADER] = self.complete_through.isoformat().replace("+00:00", "Z")
        return headers


def judge(
    progress: Mapping[str, Progress],
    sources: Iterable[str],
    now: datetime,
    started_at: datetime,
    tolerance_seconds: float,
) -> Freshness:
    """The freshness of some sources together: the worst of them.

    A source that has never reported counts as behind since `started_at`, the start of this process: the longest
    that this process can vouch for.
    """
    lag, complete_through, unknown = 0.0, now, False
    for source in sources:
        known = progress.get(source)
        if known is None:
            unknown = True
            lag = max(lag, (now - started_at).total_seconds())
            continue
        complete_through = min(complete_through, known.complete_through)
        silent = (now - known.observed_at).total_seconds() > tolerance_seconds
        if silent or known.complete_through < known.observed_at:
            lag = max(lag, (now - known.complete_through).total_seconds())
    return Freshness(lag, None if unknown else complete_through)


def that_count(
    sources: Collection[str], progress: Mapping[str, Progress], optional: Collection[str]
) -> Sequence[str]:
    """The sources without those of `optional` that nobody has ever collected; a single one counts in any case."""
    if len(sources) == 1:
        return tuple(sources)
    return tuple(source for source in sources if source in progress or source not in optional)


class FreshnessReader:
    """Reads the progress of the collectors. Those of `optional` sources need not run."""

    def __init__(self, database: Database, tolerance_seconds: float, optional: Collection[str] = ()) -> None:
        self._database = database
        self._tolerance_seconds = tolerance_seconds
        self._optional = optional
        self._started_at = datetime.now(UTC)

    async def of(self, sources: Collection[str]) -> Freshness:
        rows = await self._database.query(_PROGRESS)
        progress = {
            row["source"]: Progress(_instant(row["complete_through"]), _instant(row["observed_at"]))
            for row in rows
        }
        counted = that_count(sources, progress, self._optional)
        return judge(progress, counted, datetime.now(UTC), self._started_at, self._tolerance_seconds)


def _instant(micros: str) -> datetime:
    return EPOCH + timedelta(microseconds=int(micros))
