"""How a run as a society is to go, beyond what every run has."""

import msgspec

from pipeline.chassis.tokens import TokenSettings

DEFAULT_RATE = 50.0
DEFAULT_BATCH_SIZE = 20
MAX_ACTIONS = 1000
"""The gateway's own ACTIONS_PER_REQUEST."""


class AttackSettings(msgspec.Struct, frozen=True, kw_only=True):
    """So many `bots` like one `post`; empty: one that few care for. They begin `after_seconds` of other traffic and
    take `over_seconds`; the alert must come within `timeout_seconds` of the end of the run."""

    post: str = ""
    bots: int = 200
    after_seconds: float = 3.0
    over_seconds: float = 20.0
    timeout_seconds: float = 120.0


class SocialSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` sign; the first secret is used."""

    tokens: TokenSettings
    users: int = 1_000
    """People who have been there for days."""
    own_tokens: float = 0.1
    """So many of the actions are sent by the user alone, with a token of their own; the rest by the app's back end."""
    forwarded_for: bool = False
    """Each user has an address, which X-Forwarded-For tells: for a gateway that has us among its TRUSTED_PROXIES."""
    malformed_ratio: float = 0.01
    """Actions that nobody can accept."""
    duplicate_ratio: float = 0.02
    """Requests whose answer is lost, so that they are sent again."""
    retry_deadline_seconds: float = 120.0
    """How long a request is sent again after 429, 5xx, timeouts and broken connections. A window of the limits of
    requests is a minute."""
    attack: AttackSettings | None = None
