"""One id follows a request: the caller's, if it can be written into headers and logs of other systems."""

import contextvars

import pytest

from pipeline.chassis.correlation import begin_correlation, current_correlation_id


@pytest.mark.parametrize(
    "candidate", ["a", "request-17", "A.b_C-9", "x" * 64, "0af7651916cd43dd8448eb211c80319c"]
)
def test_a_valid_id_of_the_caller_is_taken(candidate: str) -> None:
    assert begin_correlation(candidate) == candidate
    assert current_correlation_id() == candidate


@pytest.mark.parametrize(
    "candidate",
    [
        None,
        "",
        " ",
        "x" * 65,
        "two words",
        "a\r\nSet-Cookie: b",
        "a\n",
        "ümlaut",
        "a*3,b",
        "a/b",
        "<script>",
        "\x00",
    ],
)
def test_any_other_id_is_replaced_by_a_new_one(candidate: str | None) -> None:
    first, second = begin_correlation(candidate), begin_correlation(candidate)
    assert first != candidate
    assert first != second
    assert current_correlation_id() == second
    assert len(first) == 32
    assert first.isalnum()


def test_outside_of_a_request_there_is_none() -> None:
    assert contextvars.Context().run(current_correlation_id) == ""
