"""Cuts a body into events and judges each one by itself: one bad event never harms its neighbours."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from pipeline.events.reasons import Reason, Rejection, rejection_of
from pipeline.events.source import Source
from pipeline.events.splitting import MalformedArray, split_array, split_lines
from pipeline.events.text import needs_text_check, text_rejection


class _Head(msgspec.Struct):
    source: str


class _Identity(msgspec.Struct, rename="camel"):
    event_id: Any = None


class _Wrapper(msgspec.Struct):
    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_identity = msgspec.json.Decoder(_Identity).decode
_decode_wrapper = msgspec.json.Decoder(_Wrapper).decode
_OBJECT_OPENING = re.compile(rb"[ \t\r\n]*\{")
_WRAPPER_OPENING = re.compile(rb'\s*\{\s*"events"\s*:\s*(?=\[)')


class BadEvent(msgspec.Struct, frozen=True, gc=False):
    """One refused event: its place in the body, its id as far as it can be read, and why."""

    index: int
    event_id: str | None
    source: Source | None
    rejection: Rejection
    raw: bytes


@dataclass(slots=True)
class Intake:
    """What a body holds."""

    accepted: dict[str, list[msgspec.Raw]] = field(default_factory=dict[str, list[msgspec.Raw]])
    rejected: list[BadEvent] = field(default_factory=list[BadEvent])

    @property
    def accepted_count(self) -> int:
        return sum(len(events) for events in self.accepted.values())


class MalformedBody(Exception):
    """The body as a whole is not what its content type says. Nothing in it was judged to the end."""


class EventIntake:
    """Knows the sources, their event format and the size limit of an event."""

    def __init__(self, sources: Mapping[str, Source], event_size_limit: int) -> None:
        self._sources = {name: source for name, source in sources.items() if source.event_format}
        self._judges = {
            name: source.formats[source.event_format]
            for name, source in sources.items()
            if source.event_format
        }
        self._event_size_limit = event_size_limit

    async def take_in(self, body: bytes, ndjson: bool, now: datetime) -> Intake:
        """Raises MalformedBody. The event loop gets a turn after each part of the body (about 1 ms of work)."""
        intake = Intake()
        index = 0
        try:
            for part in split_lines(body) if ndjson else _split_json(body):
                self._judge_part(intake, part, index, now)
                index += len(part)
                await asyncio.sleep(0)
        except MalformedArray as error:
            raise MalformedBody(str(error)) from None
        return intake

    def _judge_part(self, intake: Intake, part: Sequence[msgspec.Raw], index: int, now: datetime) -> None:
        check_text = needs_text_check(b"".join(part))
        accepted, judges, limit = intake.accepted, self._judges, self._event_size_limit
        for position, raw in enumerate(part, start=index):
            name = ""
            # The size comes first: everything else takes time in proportion to it.
            if len(memoryview(raw)) > limit:
                name = _source_name(raw)
                rejection = Rejection(Reason.TOO_LARGE, "$", f"larger than {limit} bytes (EVENT_SIZE_LIMIT)")
            else:
                rejection = text_rejection(bytes(raw)) if check_text else None
            if rejection is None:
                try:
                    name = _decode_head(raw).source
                    outcome = judges[name].judge(raw, now)
                except KeyError:
                    rejection = self._unknown_source(name)
                except (msgspec.MsgspecError, RecursionError) as error:
                    rejection = rejection_of(error)
                else:
                    rejection = outcome if isinstance(outcome, Rejection) else None
            if rejection is None:
                accepted.setdefault(name, []).append(raw)
            else:
                intake.rejected.append(self._bad_event(position, name, rejection, raw))

    def _unknown_source(self, name: str) -> Rejection:
        known = ", ".join(self._sources)
        return Rejection(
            Reason.SCHEMA_VIOLATION, "$.source", f"unknown source {name[:40]!r}, use one of: {known}"
        )

    def _bad_event(self, index: int, name: str, rejection: Rejection, raw: msgspec.Raw) -> BadEvent:
        return BadEvent(index, _event_id(raw), self._sources.get(name), rejection, bytes(raw))


def _split_json(body: bytes) -> Iterator[list[msgspec.Raw]]:
    """One object, an array, or `{"events": […]}`."""
    if _OBJECT_OPENING.match(body):
        events = _wrapped_events(body)
        if events is None:
            return iter([[msgspec.Raw(body.strip())]])
        return split_array(events)
    return split_array(body)


def _wrapped_events(body: bytes) -> bytes | None:
    """The array of `{"events": […]}`, or None when the body is a single event."""
    try:
        events = _decode_wrapper(body).events
    except (msgspec.MsgspecError, RecursionError):
        # One bad event may have spoiled the whole for the decoder: the array may still be cut by its brackets.
        opening = _WRAPPER_OPENING.match(body)
        return body[opening.end() : body.rstrip().rfind(b"}")] if opening else None
    return None if events is msgspec.UNSET else bytes(events)


def _source_name(raw: msgspec.Raw) -> str:
    try:
        return _decode_head(raw).source
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ""


def _event_id(raw: msgspec.Raw) -> str | None:
    try:
        event_id = _decode_identity(raw).event_id
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return event_id[:128] if isinstance(event_id, str) else None
