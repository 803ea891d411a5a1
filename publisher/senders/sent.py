"""What was sent and how it ended, against what is stored."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from publisher.answers import ACCEPTED, REJECTED
from publisher.ledger import Offence, Offender
from publisher.senders.delivering import Delivered
from publisher.senders.update import Delivery, Expected


class _Sent(msgspec.Struct):
    expected: Expected | None
    verdict: int = REJECTED
    attempts: int = 0


class SentUpdates:
    """Every update by its token. One that came in several deliveries keeps the verdict that binds most."""

    def __init__(self) -> None:
        self._sent: dict[str, _Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def record(self, delivery: Delivery, delivered: Delivered) -> None:
        """A delivery came to its end."""
        for update in delivery.updates:
            sent = self._sent.setdefault(update.token, _Sent(update.expected))
            sent.verdict = max(sent.verdict, delivered.verdict)
            sent.attempts += delivered.attempts

    def compare(self, stored: Mapping[str, Sequence[Expected]]) -> Iterator[Offender]:
        """All offenders; `stored` are the records that the database shows, by token."""
        for token, sent in self._sent.items():
            yield from _judge(token, sent, stored.get(token, ()))


def _judge(token: str, sent: _Sent, records: Sequence[Expected]) -> Iterator[Offender]:
    expected, times = sent.expected, len(records)
    if expected is None or sent.verdict == REJECTED:
        if records:
            kind = expected.event_type if expected else "malformed"
            yield Offender(Offence.REJECTED_BUT_STORED, f"{token} {kind}", f"stored {times} times")
        return
    subject = f"{token} {expected.event_type}"
    if times == 0 and sent.verdict == ACCEPTED:
        yield Offender(Offence.LOST, subject)
    if times > (sent.attempts if expected.is_new_each_time else 1):
        yield Offender(Offence.STORED_TWICE, subject, f"stored {times} times")
    for record in records:
        if differences := list(_differences(record, expected)):
            yield Offender(Offence.WRONG_RECORD, subject, "; ".join(differences))


def _differences(record: Expected, expected: Expected) -> Iterator[str]:
    for name in ("event_type", "stage", "user", "amount", "currency", "campaign", "at_ms"):
        told, sent = getattr(record, name), getattr(expected, name)
        has_no_time = name == "at_ms" and sent is None
        if told != sent and not has_no_time:
            yield f"{name} is {told}, was sent as {sent}"


def offenders_of(delivery: Delivery, delivered: Delivered) -> Iterator[Offender]:
    """What is wrong with the answer itself."""
    subject = f"delivery with {delivery.updates[0].token}"
    if delivered.verdict == REJECTED:
        detail = f"answered {delivered.status}: {delivered.problem}"
        yield Offender(Offence.REJECTED_THOUGH_VALID, subject, detail)
    counts = delivered.counts
    if delivered.verdict == ACCEPTED and counts is not None:
        good, bad = delivery.good, len(delivery.updates) - delivery.good
        if (counts.accepted, counts.rejected) != (good, bad):
            offence = (
                Offence.REJECTED_THOUGH_VALID if counts.accepted < good else Offence.ACCEPTED_THOUGH_INVALID
            )
            detail = f"{counts.accepted} accepted and {counts.rejected} rejected, were {good} and {bad}"
            yield Offender(offence, subject, detail)
