"""Every action that was sent and the verdict it got, against what is stored."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.ledger import Offence, Offender
from publisher.social.action import Action
from publisher.social.answers import Answered
from publisher.social.requests import Request
from publisher.social.truth import PostTruth


class StoredAction(msgspec.Struct, frozen=True):
    """An action as the database shows it. `action_id` is the app's own, empty where it gave none."""

    kind: str
    user: str
    subject: str
    at_us: int
    text: str | None
    action_id: str = ""


class _Sent(msgspec.Struct):
    action: Action
    verdict: int = REJECTED


class ActionLedger:
    """One entry for each action of a run. Neither here nor in what is read is anything known of how the gateway makes
    ids: an action is known by the id that the app gave it, and without one by its user and its time."""

    def __init__(self) -> None:
        self._sent: dict[str, _Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def record(self, request: Request, outcome: Answered) -> None:
        """A request came to its end. Of several answers on an action the one that binds most counts."""
        for action, action_id, verdict in zip(request.actions, request.ids, outcome.verdicts, strict=True):
            key = action_id or _key_without_id(action.user, action.at_us)
            sent = self._sent.setdefault(key, _Sent(action))
            sent.verdict = max(sent.verdict, verdict)

    def compare(self, stored: Sequence[StoredAction]) -> Iterator[Offender]:
        """All offenders."""
        rows = _by_key(stored)
        for key, sent in self._sent.items():
            yield from _judge(key, sent, rows.get(key, ()))
        for key in rows.keys() - self._sent.keys():
            yield Offender(Offence.WRONG_RECORD, key, "nobody has sent that")

    def truth(self, stored: Sequence[StoredAction]) -> PostTruth:
        """What the reports must show: of all that was accepted, and of what is stored though no answer came."""
        known = Counter(_key(row) for row in stored)
        truth = PostTruth()
        for key, sent in self._sent.items():
            if sent.verdict == ACCEPTED or (sent.verdict == UNKNOWN and known[key]):
                truth.add(sent.action)
        return truth


def misjudged(request: Request, outcome: Answered) -> Iterator[Offender]:
    """Valid actions that were rejected, and flawed ones that were not."""
    reasons = {result.index: result for result in outcome.results}
    for index, (action, verdict) in enumerate(zip(request.actions, outcome.verdicts, strict=True)):
        subject = f"{action.kind} of {action.user} number {action.number}"
        if verdict == REJECTED and not action.flaw:
            told = reasons.get(index)
            detail = (
                f"{told.reason} at {told.path}: {told.detail}" if told and told.reason else outcome.problem
            )
            yield Offender(Offence.REJECTED_THOUGH_VALID, subject, f"answered {outcome.status}: {detail}")
        if verdict == ACCEPTED and action.flaw:
            yield Offender(Offence.ACCEPTED_THOUGH_INVALID, subject, f"its flaw: {action.flaw}")


def _judge(key: str, sent: _Sent, rows: Sequence[StoredAction]) -> Iterator[Offender]:
    times = len(rows)
    if sent.verdict == REJECTED or sent.action.flaw:
        if rows:
            yield Offender(Offence.REJECTED_BUT_STORED, key, f"stored {times} times")
        return
    if times == 0 and sent.verdict == ACCEPTED:
        yield Offender(Offence.LOST, key)
    if times > 1:
        yield Offender(Offence.STORED_TWICE, key, f"stored {times} times")
    for row in rows:
        if differences := "; ".join(_differences(row, sent.action)):
            yield Offender(Offence.WRONG_RECORD, key, differences)


def _differences(row: StoredAction, action: Action) -> Iterator[str]:
    for name in ("kind", "user", "subject", "text", "at_us"):
        told, sent = getattr(row, name), getattr(action, name)
        if told != sent and (name != "at_us" or action.says_when):
            yield f"{name} is {told!r}, was sent as {sent!r}"


def _by_key(stored: Sequence[StoredAction]) -> Mapping[str, Sequence[StoredAction]]:
    rows: dict[str, list[StoredAction]] = {}
    for row in stored:
        rows.setdefault(_key(row), []).append(row)
    return rows


def _key(row: StoredAction) -> str:
    return row.action_id or _key_without_id(row.user, row.at_us)


def _key_without_id(user: str, at_us: int) -> str:
    return f"{user} at {at_us}"
