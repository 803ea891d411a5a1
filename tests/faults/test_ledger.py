"""The ledger finds what it is for, and the schedule and the record can be relied on."""

from itertools import islice, pairwise
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.ledger import Stored
from tests.faults import table
from tests.faults.catalogue import FAULTS
from tests.faults.ledger import Ledger
from tests.faults.options import parse
from tests.faults.schedule import shuffled_rounds


def ledger_of(*entries: tuple[int, UUID, int]) -> Ledger:
    """Entries: window, id, verdict."""
    ledger = Ledger()
    for window, key, verdict in entries:
        ledger.window = window
        ledger.record(key.bytes, b"\0", bytes([verdict]))
    return ledger


def stored_of(*keys: UUID) -> Stored:
    stored = Stored()
    stored.add("facebook", " ".join(f"fb-{key}" for key in keys), len(keys))
    return stored


def test_what_was_accepted_and_stored_once_balances_with_what_was_sent_again() -> None:
    one, other, unanswered, bad = (uuid4() for _ in range(4))
    ledger = ledger_of(
        (1, one, ACCEPTED), (2, one, ACCEPTED), (2, one, UNKNOWN), (2, other, UNKNOWN), (3, other, ACCEPTED)
    )
    ledger.record(unanswered.bytes + bad.bytes, b"\0\0", bytes([UNKNOWN, REJECTED]))

    balance = ledger.compare(stored_of(one, other, unanswered))

    assert balance.holds
    assert (balance.accepted, balance.accepted_ids, balance.duplicates) == (3, 2, 1)
    assert (balance.stored, balance.stored_of_unknown, balance.rejected_ids) == (3, 1, 1)


@pytest.mark.parametrize(
    ("verdict", "times", "offence"),
    [
        (ACCEPTED, 0, "lost"),
        (ACCEPTED, 2, "doubled"),
        (UNKNOWN, 2, "doubled"),
        (REJECTED, 1, "leaked"),
    ],
)
def test_an_offence_belongs_to_the_fault_in_whose_window_the_binding_answer_came(
    verdict: int, times: int, offence: str
) -> None:
    good, bad = uuid4(), uuid4()
    ledger = ledger_of((1, good, ACCEPTED), (2, bad, REJECTED), (4, bad, verdict), (5, bad, verdict))

    balance = ledger.compare(stored_of(good, *[bad] * times))

    assert not balance.holds
    # A rejected event has no other answer, so its first one binds.
    assert getattr(balance, offence) == {2 if verdict == REJECTED else 4: 1}
    assert str(bad) in balance.offenders[0]


def test_what_nobody_sent_does_not_balance() -> None:
    one = uuid4()
    assert not ledger_of((1, one, ACCEPTED)).compare(stored_of(one, uuid4())).holds


def test_a_schedule_follows_from_its_seed_and_leaves_no_fault_out() -> None:
    first, again, other = (list(islice(shuffled_rounds(FAULTS, seed), 3 * len(FAULTS))) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert {fault.name for fault in first[: len(FAULTS)]} == {fault.name for fault in FAULTS}
    assert all(one is not following for one, following in pairwise(first))


def test_the_command_that_is_told_repeats_the_run() -> None:
    given = ["--only", "postgres-away", "--outage", "60", "--rate", "5000", "--seed", "3"]
    options = parse(given)
    assert parse(options.command.split()[3:]) == options


def test_recording_replaces_what_was_recorded_before(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text("before\n\n<!-- recorded: a mix -->\n\nold\n\n<!-- end of a mix -->\n\nafter\n")
    table.record("a mix", ["new"], document)
    expected = "before\n\n<!-- recorded: a mix -->\n\nnew\n\n<!-- end of a mix -->\n\nafter\n"
    assert document.read_text() == expected


def test_the_document_names_every_fault() -> None:
    shown = table.DOCUMENT.read_text()
    assert [fault.name for fault in FAULTS if f"| {fault.name} |" not in shown] == []
