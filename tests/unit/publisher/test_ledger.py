from uuid import UUID, uuid4

import pytest

from publisher import ledger as ledger_module
from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.ledger import Ledger, Offence, Stored

FACEBOOK, TIKTOK = b"\x00", b"\x07"  # type codes of each source


def entered(*entries: tuple[UUID, int], code: bytes = FACEBOOK) -> Ledger:
    ledger = Ledger()
    for uuid, verdict in entries:
        ledger.record(uuid.bytes, code, bytes([verdict]))
    return ledger


def rows(*uuids: UUID, source: str = "facebook", prefix: str = "fb-") -> Stored:
    stored = Stored()
    for uuid in uuids:
        stored.add(source, f"{prefix}{uuid}", 1)
    return stored


def offences(ledger: Ledger, stored: Stored) -> list[tuple[Offence, str]]:
    return [(offender.offence, offender.subject) for offender in ledger.compare(stored)]


A, B, C = (uuid4() for _ in range(3))


def test_acknowledged_and_stored_once_is_right():
    assert offences(entered((A, ACCEPTED), (B, ACCEPTED)), rows(B, A)) == []


def test_acknowledged_and_not_stored_is_lost():
    assert offences(entered((A, ACCEPTED), (B, ACCEPTED)), rows(A)) == [(Offence.LOST, f"fb-{B}")]


def test_acknowledged_and_stored_twice_is_a_duplicate():
    assert offences(entered((A, ACCEPTED)), rows(A, A)) == [(Offence.STORED_TWICE, f"fb-{A}")]


def test_rejected_and_stored_is_an_offence_and_rejected_alone_is_right():
    ledger = entered((A, REJECTED), (B, REJECTED))
    assert offences(ledger, rows(B)) == [(Offence.REJECTED_BUT_STORED, f"fb-{B}")]


def test_unanswered_may_be_stored_or_not_but_not_twice():
    ledger = entered((A, UNKNOWN), (B, UNKNOWN), (C, UNKNOWN))
    assert offences(ledger, rows(B, C, C)) == [(Offence.STORED_TWICE, f"fb-{C}")]
    assert ledger.unknown == 3


@pytest.mark.parametrize("other", [UNKNOWN, REJECTED])
def test_an_acknowledgement_binds_whatever_other_bodies_with_the_event_got(other: int):
    for entries in ([(A, ACCEPTED), (A, other)], [(A, other), (A, ACCEPTED)]):
        assert offences(entered(*entries), rows()) == [(Offence.LOST, f"fb-{A}")]
        assert offences(entered(*entries), rows(A)) == []


def test_an_event_that_was_rejected_once_and_unanswered_once_may_be_stored():
    assert offences(entered((A, REJECTED), (A, UNKNOWN)), rows(A)) == []


def test_the_same_uuid_of_the_other_source_is_another_event():
    ledger = entered((A, ACCEPTED), code=TIKTOK)
    assert offences(ledger, rows(A, source="tiktok", prefix="ttk-")) == []
    assert offences(ledger, rows(A)) == [(Offence.LOST, f"ttk-{A}")]


def test_an_id_under_the_wrong_source_does_not_count_as_stored():
    stored = rows(A, source="tiktok", prefix="fb-")
    assert offences(entered((A, ACCEPTED)), stored) == [(Offence.LOST, f"fb-{A}")]
    assert stored.foreign == 1


def test_other_spellings_of_an_id_are_not_the_id():
    stored = Stored()
    for text in (f"fb-{str(A).upper()}", f"fb-{{{A}}}", f"fb-{A.hex}", f"fb-urn:uuid:{A}", "fb-", "", str(A)):
        stored.add("facebook", text, 1)
    assert stored.foreign == stored.rows == 7
    assert offences(entered((A, ACCEPTED)), stored) == [(Offence.LOST, f"fb-{A}")]


def test_ids_come_many_at_a_time_among_others():
    stored = Stored()
    stored.add("facebook", f"fb-{A} fb-{B}x xfb-{C} fb-{C} ttk-{A}", 7)
    assert offences(entered((A, ACCEPTED), (B, UNKNOWN), (C, ACCEPTED)), stored) == []
    assert (stored.rows, stored.foreign) == (7, 5)


def test_rows_of_other_runs_are_counted_and_are_no_offence():
    stored = rows(A, B, C)
    assert offences(entered((A, ACCEPTED)), stored) == []
    assert stored.foreign == 2


def test_many_partitions_find_the_same_offenders_as_one(monkeypatch: pytest.MonkeyPatch):
    uuids = [uuid4() for _ in range(400)]
    ledger = Ledger()
    ledger.record(b"".join(u.bytes for u in uuids), FACEBOOK * 200 + TIKTOK * 200, bytes([ACCEPTED]) * 400)

    def everything_but(*missing: int) -> Stored:
        stored = rows(*(u for i, u in enumerate(uuids[:200]) if i not in missing), A)
        for i, uuid in enumerate(uuids[200:], start=200):
            for _ in range(1 + (i == 333)):
                stored.add("tiktok", f"ttk-{uuid}", 1)
        return stored

    one, many = everything_but(5, 77), everything_but(5, 77)
    expected = sorted(offences(ledger, one))
    monkeypatch.setattr(ledger_module, "PARTITION_KEYS", 10)
    assert sorted(offences(ledger, many)) == expected
    assert [offence for offence, _ in expected].count(Offence.LOST) == 2
    assert [offence for offence, _ in expected].count(Offence.STORED_TWICE) == 1
    assert one.foreign == many.foreign == 1


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        Ledger().record(A.bytes, FACEBOOK * 2, bytes([ACCEPTED]))
