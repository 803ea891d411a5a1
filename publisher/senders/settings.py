"""How a run in the part of a provider is to go, beyond what every run has."""

import msgspec

from publisher.senders.making import Ratios
from publisher.senders.providers import PROVIDERS, Provider
from publisher.senders.signing import Credentials

DEFAULT_RATE = 50.0


class SenderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is a row of `PROVIDERS`; a delivery is given up after `attempts`."""

    name: str
    credentials: Credentials
    ratios: Ratios = Ratios()
    retry_delays_seconds: tuple[float, ...] = ()
    """Between one attempt and the next; the last one counts for all that follow. Empty: the provider's own."""
    attempts: int = 0
    """0: one more than there are delays."""

    @property
    def provider(self) -> Provider:
        return PROVIDERS[self.name]

    @property
    def effective_delays(self) -> tuple[float, ...]:
        return self.retry_delays_seconds or self.provider.retry_delays_seconds

    @property
    def effective_attempts(self) -> int:
        return self.attempts or len(self.effective_delays) + 1
