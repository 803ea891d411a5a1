"""Enters what was sent and how it ended: totals, latencies, offenders and the ledger together."""

import time

from publisher.account import KEPT_OFFENDERS, Account
from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.social.answers import Answered
from publisher.social.ledger import ActionLedger, misjudged
from publisher.social.requests import Request


class Books:
    """Of one run. Without a `ledger` only totals are kept."""

    def __init__(self, account: Account, ledger: ActionLedger | None) -> None:
        self._account = account
        self._ledger = ledger

    def sent(self, request: Request) -> None:
        """A request is on its way."""
        totals, account = self._account.totals, self._account
        size = len(request.actions)
        totals.sent += size
        totals.duplicates += request.lost_answers * size
        totals.corrupted += size - request.good
        for action in request.actions:
            at_ms = action.at_us // 1000
            account.earliest_ms = min(at_ms, account.earliest_ms or at_ms)
            account.latest_ms = max(at_ms, account.latest_ms or at_ms)

    def ended(self, request: Request, outcome: Answered, seconds: float) -> None:
        """A request came to its end, so long after it was begun."""
        totals, account = self._account.totals, self._account
        totals.accepted += outcome.verdicts.count(ACCEPTED)
        totals.rejected += outcome.verdicts.count(REJECTED)
        totals.unknown += outcome.verdicts.count(UNKNOWN)
        if outcome.status:
            account.latencies.add(seconds)
            account.last_answer_at = time.time()
        account.offenders.extend(misjudged(request, outcome))
        del account.offenders[KEPT_OFFENDERS:]
        if self._ledger is not None:
            self._ledger.record(request, outcome)
