import json

import pytest

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN, outcome_of


def receipt(accepted: int, rejected: int, indices: list[int]) -> bytes:
    errors = [{"index": index, "eventId": None, "reason": "schema_violation"} for index in indices]
    return json.dumps({"accepted": accepted, "rejected": rejected, "errors": errors}).encode()


def test_a_202_accepts_all_but_the_listed_events():
    outcome = outcome_of(202, receipt(4, 1, [3]), 5)
    assert list(outcome.verdicts) == [ACCEPTED, ACCEPTED, ACCEPTED, REJECTED, ACCEPTED]
    assert outcome.problem == ""


def test_rejected_events_beyond_the_listed_ones_leave_the_rest_open():
    outcome = outcome_of(202, receipt(2, 3, [0, 1]), 5)
    assert list(outcome.verdicts) == [REJECTED, REJECTED, UNKNOWN, UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    "answer",
    [
        receipt(4, 0, []),  # one event is missing
        receipt(4, 1, [7]),  # no such index
        receipt(5, 0, [1]),  # accepted and listed as an error
        b"<html>",
        b"",
        b'{"accepted": "many"}',
    ],
)
def test_a_202_that_does_not_add_up_proves_nothing(answer: bytes):
    outcome = outcome_of(202, answer, 5)
    assert set(outcome.verdicts) == {UNKNOWN}
    assert outcome.problem


@pytest.mark.parametrize("status", [400, 401, 413, 415])
def test_a_4xx_rejects_everything(status: int):
    assert list(outcome_of(status, b'{"detail": "no"}', 3).verdicts) == [REJECTED] * 3


def test_a_400_keeps_its_errors():
    outcome = outcome_of(400, receipt(0, 1, [0]), 1)
    assert outcome.errors[0].reason == "schema_violation"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_overload_or_a_5xx_says_nothing_about_the_events(status: int):
    assert list(outcome_of(status, b"", 2).verdicts) == [UNKNOWN] * 2
