"""Text that Postgres cannot store is found, wherever and however it is written, and nothing else is."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.events.reasons import Reason
from pipeline.events.text import needs_text_check, text_rejection

STORABLE = {
    "plain text": b'{"a":"b"}',
    "text beyond ASCII": '{"ä":"日本🛒"}'.encode(),
    "an escaped pair": rb'"\ud83d\uded2"',
    "an escaped pair in upper case": rb'"\uD83D\uDED2"',
    "an escaped pair in both cases": rb'"\uD83d\udeD2"',
    "two pairs": rb'"\ud83d\uded2\ud83d\uded2"',
    "an escaped backslash before u0000": rb'"\\u0000"',
    "two escaped backslashes before u0000": rb'"\\\\u0000"',
    "an escaped backslash before ud83d": rb'"\\ud83d"',
    "another control character": rb'"\u0001\u001f"',
    "the last before and the first after surrogates": rb'"\ud7ff\ue000"',
    "zeros at the end": rb'"\u10000"',
}
UNSTORABLE = {
    "a null": rb'"\u0000"',
    "a null after an escaped backslash": rb'"\\\u0000"',
    "a null after two escaped backslashes": rb'"\\\\\u0000"',
    "a null in a key": rb'{"\u0000":1}',
    "a null after another escape": rb'"\n\u0000"',
    "a high half alone": rb'"\ud83d"',
    "a high half alone in upper case": rb'"\uD83D"',
    "a low half alone": rb'"\uded2"',
    "a low half alone in upper case": rb'"\uDED2"',
    "the halves in the wrong order": rb'"\uded2\ud83d"',
    "two high halves": rb'"\ud83d\ud83d\uded2"',
    "a pair and a low half": rb'"\ud83d\uded2\uded2"',
    "halves with text between": rb'"\ud83dx\uded2"',
    "halves with a backslash between": rb'"\ud83d\\\uded2"',
    "halves with another escape between": rb'"\ud83d\n\uded2"',
    "halves in two strings": rb'["\ud83d","\uded2"]',
    "the first and the last high half": rb'"\ud800\udbff"',
    "half a pair in a key": rb'{"\ud83d":1}',
    "half a pair after an escaped backslash": rb'"\\\ud83d"',
}


@pytest.mark.parametrize("raw", STORABLE.values(), ids=STORABLE)
def test_storable_text_passes(raw: bytes) -> None:
    assert text_rejection(raw) is None


@pytest.mark.parametrize("raw", UNSTORABLE.values(), ids=UNSTORABLE)
def test_unstorable_text_is_refused(raw: bytes) -> None:
    rejection = text_rejection(raw)
    assert rejection is not None
    assert (rejection.reason, rejection.path) == (Reason.UNSTORABLE_TEXT, "$")


@pytest.mark.parametrize("raw", UNSTORABLE.values(), ids=UNSTORABLE)
def test_the_quick_look_misses_nothing_among_good_neighbours(raw: bytes) -> None:
    assert needs_text_check(b'{"a":"b"}' * 100 + raw + b'{"a":"b"}' * 100)


def test_the_quick_look_lets_ordinary_text_pass() -> None:
    assert not needs_text_check('{"a":"plain \\n \\u00e4 text, ünïcödé 🛒"}'.encode() * 100)


@pytest.mark.parametrize(
    "raw", [b'"\xff"', b'"\xc3"', b'"\xed\xa0\xbd"', b'"\xc0\x80"', b'"\xf5\x80\x80\x80"']
)
def test_what_is_no_utf8_is_malformed(raw: bytes) -> None:
    rejection = text_rejection(raw)
    assert needs_text_check(raw)
    assert rejection is not None
    assert (rejection.reason, rejection.path) == (Reason.MALFORMED_JSON, "$")
    assert "not UTF-8" in rejection.detail


def is_storable(raw: bytes) -> bool:
    """What the quick patterns must agree with: decode it, and look at the characters."""
    strings: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, str):
            strings.append(value)
        elif isinstance(value, list):
            for item in value:
                collect(item)
        elif isinstance(value, dict):
            for key, item in value.items():
                collect(key)
                collect(item)

    collect(json.loads(raw))
    return not any(re.search("[\x00\ud800-\udfff]", string) for string in strings)


string_pieces = st.sampled_from(
    [
        *(r"\u0000", r"\u0001", r"\ud83d", r"\uD83D", r"\uded2", r"\uDED2", r"\udbff", r"\udc00", r"\ue000"),
        *(r"\\", r"\"", r"\n", "u0000", "ud83d", "x", "ä", "🛒"),
    ]
)
string_literals = st.lists(string_pieces, max_size=12).map(lambda pieces: f'"{"".join(pieces)}"')
documents = st.recursive(
    string_literals,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.tuples(string_literals, inner).map(lambda pair: f"{{{pair[0]}:{pair[1]}}}")
    ),
    max_leaves=5,
).map(str.encode)


@given(documents)
@example(rb'"\\\\\u0000"')
def test_it_agrees_with_decoding_the_text_and_looking(raw: bytes) -> None:
    assert (text_rejection(raw) is None) == is_storable(raw)
    assert needs_text_check(raw) or is_storable(raw)
