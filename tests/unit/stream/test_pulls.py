"""What the consumer believes of its open pulls."""

from pipeline.stream.pulls import OpenPulls


def test_each_pull_has_an_inbox_of_its_own() -> None:
    pulls = OpenPulls()
    assert pulls.begin("_INBOX.x", 4) != pulls.begin("_INBOX.x", 4)
    assert pulls.owed == 8


def test_a_delivery_is_the_oldest_pulls_and_ends_it_when_it_was_the_last() -> None:
    pulls = OpenPulls()
    first = pulls.begin("_INBOX.x", 1)
    pulls.begin("_INBOX.x", 2)
    pulls.count_delivery()
    assert pulls.owed == 2
    pulls.end(first)  # its own end comes late and changes nothing
    assert pulls.owed == 2


def test_the_end_of_a_pull_takes_back_what_it_still_owed() -> None:
    pulls = OpenPulls()
    pulls.begin("_INBOX.x", 3)
    second = pulls.begin("_INBOX.x", 5)
    pulls.end(second)
    assert pulls.owed == 3


def test_a_delivery_that_nobody_asked_for_is_no_debt() -> None:
    pulls = OpenPulls()
    pulls.count_delivery()
    assert pulls.owed == 0


def test_silence_counts_only_while_something_is_owed() -> None:
    pulls = OpenPulls()
    pulls.distrust()
    assert not pulls.are_silent(60)
    pulls.begin("_INBOX.x", 1)
    assert pulls.are_silent(60)
    pulls.heard()
    assert not pulls.are_silent(60)


def test_what_is_forgotten_is_not_waited_for() -> None:
    pulls = OpenPulls()
    pulls.begin("_INBOX.x", 7)
    pulls.forget()
    assert pulls.owed == 0
    assert not pulls.are_silent(0)
