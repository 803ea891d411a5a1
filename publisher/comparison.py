"""The reports against the truth: every figure must be equal, money to the cent.

Beyond a million events of a source the reporter may estimate distinct users, and says so together with its
standard error (DESIGN D7); then four times that is allowed for, which a right estimate exceeds once in
16,000 times.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from publisher.ledger import Offence, Offender
from publisher.truth import Revenue, Truth

_EXACT_UP_TO_EVENTS = 1_000_000
_STANDARD_ERRORS = 4
OTHER = "other"


def compare_events(rows: Sequence[Mapping[str, Any]], truth: Truth) -> Iterator[Offender]:
    """`GET /reports/events`: one row per kind of event."""
    told = {(row["source"], row["funnelStage"], row["eventType"]): row["count"] for row in rows}
    counted = truth.counts()
    for key in sorted(told.keys() | counted.keys()):
        yield from _differs(f"events {'/'.join(key)}", told.get(key, 0), counted.get(key, 0))


def compare_revenue(rows: Sequence[Mapping[str, Any]], truth: Truth) -> Iterator[Offender]:
    """`GET /reports/revenue`: one row per source. A source without transactions may be left out."""
    nothing = Revenue(Decimal(), 0)
    earned = truth.revenue()
    told = {row["source"]: row for row in rows}
    for source in sorted(told.keys() | earned.keys()):
        row, revenue = told.get(source, {}), earned.get(source, nothing)
        yield from _differs(f"revenue {source}", Decimal(row.get("totalRevenue", 0)), revenue.total)
        count = row.get("transactionCount", 0)
        yield from _differs(f"transactions {source}", count, revenue.transactions)


def compare_demographics(report: Mapping[str, Any], truth: Truth) -> Iterator[Offender]:
    """`GET /reports/demographics`: distinct users in all and per value, and the averages of watching."""
    facebook, tiktok = truth.facebook(), truth.tiktok()
    users: dict[str, dict[str, int | dict[str, int]]] = {
        "facebook": {
            "totalUsers": facebook.total_users,
            "age": facebook.age,
            "gender": facebook.gender,
            "location": facebook.location,
        },
        "tiktok": {
            "totalUsers": tiktok.total_users,
            "followers": tiktok.followers,
            "device": tiktok.device,
            "country": tiktok.country,
        },
    }
    for source, figures in users.items():
        yield from _compare_audience(source, report.get(source) or {}, figures, truth.events_of(source))
    averages = {
        "averageWatchSeconds": tiktok.average_watch_seconds,
        "averagePercentageWatched": tiktok.average_percentage_watched,
    }
    told: Mapping[str, Any] = report.get("tiktok") or {}
    for name, average in averages.items():
        # The report rounds to two digits, half to even.
        counted = Decimal() if average is None else round(average, 2)
        yield from _differs(f"demographics tiktok {name}", Decimal(str(told.get(name) or 0)), counted)


def _compare_audience(
    source: str, told: Mapping[str, Any], figures: dict[str, int | dict[str, int]], events: int
) -> Iterator[Offender]:
    tolerance = 0.0
    if told.get("approximate"):
        tolerance = _STANDARD_ERRORS * told["standardErrorPercent"] / 100
        if events <= _EXACT_UP_TO_EVENTS:
            yield Offender(Offence.WRONG_FIGURE, f"demographics {source}", f"estimated for {events} events")
    for name, expected in figures.items():
        subject = f"demographics {source} {name}"
        if isinstance(expected, int):
            yield from _differs(subject, told.get(name, 0), expected, tolerance)
        else:
            yield from _compare_values(subject, told.get(name) or {}, expected, tolerance)


def _compare_values(
    subject: str, told: Mapping[str, int], counted: dict[str, int], tolerance: float
) -> Iterator[Offender]:
    """Values that the report does not name must be in its `other`; a user of the publisher has one value
    only."""
    named = {value: users for value, users in told.items() if value != OTHER}
    unnamed = sum(users for value, users in counted.items() if value not in named)
    for value, users in named.items():
        yield from _differs(f"{subject} {value}", users, counted.get(value, 0), tolerance)
    yield from _differs(f"{subject} {OTHER}", told.get(OTHER, 0), unnamed, tolerance)
    # The top values must be the largest; which of equals is named is the report's choice.
    least = min(named.values(), default=0)
    for value, users in counted.items():
        if value not in named and users > least * (1 + tolerance):
            yield Offender(Offence.WRONG_FIGURE, f"{subject} {value}", f"not among the top, but has {users}")


def _differs(
    subject: str, told: int | Decimal, counted: int | Decimal, tolerance: float = 0.0
) -> Iterator[Offender]:
    if abs(told - counted) > float(counted) * tolerance:
        yield Offender(Offence.WRONG_FIGURE, subject, f"report {told}, truth {counted}")
