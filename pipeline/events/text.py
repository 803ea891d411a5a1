"""Text that Postgres cannot store: `\\u0000` and lone surrogates, which JSON allows as escapes."""

import re

from pipeline.events.reasons import Reason, Rejection

# An escape counts only when its backslash is not itself escaped: an even number of backslashes before it.
_NULL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_ESCAPED_UNIT = re.compile(rb"(?<!\\)(?:\\\\)*\\u([0-9a-fA-F]{4})")


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
    if _NULL.search(raw):
        return Rejection(Reason.UNSTORABLE_TEXT, "$", "holds \\u0000, which cannot be stored as text")
    if _has_lone_surrogate(raw):
        return Rejection(Reason.UNSTORABLE_TEXT, "$", "holds half of a surrogate pair, which is no character")
    return None


def _is_utf8(part: bytes) -> bool:
    if part.isascii():
        return True
    try:
        part.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_lone_surrogate(raw: bytes) -> bool:
    high_ends_at = -1
    for match in _ESCAPED_UNIT.finditer(raw):
        unit = int(match[1], 16)
        # The escape itself takes 6 bytes; backslash pairs before it belong to the text between.
        follows_high = high_ends_at >= 0 and match.end() - 6 == high_ends_at
        if 0xDC00 <= unit <= 0xDFFF:
            if not follows_high:
                return True
            high_ends_at = -1
        elif high_ends_at >= 0:
            return True
        else:
            high_ends_at = match.end() if 0xD800 <= unit <= 0xDBFF else -1
    return high_ends_at >= 0
