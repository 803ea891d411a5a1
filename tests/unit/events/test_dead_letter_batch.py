"""Dead letters of one source and reason share a message, within its limits, and its headers tell what is in it."""

from datetime import timedelta

import pytest

from pipeline.events.dead_letter import MAX_KEPT_BYTES, DeadLetter, dead_letter_of
from pipeline.events.dead_letter_batch import (
    MAX_BATCH_BYTES,
    MAX_BATCH_LETTERS,
    DeadLetterBatch,
    LetterPacker,
    read_headers,
    read_letters,
)
from pipeline.events.reasons import Reason, Rejection
from tests.unit.builders import NOW
from tests.unit.letters import letter

NATS_DEFAULT_MAX_PAYLOAD = 1024**2


def packed(letters: list[DeadLetter]) -> list[DeadLetterBatch]:
    packer = LetterPacker()
    complete = [batch for each in letters if (batch := packer.add(each))]
    return [*complete, *packer.rest()]


def test_each_source_and_reason_has_batches_of_its_own() -> None:
    letters = [
        letter(source=source, reason=reason)
        for _ in range(3)
        for source in ("facebook", "tiktok")
        for reason in (Reason.SCHEMA_VIOLATION, Reason.MALFORMED_JSON)
    ]
    batches = packed(letters)
    assert {(batch.source, batch.reason, batch.letters) for batch in batches} == {
        (source, reason, 3)
        for source in ("facebook", "tiktok")
        for reason in (Reason.SCHEMA_VIOLATION, Reason.MALFORMED_JSON)
    }


def test_every_letter_comes_back_as_it_was_whatever_its_bytes() -> None:
    letters = [letter(bytes([number, 0, 255]) * number) for number in range(256)]
    kept = [each for batch in packed(letters) for each in read_letters(batch.payload) or []]
    assert kept == letters


def test_a_batch_holds_no_more_letters_and_no_more_bytes_than_it_may() -> None:
    small = packed([letter(b"{}") for _ in range(1_001)])
    assert [batch.letters for batch in small] == [MAX_BATCH_LETTERS, MAX_BATCH_LETTERS, 1]
    large = packed([letter(b"x" * 10_000) for _ in range(100)])
    assert sum(batch.letters for batch in large) == 100
    assert len(large) > 1
    assert all(len(batch.payload) <= MAX_BATCH_BYTES + 2 for batch in large)


def test_the_largest_letter_has_a_message_of_its_own_that_any_server_takes() -> None:
    rejection = Rejection(Reason.TOO_LARGE, "$", "x" * 300)
    largest = dead_letter_of(
        b"x" * 10_000_000,
        rejection,
        source="facebook",
        format_name="facebook.event.v1",
        correlation_id="c" * 64,
        stage="gateway",
        received_at=NOW,
    )
    batches = packed([letter(reason=Reason.TOO_LARGE), largest, letter(reason=Reason.TOO_LARGE)])
    assert [batch.letters for batch in batches] == [1, 1, 1]
    assert max(len(batch.payload) for batch in batches) < NATS_DEFAULT_MAX_PAYLOAD // 2


@pytest.mark.parametrize(("size", "truncated"), [(MAX_KEPT_BYTES, False), (MAX_KEPT_BYTES + 1, True)])
def test_what_is_too_large_to_be_kept_is_cut_and_says_so(size: int, truncated: bool) -> None:
    cut = dead_letter_of(
        b"x" * size,
        Rejection(Reason.TOO_LARGE, "$", "too large"),
        source="unknown",
        format_name="",
        correlation_id="",
        stage="gateway",
        received_at=NOW,
    )
    assert (len(cut.raw), cut.truncated) == (MAX_KEPT_BYTES, truncated)
    (batch,) = packed([cut])
    assert batch.truncated == truncated


def test_the_headers_tell_what_counting_needs() -> None:
    letters = [letter(failed_at=NOW + timedelta(seconds=second)) for second in (5, 1, 9)]
    (batch,) = packed([*letters, letter(truncated=True, failed_at=NOW + timedelta(seconds=2))])
    told = read_headers(batch.headers())
    assert told is not None
    assert (told.letters, told.truncated) == (4, 1)
    assert (told.failed_from, told.failed_to) == (NOW + timedelta(seconds=1), NOW + timedelta(seconds=9))


def test_the_same_letters_make_the_same_message_and_others_another() -> None:
    letters = [letter(), letter()]
    assert packed(letters)[0].message_id == packed(letters)[0].message_id
    assert packed(letters)[0].message_id != packed(letters[:1])[0].message_id


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b"\xff", b"[" * 100_000])
def test_a_message_of_another_program_is_not_taken_for_letters(payload: bytes) -> None:
    assert read_letters(payload) is None


@pytest.mark.parametrize("headers", [{}, {"Sluice-Letters": "many"}])
def test_headers_of_another_program_tell_nothing(headers: dict[str, str]) -> None:
    assert read_headers(headers) is None
