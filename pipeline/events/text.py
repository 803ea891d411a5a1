"""Text that Postgres cannot store: `\\u0000` and lone surrogates, which JSON allows as escapes."""

import re

from pipeline.events.reasons import Reason, Rejected

# An escape counts only when its backslash is not itself escaped: an even number of backslashes before it.
_NULL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_ESCAPED_UNIT = re.compile(rb"(?<!\\)(?:\\\\)*\\u([0-9a-fA-F]{4})")


def may_hold_unstorable_text(raw: bytes) -> bool:
    """A quick look that has false alarms but never misses: is a closer look needed?

    Run over a whole body it spares the closer look at each of its events: escapes are rare.
    """
    return b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw


def refuse_unstorable_text(raw: bytes) -> None:
    """Raises Rejected when the JSON text holds an escape that no Postgres text or json column takes."""
    if _NULL.search(raw):
        raise Rejected(Reason.UNSTORABLE_TEXT, "$", "holds \\u0000, which cannot be stored as text")
    if _has_lone_surrogate(raw):
        raise Rejected(Reason.UNSTORABLE_TEXT, "$", "holds half of a surrogate pair, which is no character")


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
