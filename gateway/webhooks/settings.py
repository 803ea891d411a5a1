"""Settings of the webhooks' doors. Their secrets are settings of their sources."""

import msgspec

from pipeline.chassis.settings import ByteSize


class WebhookSettings(msgspec.Struct, frozen=True):
    webhook_body_limit: ByteSize = ByteSize(4 * 1024**2)
    """The largest delivery. Meta's may have 3 MB; one that is refused is sent again for days, and then lost."""
    webhook_rate_per_second: float = 1000.0
    """Signed deliveries a second that one sender may make in the long run; 0 means any number."""
    webhook_rate_burst: int = 5000
    """Signed deliveries that one sender may make at once."""
