"""Settings of the gateway."""

import msgspec

from pipeline.chassis.settings import ByteSize


class GatewaySettings(msgspec.Struct, frozen=True):
    body_size_limit: ByteSize = ByteSize(50 * 1024**2)
    """The largest body, after inflating."""
    body_bytes_in_flight: ByteSize = ByteSize(96 * 1024**2)
    """Bytes of all bodies that are being worked at; above that the answer is 503."""
    small_body_bytes: ByteSize = ByteSize(64 * 1024)
    """Bodies up to this size are small ones."""
    body_bytes_for_small: ByteSize = ByteSize(8 * 1024**2)
    """The part of BODY_BYTES_IN_FLIGHT (a quarter of it at most) that only small bodies may use."""
    requests_in_flight: int = 500
    """Requests whose body is here and whose answer is not; above that the answer is 503."""
    event_size_limit: ByteSize = ByteSize(256 * 1024)
    """The largest single event."""
    retry_after_seconds: int = 1
    """What a 503 tells the sender to wait."""
    ingest_api_keys: tuple[str, ...] = ()
    """When set, `POST /events` wants one of them, as `X-Api-Key` or as bearer token."""
    canary_keys: tuple[str, ...] = ()
    """`POST /canaries` wants one of them, in the same places; without any, one of INGEST_API_KEYS."""
    operator_api_keys: tuple[str, ...] = ()
    """`/operator/...` wants one of them as bearer token; without any it is closed."""
