"""Text that Postgres cannot store: `\\u0000` and lone surrogates, which JSON allows as escapes."""

import re

from pipeline.events.reasons import Reason, Rejection

# Escapes one after the other: a backslash that is itself escaped is taken with the one before it.
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)

_NULL = Rejection(Reason.UNSTORABLE_TEXT, "$", "holds \\u0000, which cannot be stored as text")
_LONE_HALF = Rejection(Reason.UNSTORABLE_TEXT, "$", "holds half of a surrogate pair, which is no character")


def needs_text_check(part: bytes) -> bool:
    """A quick look at many events at once: must `text_rejection` look at each? Has false alarms, misses nothing."""
    if b"\\u" in part and (b"\\u0000" in part or b"\\ud" in part or b"\\uD" in part):
        return True
    return not _is_utf8(part)


def text_rejection(raw: bytes) -> Rejection | None:
    """Why no Postgres text or json column takes this JSON text, or None when nothing speaks against it."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return Rejection(Reason.MALFORMED_JSON, "$", f"not UTF-8: {error.reason} at byte {error.start}")
    high_half_ends = -1
    for escape in _ESCAPE.finditer(raw):
        unit = int(escape[1], 16) if escape[1] else -1
        is_low_half = 0xDC00 <= unit <= 0xDFFF
        if high_half_ends >= 0 and is_low_half and escape.start() == high_half_ends:
            high_half_ends = -1
        elif high_half_ends >= 0 or is_low_half:
            return _LONE_HALF
        elif unit == 0:
            return _NULL
        elif 0xD800 <= unit <= 0xDBFF:
            high_half_ends = escape.end()
    return None if high_half_ends < 0 else _LONE_HALF


def _is_utf8(part: bytes) -> bool:
    if part.isascii():
        return True
    try:
        part.decode()
    except UnicodeDecodeError:
        return False
    return True
