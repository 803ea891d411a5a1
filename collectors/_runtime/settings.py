"""Settings of the collector process."""

import msgspec


class CollectorSettings(msgspec.Struct, frozen=True):
    merge_max_events: int = 4000
    """Events that are written in one transaction at most, give or take one message."""
    merge_interval_seconds: float = 0.02
    """Writes of small batches begin at least so far apart; what comes in meanwhile is merged."""
    prefetch_batches: int = 48
    """Messages on hand or on their way; each holds at most 500 events or 256 KiB."""
    ack_wait_seconds: float = 10.0
    """After this without a sign of life a message is delivered to another collector."""
    max_ack_pending: int = 512
    """Messages that all collectors of the source hold together at most."""
    retry_max_seconds: float = 5.0
    """The longest pause between two attempts while Postgres or NATS is away."""
    stall_after_seconds: float = 60.0
    """Readiness turns red when the writer has not turned for so long."""
    progress_interval_seconds: float = 0.5
    """How often the collector reports how far it has come."""
    partition_days_ahead: int = 3
    """Partitions that are made in advance."""
    retention_days: int = 90
    """Days that events are kept, by their own time; 0 keeps them for ever."""
    retention_interval_seconds: float = 600.0
    """How often the collector looks whether there is a day to remove."""
