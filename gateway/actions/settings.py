"""Settings of `POST /api/events`. Tokens and limits of requests have theirs."""

import msgspec

from pipeline.chassis.settings import ByteSize


class ActionSettings(msgspec.Struct, frozen=True):
    action_body_limit: ByteSize = ByteSize(1024**2)
    """The largest body, after inflating."""
    actions_per_request: int = 1000
    """The longest array."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) of the proxies whose X-Forwarded-For is believed."""
    address_hash_secret: str = ""
    """The key under which addresses are hashed. Without it one is derived from the first of JWT_SECRET; without that
    either, actions are stored without an address."""
