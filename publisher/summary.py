"""What a run came to, as data: for people (`publisher/report.py`) and, through `--json`, for programs."""

from collections import Counter
from decimal import Decimal
from typing import Protocol

import msgspec

from publisher.account import Account
from publisher.ledger import Offender
from publisher.settings import Settings
from publisher.truth import FacebookAudience, TikTokAudience, Truth


class Verification(msgspec.Struct, frozen=True):
    """What `--verify` found. `rows` are the events of this run in the database, `foreign` those of
    others."""

    rows: int
    foreign: int
    lag_wait_seconds: float
    reports_compared: bool
    note: str
    offender_count: int
    offenders: list[Offender]
    """At most 1,000 of them."""

    @property
    def passed(self) -> bool:
        return self.offender_count == 0


class Figures(msgspec.Struct, frozen=True):
    """The truth about the accepted events. Money as decimal strings."""

    events: dict[str, int]
    """Per `source/funnelStage/eventType`."""
    revenue: dict[str, Decimal]
    transactions: dict[str, int]
    facebook: FacebookAudience
    tiktok: TikTokAudience


class AttackResult(msgspec.Struct, frozen=True):
    """What became of a bot attack on a `post`: how many FRAUD alerts, the `rule` of the first and how long after the
    first like of a bot it was raised; without any, `problem` says what is known."""

    post: str
    alerts: int
    seconds: float | None
    rule: str
    problem: str = ""

    @property
    def is_caught(self) -> bool:
        """One alert, and no more."""
        return self.alerts == 1


class Summary(msgspec.Struct, frozen=True):
    """Events unless said otherwise; latencies in ms from due to answered, None without an answer."""

    seed: int
    elapsed_seconds: float
    posts: int
    bytes: int
    sent: int
    accepted: int
    rejected: int
    unknown: int
    """Sent, but without an answer that says what became of them."""
    duplicates: int
    """Sent again on purpose."""
    corrupted: int
    retries: int
    answers: dict[str, int]
    """Attempts by status code, or by `refused`, `reset`, `timeout`, `protocol`."""
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    truth: Figures | None = None
    verification: Verification | None = None
    attack: AttackResult | None = None

    @property
    def events_per_second(self) -> float:
        return self.sent / self.elapsed_seconds if self.elapsed_seconds else 0.0

    @property
    def exit_code(self) -> int:
        has_failed = self.verification is not None and not self.verification.passed
        is_missed = self.attack is not None and not self.attack.is_caught
        return 1 if has_failed or is_missed else 0


class Attempts(Protocol):
    """Who did the sending; a `publisher.client.Client` is one."""

    statuses: "Counter[str]"
    retries: int


def summarize(
    settings: Settings, account: Account, client: Attempts, elapsed: float, verification: Verification | None
) -> Summary:
    totals = account.totals
    return Summary(
        seed=settings.seed,
        elapsed_seconds=round(elapsed, 3),
        **msgspec.structs.asdict(totals),
        retries=client.retries,
        answers=dict(sorted(client.statuses.items())),
        latency_p50_ms=_ms(account.latencies.percentile(50)),
        latency_p95_ms=_ms(account.latencies.percentile(95)),
        latency_p99_ms=_ms(account.latencies.percentile(99)),
        truth=figures(account.truth) if account.truth is not None else None,
        verification=verification,
    )


def figures(truth: Truth) -> Figures:
    """The totals of a truth in a form that JSON can carry."""
    revenue = truth.revenue()
    return Figures(
        events={"/".join(key): count for key, count in truth.counts().items()},
        revenue={source: of.total for source, of in revenue.items()},
        transactions={source: of.transactions for source, of in revenue.items()},
        facebook=truth.facebook(),
        tiktok=truth.tiktok(),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
