"""Whom the publisher can play: one row each."""

from collections.abc import Callable, Mapping

import msgspec

from publisher.senders import shop, standard, tiktok
from publisher.senders.draft import Tokens
from publisher.senders.making import Maker, Ratios
from publisher.senders.meta.maker import MAX_UPDATES, MetaMaker
from publisher.senders.signing import (
    Credentials,
    sign_as_meta,
    sign_as_shop,
    sign_as_standard,
    sign_as_tiktok,
)
from publisher.senders.single import Manner, SingleMaker
from publisher.senders.update import Delivery

Sign = Callable[[Credentials, Delivery, bytes, int], Mapping[str, str]]


class Provider(msgspec.Struct, frozen=True):
    """How one of them delivers.

    It waits `patience_seconds` for an answer and takes the `successes` for one that it need not try again.
    `retry_delays_seconds` are its own pauses between attempts on a shortened clock. What it delivers becomes events of
    `source`; `door` is the last part of the path, empty where the sender's name is.
    """

    source: str
    door: str
    secret_variable: str
    name_variable: str
    sign: Sign
    maker: Callable[[int, Tokens, Ratios], Maker]
    patience_seconds: float
    retry_delays_seconds: tuple[float, ...]
    successes: range = range(200, 201)
    max_updates: int = 1
    heeds_retry_after: bool = False
    final: frozenset[int] = frozenset()
    """Answers after which it never comes again."""


def _single(manner: Manner) -> Callable[[int, Tokens, Ratios], Maker]:
    return lambda seed, tokens, ratios: SingleMaker(manner, seed, tokens, ratios)


PROVIDERS: Mapping[str, Provider] = {
    # At once, and then with decreasing frequency for 36 hours.
    "facebook-webhook": Provider(
        source="facebook",
        door="facebook",
        secret_variable="FACEBOOK_APP_SECRETS",  # noqa: S106 - the name of a variable
        name_variable="",
        sign=sign_as_meta,
        maker=MetaMaker,
        patience_seconds=20.0,
        retry_delays_seconds=(0.0, 1.0, 2.0, 4.0, 8.0),
        max_updates=MAX_UPDATES,
    ),
    # With pauses that double, for 72 hours.
    "tiktok-webhook": Provider(
        source="tiktok",
        door="tiktok",
        secret_variable="TIKTOK_CLIENT_SECRETS",  # noqa: S106 - the name of a variable
        name_variable="",
        sign=sign_as_tiktok,
        maker=_single(tiktok.MANNER),
        patience_seconds=10.0,
        retry_delays_seconds=(1.0, 2.0, 4.0, 8.0, 16.0),
    ),
    # After 2 minutes, 30 minutes, 3 hours and 12 hours: here so many thousandths of it.
    "tiktok-shop": Provider(
        source="tiktok",
        door="tiktok-shop",
        secret_variable="TIKTOK_SHOP_APP_SECRETS",  # noqa: S106 - the name of a variable
        name_variable="TIKTOK_SHOP_APP_KEY",
        sign=sign_as_shop,
        maker=_single(shop.MANNER),
        patience_seconds=3.0,
        retry_delays_seconds=(0.12, 1.8, 10.8, 43.2),
    ),
    # As the specification proposes: 5 s, 5 min, 30 min, 2 h, 5 h, …
    "standard-webhooks": Provider(
        source="custom",
        door="",
        secret_variable="WEBHOOK_SECRETS",  # noqa: S106 - the name of a variable
        name_variable="",
        sign=sign_as_standard,
        maker=_single(standard.MANNER),
        patience_seconds=20.0,
        retry_delays_seconds=(0.5, 1.0, 3.0, 8.0, 15.0),
        successes=range(200, 300),
        heeds_retry_after=True,
        final=frozenset((410,)),
    ),
}
