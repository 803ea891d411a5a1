"""What senders wrote is shown, and never obeyed."""

import json

import pytest

from console.dead_letters_rendering import as_json, printable, readable
from pipeline.events.dead_letter_view import detail_of
from tests.unit.letters import letter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, 12.50 €, Łucja, 日本, 🛒", "plain, 12.50 €, Łucja, 日本, 🛒"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\nc\td\x00", "a\\rb\\nc\\td\\x00"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("\ud83d", "\\ud83d"),
        ("\u2028\ufeff", "\\u2028\\ufeff"),
    ],
)
def test_what_is_not_to_be_seen_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b'{"a":1.50,"b":[1]}', '{\n  "a": 1.50,\n  "b": [\n    1\n  ]\n}'),
        (b'{"a":"\\u001b[2J"}', '{\n  "a": "\\u001b[2J"\n}'),
        (b'{"a":1} and more', '{"a":1} and more'),
        (b"\xff\x1b[2J", "\\xff\\x1b[2J"),
        ('{"a":"\x9b2J"}'.encode(), '{\n  "a": "\\x9b2J"\n}'),
        (b"[" * 100_000, "[" * 100_000),
        (b"", ""),
    ],
)
def test_bytes_are_indented_when_they_are_json_and_escaped_where_they_are_no_text(
    raw: bytes, shown: str
) -> None:
    assert readable(raw) == shown


def test_json_is_ascii_and_exact() -> None:
    document = as_json(detail_of(letter('{"a":"\x9b"}'.encode())))
    assert document.isascii()
    assert "\x1b" not in document
    assert json.loads(document)["raw"] == '{"a":"\x9b"}'
