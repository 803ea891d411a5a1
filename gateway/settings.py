"""Settings of the gateway."""

import msgspec

from pipeline.chassis.settings import ByteSize


class GatewaySettings(msgspec.Struct, frozen=True):
    body_size_limit: ByteSize = ByteSize(50 * 1024**2)
    """The largest body, after inflating."""
    body_bytes_in_flight: ByteSize = ByteSize(96 * 1024**2)
    """Bytes of all bodies that are being worked at; above that the answer is 503."""
    body_timeout_seconds: float = 30.0
    """How long a sender may take to send a body."""
    event_size_limit: ByteSize = ByteSize(256 * 1024)
    """The largest single event."""
    retry_after_seconds: int = 1
    """What a 503 tells the sender to wait."""
    ingest_api_keys: tuple[str, ...] = ()
    """When set, `POST /events` wants one of them, as `X-Api-Key` or as bearer token."""
