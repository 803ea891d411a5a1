"""How a run is to go. Filled by `publisher/options.py`, or by hand in tests and benchmarks."""

import msgspec

from pipeline.errors import ConfigurationError
from publisher.generator import Mix
from publisher.pool import Timeouts

DEFAULT_ENDPOINT = "http://127.0.0.1:3001/events"
DEFAULT_REPORTER = "http://127.0.0.1:3004"
FIREHOSE_MALFORMED_RATIO = 0.1


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Without `rate` it is the firehose of EVENTS §2: one POST on every second.

    Ratios are probabilities, 0..1.
    """

    endpoint: str = DEFAULT_ENDPOINT
    api_key: str | None = None
    """Sent as X-Api-Key."""
    seed: int = 1
    start_ms: int | None = None
    """Milliseconds since 1970 at which the run pretends to start; None is now.

    With a seed it fixes every byte.
    """

    rate: float | None = None
    """Events a second; 0 is as fast as answers come back; None is the firehose."""
    batch_size: int = 100
    """Events a body, with a rate. 1 sends bare objects instead of arrays."""
    minimum: int = 1_000
    maximum: int = 50_000
    """Events a body of the firehose."""
    concurrency: int = 8
    """Bodies in flight at rate 0. A paced run has no such bound: a slow gateway gets overlapping POSTs."""
    duration_seconds: float | None = None
    count: int | None = None
    """Stop after this many events, corrupted ones aside."""

    mix: Mix = Mix()
    malformed_ratio: float | None = None
    """Per POST. None: 0.1 for the firehose, 0 with a rate."""
    duplicate_ratio: float = 0.0
    """Per element of a body."""

    timeouts: Timeouts = Timeouts()
    max_connections: int = 512
    retry_deadline_seconds: float | None = None
    """How long a body is sent again after 503, timeouts and broken connections.

    None: 120 with verify, else 0.
    """

    verify: bool = False
    reporter: str = DEFAULT_REPORTER
    database_url: str | None = None
    verify_timeout_seconds: float = 300.0
    """How long to wait until the reports are complete, or the database is back."""
    compare_reports: bool | None = None
    """None: if nobody else has events in the time range of the run."""
    keep_truth: bool = False
    """Keep totals of the accepted events also without verify."""

    quiet: bool = False
    """One line a minute instead of progress."""

    @property
    def is_firehose(self) -> bool:
        return self.rate is None

    @property
    def effective_malformed_ratio(self) -> float:
        if self.malformed_ratio is not None:
            return self.malformed_ratio
        return FIREHOSE_MALFORMED_RATIO if self.is_firehose else 0.0

    @property
    def effective_retry_deadline_seconds(self) -> float:
        if self.retry_deadline_seconds is not None:
            return self.retry_deadline_seconds
        return 120.0 if self.verify else 0.0


def check(settings: Settings) -> Settings:
    """The same settings. Raises ConfigurationError naming the option that is out of range."""
    ratios = {
        "--malformed-ratio": settings.effective_malformed_ratio,
        "--duplicate-ratio": settings.duplicate_ratio,
        "--returning-users": settings.mix.returning_users,
        "--out-of-order": settings.mix.out_of_order,
    }
    for option, ratio in ratios.items():
        if not 0 <= ratio <= 1:
            raise ConfigurationError(f"{option}: a ratio is between 0 and 1, got {ratio:g}")
    positive = {
        "--batch-size": settings.batch_size,
        "--min": settings.minimum,
        "--concurrency": settings.concurrency,
        "--max-connections": settings.max_connections,
        "--user-pool": settings.mix.user_pool,
        "--connect-timeout": settings.timeouts.connect,
        "--timeout": settings.timeouts.answer,
        "--count": 1 if settings.count is None else settings.count,
        "--duration": 1 if settings.duration_seconds is None else settings.duration_seconds,
    }
    for option, value in positive.items():
        if not value > 0:
            raise ConfigurationError(f"{option}: must be above 0, got {value:g}")
    if settings.rate is not None and settings.rate < 0:
        raise ConfigurationError(f"--rate: must not be negative, got {settings.rate:g}")
    if settings.maximum < settings.minimum:
        raise ConfigurationError(f"--max: must be at least --min, {settings.minimum}, got {settings.maximum}")
    if settings.verify and not settings.database_url:
        raise ConfigurationError("--verify: needs DATABASE_URL, to look at what is stored")
    if not settings.endpoint.startswith(("http://", "https://")):
        raise ConfigurationError(f"EVENT_ENDPOINT: must be an http or https URL, got {settings.endpoint!r}")
    return settings
