"""Keeping account of a run: every outcome is entered once and updates all totals together."""

import time
from collections.abc import Iterator

import msgspec

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN, Outcome
from publisher.bodies import Body
from publisher.latency import Latencies
from publisher.ledger import Ledger, Offence, Offender
from publisher.truth import Truth

KEPT_OFFENDERS = 1_000
_VERDICT_STATUSES = frozenset((200, 202, 400))  # answers in which the gateway has judged event by event


class Totals(msgspec.Struct):
    """Events, unless said otherwise. `sent` = `accepted` + `rejected` + `unknown` + those still under
    way."""

    posts: int = 0
    bytes: int = 0
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    duplicates: int = 0
    corrupted: int = 0


class Account:
    """Totals and latencies; with a truth and a ledger also what must be in the reports and in the database.

    The events of the run happened from `earliest_ms` to `latest_ms`; `last_answer_at` is in seconds since
    1970.
    """

    def __init__(self, truth: Truth | None = None, ledger: Ledger | None = None) -> None:
        self.totals = Totals()
        self.latencies = Latencies()
        self.truth = truth
        self.ledger = ledger
        self.offenders: list[Offender] = []
        self.earliest_ms: int | None = None
        self.latest_ms: int | None = None
        self.last_answer_at: float | None = None

    def sent(self, body: Body) -> None:
        """A body is on its way."""
        totals = self.totals
        totals.posts += 1
        totals.bytes += len(body.payload)
        totals.sent += len(body)
        totals.duplicates += len(body.repeats)
        totals.corrupted += body.corrupted is not None
        self.earliest_ms = min(body.earliest_ms, self.earliest_ms or body.earliest_ms)
        self.latest_ms = max(body.latest_ms, self.latest_ms or body.latest_ms)

    def settle(self, body: Body, outcome: Outcome, seconds: float) -> None:
        """A body came to its end, `seconds` after it was due."""
        verdicts = outcome.verdicts
        self.totals.accepted += verdicts.count(ACCEPTED)
        self.totals.rejected += verdicts.count(REJECTED)
        self.totals.unknown += verdicts.count(UNKNOWN)
        if outcome.status:
            self.latencies.add(seconds)
            self.last_answer_at = time.time()
        if self.truth is not None:
            self._enter_truth(self.truth, body, verdicts)
        if self.ledger is not None:
            _enter_ledger(self.ledger, body, verdicts)
            if outcome.status in _VERDICT_STATUSES:
                self.offenders.extend(_misjudged(body, outcome))
                del self.offenders[KEPT_OFFENDERS:]

    def _enter_truth(self, truth: Truth, body: Body, verdicts: bytes) -> None:
        """Adds what was accepted now for the first time.

        A repeat counts with whichever of its bodies comes first.
        """
        again = [*body.kept.items(), *enumerate(body.repeats, start=len(body.facts))]
        for index, repeat in again:
            if verdicts[index] == ACCEPTED and not repeat.counted:
                repeat.counted = True
                truth.add(repeat.event.facts)
        fresh = verdicts[: len(body.facts)]
        if body.kept or fresh.count(ACCEPTED) < len(fresh):
            left_out = body.kept.keys() | {
                index for index, verdict in enumerate(fresh) if verdict != ACCEPTED
            }
            truth.add(body.facts.without(left_out))
        else:
            truth.add(body.facts)
        if body.corrupted is not None and verdicts[-1] == ACCEPTED:
            truth.add(body.corrupted.event.facts)


def _enter_ledger(ledger: Ledger, body: Body, verdicts: bytes) -> None:
    fresh = len(body.facts)
    ledger.record(body.facts.ids, body.facts.codes, verdicts[:fresh])
    for index, repeat in enumerate(body.repeats, start=fresh):
        ledger.record(repeat.event.facts.ids, repeat.event.facts.codes, verdicts[index : index + 1])
    if body.corrupted is not None and body.corrupted.has_id:
        facts = body.corrupted.event.facts
        ledger.record(facts.ids, facts.codes, verdicts[-1:])


def _misjudged(body: Body, outcome: Outcome) -> Iterator[Offender]:
    """Valid events that were rejected, and an invalid one that was not."""
    verdicts = outcome.verdicts
    if body.corrupted is not None and not body.corrupted.still_valid:
        if verdicts[-1] == ACCEPTED:
            damage = f"{body.corrupted.branch} in {body.corrupted.flavour} flavour"
            yield Offender(Offence.ACCEPTED_THOUGH_INVALID, body.corrupted.event.event_id, damage)
        verdicts = verdicts[:-1]
    if REJECTED not in verdicts:
        return
    errors = {error.index: error for error in outcome.errors}
    for index, verdict in enumerate(verdicts):
        if verdict == REJECTED:
            error = errors.get(index)
            why = f"{error.reason} at {error.path}: {error.detail}" if error is not None else outcome.problem
            yield Offender(Offence.REJECTED_THOUGH_VALID, _event_id(body, index), why)


def _event_id(body: Body, index: int) -> str:
    if index < len(body.facts):
        return body.facts.event_id(index)
    index -= len(body.facts)
    if index < len(body.repeats):
        return body.repeats[index].event.event_id
    return body.corrupted.event.event_id if body.corrupted is not None else "?"
