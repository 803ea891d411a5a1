"""Deliveries and settings for tests of the senders."""

from publisher.senders.draft import Tokens
from publisher.senders.making import Maker, Ratios
from publisher.senders.providers import PROVIDERS
from publisher.senders.settings import SenderSettings
from publisher.senders.signing import Credentials
from publisher.senders.update import Delivery

NOON_MS = 1_778_760_000_000
SECRET = "a-secret-of-the-tests"
KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

ENVIRON = {
    "FACEBOOK_APP_SECRETS": f"{SECRET},older",
    "TIKTOK_CLIENT_SECRETS": SECRET,
    "TIKTOK_SHOP_APP_KEY": "the-key",
    "TIKTOK_SHOP_APP_SECRETS": SECRET,
    "WEBHOOK_SECRETS": f"other:a-token-and-no-key,demo:{KEY},acme:whsec_{'QUJD' * 8}",
}


def credentials(provider: str) -> Credentials:
    if provider == "standard-webhooks":
        return Credentials(KEY, "demo")
    return Credentials(SECRET, "the-key" if provider == "tiktok-shop" else "")


def settings(provider: str, **options) -> SenderSettings:
    return SenderSettings(name=provider, credentials=credentials(provider), **options)


def maker(provider: str, ratios: Ratios | None = None, seed: int = 1) -> tuple[Maker, Tokens]:
    tokens = Tokens(seed, NOON_MS)
    return PROVIDERS[provider].maker(seed, tokens, ratios or Ratios()), tokens


def delivery(provider: str, size: int = 1, lost_answers: int = 0) -> Delivery:
    """One without anything odd in it."""
    made = maker(provider, Ratios(0, 0, 0))[0].make(size, NOON_MS)
    return Delivery(
        made.updates,
        made.write,
        made.sent_at,
        lost_answers,
        webhook_id=made.webhook_id,
        content_type=made.content_type,
    )
