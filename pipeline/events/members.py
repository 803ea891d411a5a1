"""Cuts one JSON level at a time, so that what is broken inside spoils nothing around it."""

import re
from itertools import chain, islice

import msgspec

from pipeline.events.reasons import Reason
from pipeline.events.splitting import MalformedArray, split_array

MAX_ELEMENTS = 25_000
"""No provider promises more than 1,000 updates in a delivery; longer lists are not taken apart."""

_BLANK = b" \t\r\n"
_NAMED = re.compile(rb'[ \t\r\n]*"([^"\\]{1,64})"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_STRUCTURAL = (b'"', b"\\", b",", b"[", b"]", b"{", b"}")
_MAX_STRUCTURAL = 300_000

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


class NotThisShape(Exception):
    """The text is not the object or the array that it should be: other JSON, or no JSON at all."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def members(text: bytes) -> dict[str, bytes]:
    """The members of an object, each as its raw bytes; of two with one name the last. Raises NotThisShape.

    Where a member is no proper JSON (half a surrogate pair, 10,000 brackets), the object is cut by its brackets and
    quotes alone, and members whose names are long or have escapes in them are left out. Each bracket and quote takes
    most of a microsecond, so there is a limit to how many.
    """
    try:
        return {name: bytes(raw) for name, raw in _decode_members(text).items()}
    except msgspec.ValidationError as error:
        raise NotThisShape(Reason.SCHEMA_VIOLATION, str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return _members_by_brackets(text, str(error))


def elements(text: bytes) -> list[msgspec.Raw]:
    """The elements of an array, well-formed or not. Raises NotThisShape, also for more than MAX_ELEMENTS."""
    try:
        found = _decode_elements(text)
    except msgspec.ValidationError as error:
        raise NotThisShape(Reason.SCHEMA_VIOLATION, str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        found = _elements_by_brackets(text)
    if len(found) > MAX_ELEMENTS:
        raise NotThisShape(Reason.TOO_LARGE, f"more than {MAX_ELEMENTS} elements")
    return found


def _elements_by_brackets(text: bytes) -> list[msgspec.Raw]:
    try:
        return list(islice(chain.from_iterable(split_array(text)), MAX_ELEMENTS + 1))
    except MalformedArray as error:
        raise NotThisShape(Reason.MALFORMED_JSON, str(error)) from None


def _members_by_brackets(text: bytes, complaint: str) -> dict[str, bytes]:
    body = text.strip(_BLANK)
    is_object = body[:1] == b"{" and body[-1:] == b"}"
    if not is_object or sum(map(body.count, _STRUCTURAL)) > _MAX_STRUCTURAL:
        raise NotThisShape(Reason.MALFORMED_JSON, complaint)
    found: dict[str, bytes] = {}
    for member in elements(b"[%b]" % body[1:-1]):
        raw = bytes(member)
        if named := _NAMED.match(raw):
            found[named[1].decode("utf-8", "replace")] = raw[named.end() :]
    return found
