"""Cuts a body into events and judges each one by itself: one bad event never harms its neighbours."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from pipeline.events.judging import EventJudge
from pipeline.events.reasons import Rejection
from pipeline.events.source import Source
from pipeline.events.splitting import MalformedArray, split_array, split_lines
from pipeline.events.text import needs_text_check


class _Identity(msgspec.Struct, rename="camel"):
    event_id: Any = None


class _Wrapper(msgspec.Struct):
    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


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
    """Cuts bodies, and has each event judged as the source that it names says."""

    def __init__(self, sources: Mapping[str, Source], event_size_limit: int) -> None:
        self._sources = sources
        self._judge = EventJudge(sources, event_size_limit)

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
        accepted, judge = intake.accepted, self._judge.judge
        for position, raw in enumerate(part, start=index):
            name, rejection = judge(raw, now, check_text=check_text)
            if rejection is None:
                accepted.setdefault(name, []).append(raw)
            else:
                source = self._sources.get(name)
                intake.rejected.append(BadEvent(position, _event_id(raw), source, rejection, bytes(raw)))


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


def _event_id(raw: msgspec.Raw) -> str | None:
    try:
        event_id = _decode_identity(raw).event_id
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return event_id[:128] if isinstance(event_id, str) else None
