"""Puts one update together with what is known of its entry, from raw bytes."""

import re

import msgspec

from pipeline.events.members import NotThisShape, members
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.values import MAX_ID_LENGTH
from pipeline.events.webhook import BadUpdate

Part = msgspec.Raw | BadUpdate

_decode_text = msgspec.json.Decoder(str).decode
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]{0,255})", re.ASCII)
_TIME = re.compile(rb'"?((?:0|[1-9][0-9]{0,19}))"?', re.ASCII)


def head_of(kind_of_object: str, entry_id: str, time: bytes | None, received_at: int) -> bytes:
    """How all updates of an entry begin. Where no time of sending can be read, that of arrival stands in (seconds)."""
    sent = _TIME.fullmatch(time) if time else None
    when = b'"time":%b' % sent[1] if sent else b'"received_at":%d' % received_at
    names = msgspec.json.encode(kind_of_object), msgspec.json.encode(entry_id)
    return b'{"object":%b,"entry":{"id":%b,%b}' % (*names, when)


def splice(head: bytes, member: bytes, update: bytes | msgspec.Raw) -> msgspec.Raw:
    """One update as the format reads it."""
    return msgspec.Raw(b'%b,"%b":%b}' % (head, member, update))


def scalar_text(raw: bytes) -> str:
    """A short string, or an integer with every digit that it has. Raises NotThisShape for anything else."""
    try:
        written = raw.decode() if _INTEGER.fullmatch(raw) else _decode_text(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotThisShape(Reason.SCHEMA_VIOLATION, f"not an id: {error}") from None
    if len(written) > MAX_ID_LENGTH:
        raise NotThisShape(Reason.SCHEMA_VIOLATION, f"not an id: longer than {MAX_ID_LENGTH} characters")
    return written


def known_members(text: bytes) -> dict[str, bytes]:
    """The members of an object that are not `null`. Raises NotThisShape."""
    return {name: raw for name, raw in members(text).items() if raw != b"null"}


def is_object(raw: bytes) -> bool:
    """Whether it begins as an object does; the format reads the rest."""
    return raw.startswith(b"{")


def is_string(raw: bytes) -> bool:
    """Whether it begins as a string does."""
    return raw.startswith(b'"')


def not_an_update(raw: bytes, path: str, detail: str, reason: Reason = Reason.SCHEMA_VIOLATION) -> BadUpdate:
    """A part of the body that is no update, and why."""
    return BadUpdate(raw, Rejection(reason, path, detail))
