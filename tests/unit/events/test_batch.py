"""A record batch comes out of a message as it went in, and a message that is none is told apart."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.batch import (
    CORRELATION_HEADER,
    FORMAT_HEADER,
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    MESSAGE_ID_HEADER,
    RECEIVED_AT_HEADER,
    REPLAYS_HEADER,
    MalformedBatch,
    RecordBatch,
    pack,
    read_batch,
)

RECEIVED_AT = datetime(2026, 5, 14, 10, 46, 28, 214000, tzinfo=UTC)
HEADERS = {FORMAT_HEADER: "facebook.event.v1", RECEIVED_AT_HEADER: RECEIVED_AT.isoformat()}


def batch_of(*events: bytes, correlation: list[tuple[str, int]] | None = None) -> RecordBatch:
    return RecordBatch(
        "facebook",
        "facebook.event.v1",
        [msgspec.Raw(event) for event in events],
        RECEIVED_AT,
        correlation or [],
    )


def test_a_batch_comes_out_of_its_message_as_it_went_in() -> None:
    events = [b'{"a": 1.0}', b'{ "b" : "\xc3\xa4" }', b'{"c":12345678901234567890.000}']
    batch = batch_of(*events, correlation=[("first", 1), ("second", 2)])
    again = read_batch("facebook", batch.payload(), batch.headers())
    assert [bytes(event) for event in again.events] == events
    assert (again.source, again.format) == ("facebook", "facebook.event.v1")
    assert again.received_at == RECEIVED_AT
    assert again.correlation == [("first", 1), ("second", 2)]


def test_how_often_its_events_were_replayed_is_told_only_of_a_replay() -> None:
    first, replayed = batch_of(b"{}"), msgspec.structs.replace(batch_of(b"{}"), replays=3)
    assert REPLAYS_HEADER not in first.headers()
    assert [read_batch("facebook", b"[{}]", batch.headers()).replays for batch in (first, replayed)] == [0, 3]


def test_the_payload_is_the_events_byte_for_byte() -> None:
    assert batch_of(b'{ "a":1 }', b"{}").payload() == b'[{ "a":1 },{}]'


def test_every_publishing_has_a_message_id_of_its_own() -> None:
    batch = batch_of(b"{}")
    assert batch.headers()[MESSAGE_ID_HEADER] != batch.headers()[MESSAGE_ID_HEADER]


def test_the_time_of_arrival_keeps_its_instant_in_any_zone() -> None:
    elsewhere = RECEIVED_AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    again = read_batch("facebook", b"[]", {**HEADERS, RECEIVED_AT_HEADER: elsewhere.isoformat()})
    assert again.received_at == RECEIVED_AT
    assert again.received_at.tzinfo is not None


def test_each_event_is_traced_to_the_request_that_it_came_with() -> None:
    batch = batch_of(*[b"{}"] * 6, correlation=[("first", 1), ("second", 3), ("third", 2)])
    assert [batch.correlation_of(index) for index in range(7)] == [
        *("first", "second", "second", "second", "third", "third"),
        "",
    ]


def test_a_batch_without_correlation_comes_from_an_unknown_request() -> None:
    assert read_batch("facebook", b"[{}]", HEADERS).correlation_of(0) == ""


@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True), st.integers(1, 500))))
def test_any_correlation_survives_its_header(correlation: list[tuple[str, int]]) -> None:
    batch = batch_of(correlation=correlation)
    assert read_batch("facebook", b"[]", batch.headers()).correlation == correlation


@pytest.mark.parametrize(
    ("payload", "headers", "complaint"),
    [
        (b"[{}]", {}, FORMAT_HEADER),
        (b"[{}]", {FORMAT_HEADER: "x"}, RECEIVED_AT_HEADER),
        (b"[{}]", {RECEIVED_AT_HEADER: HEADERS[RECEIVED_AT_HEADER]}, FORMAT_HEADER),
        (b"", HEADERS, "expected an array"),
        (b"not JSON", HEADERS, "expected an array"),
        (b"{}", HEADERS, "expected an array"),
        (b"[{}", HEADERS, "does not end"),
        (b"[{}]]", HEADERS, "trailing"),
        (b"[" * 100_000, HEADERS, "does not end"),
        (b"[{}]", {**HEADERS, RECEIVED_AT_HEADER: "yesterday"}, "yesterday"),
        (b"[{}]", {**HEADERS, RECEIVED_AT_HEADER: ""}, "isoformat"),
        (b"[{}]", {**HEADERS, RECEIVED_AT_HEADER: "9999-12-31T23:59:59-14:00"}, "out of range"),
        (b"[{}]", {**HEADERS, RECEIVED_AT_HEADER: "0001-01-01T00:00:00+14:00"}, "out of range"),
        (b"[{}]", {**HEADERS, CORRELATION_HEADER: "request*many"}, "many"),
        (b"[{}]", {**HEADERS, CORRELATION_HEADER: "request"}, "request"),
        (b"[{}]", {**HEADERS, CORRELATION_HEADER: "request*"}, "invalid literal"),
        (b"[{}]", {**HEADERS, CORRELATION_HEADER: "request*" + "9" * 5_000}, "digits"),
    ],
)
def test_a_message_of_another_program_is_no_batch(
    payload: bytes, headers: dict[str, str], complaint: str
) -> None:
    with pytest.raises(MalformedBatch, match=f"(?i){complaint}"):
        read_batch("facebook", payload, headers)


@pytest.mark.parametrize(
    "bad", [b'{"a":"\\ud83d"}', b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", b"nonsense", b'"\xff"']
)
def test_one_bad_event_does_not_spoil_a_batch_for_its_neighbours(bad: bytes) -> None:
    payload = b'[{"id":1}, ' + bad + b',{"id":2}]'
    batch = read_batch("facebook", payload, HEADERS)
    assert [bytes(event) for event in batch.events] == [b'{"id":1}', bad, b'{"id":2}']


@given(st.binary(), st.dictionaries(st.sampled_from([*HEADERS, CORRELATION_HEADER]), st.text()))
def test_whatever_is_in_a_message_it_is_a_batch_or_malformed(payload: bytes, headers: dict[str, str]) -> None:
    with contextlib.suppress(MalformedBatch):
        read_batch("facebook", payload, {**HEADERS, **headers})


def sizes(events: list[msgspec.Raw]) -> list[int]:
    return [len(group) for group in pack(events)]


@pytest.mark.parametrize(
    ("count", "groups"),
    [
        (0, []),
        (1, [1]),
        (499, [499]),
        (500, [500]),
        (501, [500, 1]),
        (1_000, [500, 500]),
        (1_001, [500, 500, 1]),
    ],
)
def test_a_group_holds_500_events_at_most(count: int, groups: list[int]) -> None:
    assert MAX_BATCH_EVENTS == 500
    assert sizes([msgspec.Raw(b"{}")] * count) == groups


def event_of(size: int) -> msgspec.Raw:
    return msgspec.Raw(b'"%b"' % (b"x" * (size - 2)))


def test_a_group_takes_256_kib_at_most_with_its_commas() -> None:
    assert MAX_BATCH_BYTES == 256 * 1024
    # Four events and a comma for each: exactly at the limit, and one byte beyond it.
    quarter = MAX_BATCH_BYTES // 4 - 1
    assert sizes([event_of(quarter)] * 4) == [4]
    assert sizes([event_of(quarter)] * 3 + [event_of(quarter + 1)]) == [3, 1]


def test_an_event_larger_than_a_group_travels_alone() -> None:
    huge = event_of(2 * MAX_BATCH_BYTES)
    assert sizes([event_of(10), huge, huge, event_of(10)]) == [1, 1, 1, 1]


@given(st.lists(st.integers(2, 100_000), max_size=60))
def test_packing_keeps_all_events_in_order_within_the_limits(lengths: list[int]) -> None:
    events = [event_of(length) for length in lengths]
    groups = list(pack(events))
    assert [event for group in groups for event in group] == events
    assert all(groups)
    # A payload has a bracket at each end and commas between: one byte more than its events and a comma for each.
    assert all(len(batch_of(*map(bytes, group)).payload()) <= MAX_BATCH_BYTES + 1 for group in groups)
