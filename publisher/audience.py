"""Demographics: distinct users in the buckets that the reports use."""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

import msgspec

from publisher.people import FacebookPersona, TikTokPersona

PersonaT = TypeVar("PersonaT", FacebookPersona, TikTokPersona)

AGE_BUCKETS = ((18, "<18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"))
FOLLOWER_BUCKETS = ((100, "<100"), (1_000, "100-999"), (10_000, "1K-9.9K"), (100_000, "10K-99.9K"))


class FacebookAudience(msgspec.Struct, frozen=True):
    """Distinct users, in all and per value."""

    total_users: int
    age: dict[str, int]
    gender: dict[str, int]
    location: dict[str, int]


class TikTokAudience(msgspec.Struct, frozen=True):
    """Distinct users, in all and per value; device and country are known of users with a top event only.

    The averages are over top events: seconds and percent, exact; None without such an event.
    """

    total_users: int
    followers: dict[str, int]
    device: dict[str, int]
    country: dict[str, int]
    average_watch_seconds: Decimal | None
    average_percentage_watched: Decimal | None


def facebook_audience(users: "Counter[FacebookPersona]") -> FacebookAudience:
    """From distinct users counted per persona."""
    return FacebookAudience(
        total_users=users.total(),
        age=_tally(users, lambda persona: _bucket(persona.age, AGE_BUCKETS, "55+")),
        gender=_tally(users, lambda persona: persona.gender),
        location=_tally(users, lambda persona: persona.country),
    )


def tiktok_audience(
    users: "Counter[TikTokPersona]",
    viewers: "Counter[TikTokPersona]",
    average_watch_seconds: Decimal | None,
    average_percentage_watched: Decimal | None,
) -> TikTokAudience:
    """From distinct users, and those of them with a top event, counted per persona."""
    return TikTokAudience(
        total_users=users.total(),
        followers=_tally(users, lambda persona: _bucket(persona.followers, FOLLOWER_BUCKETS, "100K+")),
        device=_tally(viewers, lambda persona: persona.device),
        country=_tally(viewers, lambda persona: persona.country),
        average_watch_seconds=average_watch_seconds,
        average_percentage_watched=average_percentage_watched,
    )


def _tally(users: "Counter[PersonaT]", value_of: Callable[[PersonaT], str]) -> dict[str, int]:
    tally: Counter[str] = Counter()
    for persona, count in users.items():
        tally[value_of(persona)] += count
    return dict(tally)


def _bucket(value: int, buckets: Iterable[tuple[int, str]], above: str) -> str:
    return next((name for limit, name in buckets if value < limit), above)
