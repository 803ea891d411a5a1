"""Which letters a filter means, and what it can tell without reading them."""

from datetime import timedelta
from typing import Any

import pytest

from pipeline.events.dead_letter_batch import LetterHeaders, LetterPacker
from pipeline.events.reasons import Reason
from pipeline.stream import DeadLetterFilter
from pipeline.stream.topology import dead_subject
from tests.unit.builders import NOW
from tests.unit.letters import letter

FAILED = NOW + timedelta(minutes=5)
LETTER = letter(id="abcd" * 8, correlation_id="request-17", failed_at=FAILED)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("wanted", "is_meant"),
    [
        ({}, True),
        ({"source": "facebook"}, True),
        ({"source": "tiktok"}, False),
        ({"reason": Reason.SCHEMA_VIOLATION}, True),
        ({"reason": Reason.MALFORMED_JSON}, False),
        ({"failed_from": FAILED}, True),
        ({"failed_from": FAILED + SECOND}, False),
        ({"failed_before": FAILED + SECOND}, True),
        ({"failed_before": FAILED}, False),
        ({"correlation_id": "request-17"}, True),
        ({"correlation_id": "request-1"}, False),
        ({"ids": ("abcd",)}, True),
        ({"ids": ("ffff", "abcdabcd")}, True),
        ({"ids": ("bcda",)}, False),
        ({"source": "facebook", "correlation_id": "another"}, False),
    ],
)
def test_a_letter_is_meant_when_everything_fits(wanted: dict[str, Any], is_meant: bool) -> None:
    chosen = DeadLetterFilter(**wanted)
    assert chosen.matches(LETTER) is is_meant
    packer = LetterPacker()
    packer.add(LETTER)
    (batch,) = packer.rest()
    if is_meant:
        assert chosen.may_be_in(batch.payload)
        assert chosen.decide(headers(FAILED, FAILED)) is not False


def test_truncated_letters_are_left_out_where_only_replayable_ones_are_meant() -> None:
    assert not DeadLetterFilter(replayable=True).matches(letter(truncated=True))
    assert DeadLetterFilter(replayable=True).matches(letter())
    assert DeadLetterFilter(replayable=True).decide(headers(FAILED, FAILED, truncated=4)) is False
    assert DeadLetterFilter(replayable=True).decide(headers(FAILED, FAILED, truncated=1)) is None


@pytest.mark.parametrize(
    ("wanted", "decision"),
    [
        ({}, True),
        ({"failed_from": FAILED}, True),
        ({"failed_from": FAILED + 5 * SECOND}, None),
        ({"failed_from": FAILED + 11 * SECOND}, False),
        ({"failed_before": FAILED}, False),
        ({"failed_before": FAILED + 10 * SECOND}, None),
        ({"failed_before": FAILED + 11 * SECOND}, True),
        ({"correlation_id": "request-17"}, None),
        ({"ids": ("abcd",)}, None),
    ],
)
def test_the_headers_decide_what_they_can(wanted: dict[str, Any], decision: bool | None) -> None:
    assert DeadLetterFilter(**wanted).decide(headers(FAILED, FAILED + 10 * SECOND)) is decision


def test_a_quick_look_finds_ids_that_json_writes_differently() -> None:
    strange = letter(correlation_id='a "quoted" one\\')
    packer = LetterPacker()
    packer.add(strange)
    (batch,) = packer.rest()
    assert DeadLetterFilter(correlation_id=strange.correlation_id).may_be_in(batch.payload)
    assert not DeadLetterFilter(correlation_id="request-18").may_be_in(batch.payload)


@pytest.mark.parametrize("source", ["", "*", "a.b", "a b", ">"])
def test_a_source_that_would_select_others_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="no source"):
        DeadLetterFilter(source=source)


def test_small_messages_are_spread_over_many_subjects_and_large_ones_are_not() -> None:
    def subjects(size: int) -> set[str]:
        return {dead_subject("facebook", "too_large", size, number) for number in range(1_000)}

    assert [len(subjects(size)) for size in (900, 30_000, 260_000)] == [64, 8, 1]
    assert not subjects(900) & subjects(30_000)


def headers(first: Any, last: Any, truncated: int = 0) -> LetterHeaders:
    return LetterHeaders(letters=4, truncated=truncated, failed_from=first, failed_to=last)
