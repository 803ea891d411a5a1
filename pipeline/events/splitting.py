"""Cuts the JSON array of a request body into the raw bytes of its elements, in small steps.

A 21.5 MB body holds 50,000 events. Decoding it in one call would stop the event loop for a fifth of a second,
so the body is cut in parts of about `STEP_BYTES` and the caller may let others run between two parts.

**The fast way.** A part is guessed to end at a `},{` near the wanted size. If `[part]` is an array in its own
right then the guess was right: JSON is read from left to right, so what is a complete list of elements on its own
is one at the start of the rest, too. A wrong guess (inside a string or a nested array) fails to decode, and costs
nothing but the scan below.

**The sure way.** What msgspec refuses as a whole may be one bad element: a lone surrogate, 10,000 brackets. So a
part that will not decode is cut by brackets and quotes alone, and every element is left to its own judgement.
"""

import re
from collections.abc import Generator, Iterator

import msgspec

STEP_BYTES = 128 * 1024
"""The size of a part: about 0.1 ms to cut, 1 ms to decode event by event."""

_elements = msgspec.json.Decoder(list[msgspec.Raw])
# No pattern for whole strings: one that allows for escapes keeps a way back for each of them, or depends on possessive
# repeats, which Python's re gets wrong before 3.11.5.
_STRUCTURE = re.compile(rb'\\.|["\[\]{},]', re.DOTALL)
_BLANK = b" \t\r\n"
_LEADING_BLANK = re.compile(rb"[ \t\r\n]*")
_BETWEEN = re.compile(rb"\}[ \t\r\n]*,(?=[ \t\r\n]*\{)")
_TAIL_BYTES = 4 * 1024
_GUESSES = 3
_SCAN_BYTES = 16 * 1024
_SCAN_TOKENS = 4096


class MalformedArray(Exception):
    """The text is no JSON array, whatever its elements are. `position` is a byte offset into it."""

    def __init__(self, detail: str, position: int) -> None:
        super().__init__(f"{detail} (byte {position})")
        self.position = position


def split_array(text: bytes) -> Iterator[list[msgspec.Raw]]:
    """Yields the array's elements in parts. Raises MalformedArray, also after it has yielded some."""
    start = _skip_blank(text, 0)
    if text[start : start + 1] != b"[":
        raise MalformedArray("expected an array", start)
    end = _last_character(text)
    if end == start or text[end : end + 1] != b"]":
        raise MalformedArray("the array does not end", end + 1)
    position = start + 1
    if _skip_blank(text, position) == end:
        return
    while position <= end:
        elements, after = _try_part(text, position, end)
        if elements:
            yield elements
            position = after
        else:
            position = yield from _scan_part(text, position, end)


def _try_part(text: bytes, position: int, end: int) -> tuple[list[msgspec.Raw], int]:
    """The elements of one part and where the next part starts; no elements when the guesses were wrong."""
    for stop, after in _likely_ends(text, position, end):
        try:
            return _elements.decode(b"[%b]" % text[position:stop]), after
        except (msgspec.DecodeError, RecursionError):
            continue  # a wrong guess, or a bad element: if all fail, the scan finds out which
    return [], position


def _likely_ends(text: bytes, position: int, end: int) -> list[tuple[int, int]]:
    """Where a part may end and the next one start: the last few `},{` of its tail, whatever blanks are in them."""
    wanted = position + STEP_BYTES
    if end <= wanted:
        return [(end, end + 1)]
    between = list(_BETWEEN.finditer(text, wanted - _TAIL_BYTES, wanted))
    return [(match.start() + 1, match.end()) for match in between[: -_GUESSES - 1 : -1]]


def _scan_part(text: bytes, position: int, end: int) -> Generator[list[msgspec.Raw], None, int]:
    """As `_try_part`, by brackets and quotes alone; returns where the next part starts."""
    elements: list[msgspec.Raw] = []
    depth = 0
    begin = position
    string_from = -1
    for count, token in enumerate(_STRUCTURE.finditer(text, position, end + 1), start=1):
        if count % _SCAN_TOKENS == 0:
            yield []  # a huge element: nothing to give yet, but others may run
        mark = token[0]
        if string_from >= 0:
            if mark == b'"':
                string_from = -1
        elif mark == b'"':
            string_from = token.start()
        elif mark in b"[{":
            depth += 1
        elif mark in b"]}" and depth:
            depth -= 1
        elif mark in b",]" and depth == 0:
            elements.append(_element(text, begin, token.start()))
            begin = token.end()
            if mark == b"]":
                if token.start() != end:
                    raise MalformedArray("trailing characters after the array", token.end())
                yield elements
                return end + 1
            if begin - position >= _SCAN_BYTES:
                yield elements
                return begin
        elif mark == b"}":
            raise MalformedArray("unbalanced brackets", token.start())
    if string_from >= 0:
        raise MalformedArray("a string does not end", string_from)
    raise MalformedArray("the array does not end", end + 1)


def _element(text: bytes, begin: int, stop: int) -> msgspec.Raw:
    raw = text[begin:stop].strip(_BLANK)
    if not raw:
        raise MalformedArray("an element is missing between two commas", begin)
    return msgspec.Raw(raw)


def _skip_blank(text: bytes, position: int) -> int:
    match = _LEADING_BLANK.match(text, position)
    return match.end() if match else position


def _last_character(text: bytes) -> int:
    """The offset of the last character that is not blank, without a copy of a large body."""
    end = len(text)
    while end > 0:
        begin = max(0, end - STEP_BYTES)
        rest = text[begin:end].rstrip(_BLANK)
        if rest:
            return begin + len(rest) - 1
        end = begin
    return 0


def split_lines(text: bytes) -> Iterator[list[msgspec.Raw]]:
    """Yields the non-empty lines of NDJSON in parts; each line is one event, well-formed or not."""
    position = 0
    while position < len(text):
        newline = text.find(b"\n", position + STEP_BYTES)
        stop = newline + 1 if newline >= 0 else len(text)
        lines = (line.strip(_BLANK) for line in text[position:stop].split(b"\n"))
        yield [msgspec.Raw(line) for line in lines if line]
        position = stop
