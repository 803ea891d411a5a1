"""One level of JSON at a time: what is broken below it stays below it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.members import MAX_ELEMENTS, NotThisShape, elements, members
from pipeline.events.reasons import Reason

SPOILERS = [
    b'"\\ud800"',
    b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b"NaN",
    b"{no json}",
]


@pytest.mark.parametrize("spoiler", SPOILERS, ids=lambda raw: repr(raw[:12]))
def test_members_around_a_broken_one_keep_their_bytes(spoiler: bytes) -> None:
    text = b' { "a" : 1.50 , "b":%b,"c":"},{\\"]" }\n' % spoiler
    assert members(text) == {"a": b"1.50", "b": spoiler, "c": b'"},{\\"]"'}


@pytest.mark.parametrize("spoiler", SPOILERS, ids=lambda raw: repr(raw[:12]))
def test_elements_around_a_broken_one_keep_their_bytes(spoiler: bytes) -> None:
    assert [bytes(raw) for raw in elements(b'[ 1.50 ,%b,"],["]' % spoiler)] == [b"1.50", spoiler, b'"],["']


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", Reason.MALFORMED_JSON),
        (b"{", Reason.MALFORMED_JSON),
        (b"}", Reason.MALFORMED_JSON),
        (b'{"a":1', Reason.MALFORMED_JSON),
        (b'{"a":1}}', Reason.MALFORMED_JSON),
        (b'{"a":"\\ud800"', Reason.MALFORMED_JSON),
        (b"[]", Reason.SCHEMA_VIOLATION),
        (b"null", Reason.SCHEMA_VIOLATION),
        (b"7", Reason.SCHEMA_VIOLATION),
    ],
)
def test_what_is_no_object_says_whether_it_is_json(text: bytes, reason: Reason) -> None:
    with pytest.raises(NotThisShape) as caught:
        members(text)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", Reason.MALFORMED_JSON),
        (b"[1", Reason.MALFORMED_JSON),
        (b"[1]]", Reason.MALFORMED_JSON),
        (b"[1,,2]", Reason.MALFORMED_JSON),
        (b"{}", Reason.SCHEMA_VIOLATION),
        (b'"x"', Reason.SCHEMA_VIOLATION),
        (b"[" + b"1," * MAX_ELEMENTS + b"1]", Reason.TOO_LARGE),
        (b"[" + b'"\\ud800",' * MAX_ELEMENTS + b"1]", Reason.TOO_LARGE),
    ],
    ids=lambda value: repr(value)[:16],
)
def test_what_is_no_array_says_why(text: bytes, reason: Reason) -> None:
    with pytest.raises(NotThisShape) as caught:
        elements(text)
    assert caught.value.reason is reason


def test_of_two_members_with_one_name_the_last_counts_either_way() -> None:
    assert members(b'{"a":1,"a":2}') == {"a": b"2"}
    assert members(b'{"a":1,"b":"\\ud800","a":2}')["a"] == b"2"


def test_a_million_brackets_are_given_up_at_once() -> None:
    with pytest.raises(NotThisShape):
        members(b'{"a":%b%b}' % (b"[" * 10**6, b"]" * 10**6))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), json_values), st.booleans())
def test_both_ways_of_cutting_agree(document: dict[str, object], ensure_ascii: bool) -> None:
    text = json.dumps(document, ensure_ascii=ensure_ascii).encode()
    spoiled = text[:-1] + (b"," if document else b"") + b'"zzzzzzzzzz":"\\ud800"}'
    cut = members(spoiled)
    assert cut.pop("zzzzzzzzzz") == b'"\\ud800"'
    assert cut == members(text)


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(text: bytes) -> None:
    for cut in (members, elements):
        with suppress(NotThisShape):
            cut(text)
