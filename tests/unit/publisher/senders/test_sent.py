"""What was sent against what is stored."""

from decimal import Decimal

import msgspec

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.ledger import Offence, Offender
from publisher.senders.delivering import Counts, Delivered
from publisher.senders.sent import SentUpdates, offenders_of
from publisher.senders.update import Delivery, Expected, Update

BOUGHT = Expected(
    event_type="conversion.purchase", stage="bottom", amount=Decimal("9.90"), currency="EUR", at_ms=1_000
)
NOTICED = Expected(event_type="ads.in_process", is_new_each_time=True)
ONCE = Delivered(200, ACCEPTED, 0.1)


def delivery(*expected: Expected | None) -> Delivery:
    updates = tuple(Update(f"token-{index}", {}, each) for index, each in enumerate(expected))
    return Delivery(updates, lambda _at: b"", 0)


def offences(delivery: Delivery, delivered: Delivered, *stored: list[Expected]) -> list[Offender]:
    sent = SentUpdates()
    sent.record(delivery, delivered)
    return list(sent.compare({f"token-{index}": records for index, records in enumerate(stored)}))


def test_what_is_stored_once_and_right_is_no_offence():
    stored = msgspec.structs.replace(BOUGHT, amount=Decimal("9.9"))
    assert offences(delivery(BOUGHT), ONCE, [stored]) == []


def test_what_was_taken_must_be_stored_once():
    assert [each.offence for each in offences(delivery(BOUGHT), ONCE)] == [Offence.LOST]
    twice = offences(delivery(BOUGHT), ONCE, [BOUGHT, BOUGHT])
    assert [each.offence for each in twice] == [Offence.STORED_TWICE]


def test_what_nobody_answered_may_be_stored_once_or_not():
    unknown = Delivered(0, UNKNOWN, 0.1)
    assert offences(delivery(BOUGHT), unknown) == []
    assert offences(delivery(BOUGHT), unknown, [BOUGHT]) == []
    assert len(offences(delivery(BOUGHT), unknown, [BOUGHT, BOUGHT])) == 1


def test_what_was_refused_or_malformed_must_not_be_stored():
    refused = Delivered(401, REJECTED, 0.1)
    for sent, how in ((delivery(BOUGHT), refused), (delivery(None), ONCE)):
        assert offences(sent, how) == []
        assert [each.offence for each in offences(sent, how, [BOUGHT])] == [Offence.REJECTED_BUT_STORED]


def test_every_field_that_is_wrong_is_told():
    wrong = msgspec.structs.replace(BOUGHT, amount=Decimal(99), currency="USD", user="u", at_ms=2_000)
    [offender] = offences(delivery(BOUGHT), ONCE, [wrong])
    assert offender.offence is Offence.WRONG_RECORD
    for name in ("amount is 99, was sent as 9.90", "currency", "user", "at_ms"):
        assert name in offender.detail


def test_a_notice_without_an_id_may_be_stored_as_often_as_it_was_sent():
    thrice = msgspec.structs.replace(ONCE, attempts=3)
    stored = msgspec.structs.replace(NOTICED, at_ms=5, is_new_each_time=False)
    assert offences(delivery(NOTICED), thrice, [stored] * 3) == []
    assert len(offences(delivery(NOTICED), thrice, [stored] * 4)) == 1


def test_an_update_in_two_deliveries_keeps_the_verdict_that_binds_most():
    sent = SentUpdates()
    sent.record(delivery(BOUGHT), Delivered(401, REJECTED, 0.1))
    sent.record(delivery(BOUGHT), ONCE)
    assert [each.offence for each in sent.compare({})] == [Offence.LOST]


def test_an_answer_must_count_right():
    told = msgspec.structs.replace(ONCE, counts=Counts(1, 1))
    assert list(offenders_of(delivery(BOUGHT, None), told)) == []
    [few] = offenders_of(delivery(BOUGHT, BOUGHT), told)
    assert few.offence is Offence.REJECTED_THOUGH_VALID
    [many] = offenders_of(delivery(None, None), told)
    assert many.offence is Offence.ACCEPTED_THOUGH_INVALID
    [refused] = offenders_of(delivery(BOUGHT), Delivered(401, REJECTED, 0.1, "no"))
    assert "401" in refused.detail
