"""Settings of the reporter (DESIGN D12). Port and database address are the chassis' and the store's."""

import msgspec

from pipeline.chassis.settings import ByteSize


class ReporterSettings(msgspec.Struct, frozen=True):
    report_connections: int = 4
    """Connections to Postgres for reports, apart from those of the fold."""
    report_statement_timeout_seconds: float = 10.0
    """After this Postgres gives up a report's statement and the report answers 503."""
    exact_users_up_to_events: int = 1_000_000
    """Distinct users are counted exactly while a source has at most so many events in the range; at most a million,
    because larger buckets are kept as sketches."""
    top_values: int = 50
    """How many values of an open facet (location, country) a report names; the others are one figure."""
    audience_cache_bytes: ByteSize = ByteSize(384 * 1024**2)
    """Memory for decoded audiences and for ranges that were asked for before."""
    audience_cache_seconds: float = 21_600.0
    """After this a range that is kept in memory is read anew, so that what retention dropped disappears."""
    audience_threads: int = 2
    """Distinct users of so many sources are counted at once, each in a thread beside the event loop."""
    fold_interval_seconds: float = 15.0
    """How often new audience segments are folded into their buckets."""
    fold_events: int = 500_000
    """Events that one fold takes at most, which bounds its memory."""
    fold_lease_seconds: float = 120.0
    """So long the other reporters leave the fold of a source to the one that began it."""
    roll_up_after_seconds: float = 60.0
    """How long an hour or a day that is over waits for stragglers before it is rolled up."""
    progress_tolerance_seconds: float = 3.0
    """A collector's progress row that is older than this counts as silence, and the lag grows."""
    watch_time_sources: tuple[str, ...] = ("tiktok",)
    """Sources whose events tell how long and how much of a video was watched."""
