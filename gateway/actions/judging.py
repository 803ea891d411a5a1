"""Judges one action: is it one, whose is it, and may its sender say so? And makes the envelope in which it travels."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from collectors.social.events import decode_sent, envelop
from gateway.actions import answers
from gateway.actions.answers import ActionResult
from gateway.actions.bearer import may_write_for
from pipeline.chassis.tokens import Bearer
from pipeline.events.fields import EventId, Timestamp
from pipeline.events.identity import stable_id
from pipeline.events.reasons import Reason, Rejected, Rejection, rejection_of
from pipeline.events.source import EARLIEST, MAX_CLOCK_AHEAD
from pipeline.events.text import text_rejection


class Sending(msgspec.Struct, frozen=True):
    """What all actions of a request have in common. `address` is the hash of its origin, `request_key` its
    Idempotency-Key, empty where it has none."""

    bearer: Bearer
    address: str
    received_at: datetime
    request_key: str = ""


class BadAction(msgspec.Struct, frozen=True):
    """What is kept of an action that is refused. Without an envelope it is only bytes, which nobody may replay."""

    rejection: Rejection
    raw: bytes
    is_enveloped: bool


@dataclass(slots=True)
class Judged:
    """What a body holds: results for all of it, envelopes of what is accepted, and what is to be kept of the rest."""

    results: list[ActionResult] = field(default_factory=list[ActionResult])
    accepted: list[msgspec.Raw] = field(default_factory=list[msgspec.Raw])
    rejected: list[BadAction] = field(default_factory=list[BadAction])
    forbidden: int = 0


class _Claims(msgspec.Struct, rename="camel"):
    """What a refused action says of itself, whatever that is."""

    user_id: Any = None
    id: Any = None
    timestamp: Any = None


_decode_claims = msgspec.json.Decoder(_Claims).decode


class ActionJudge:
    """Judges the actions of all requests. Never raises for anything that a sender can write."""

    def __init__(self, event_size_limit: int) -> None:
        self._size_limit = event_size_limit

    def judge(self, judged: Judged, raw: msgspec.Raw, sending: Sending, *, check_text: bool) -> None:
        """Adds what becomes of the next action."""
        index = len(judged.results)
        # Actions without a time of their own happened in the order in which they are written.
        arrival = sending.received_at + timedelta(microseconds=index)
        try:
            self._check_bytes(raw, check_text)
            action = decode_sent(raw)
            if not may_write_for(sending.bearer, action.user_id):
                self._forbid(judged, index, action.id or _assigned_id(sending, index))
                return
            timestamp = action.timestamp or arrival
            _check_timestamp(timestamp, sending.received_at)
            action_id = action.id or _assigned_id(sending, index)
            envelope = _envelope(raw, action.user_id, action_id, timestamp, sending)
            self._check_size(envelope)
        except (msgspec.MsgspecError, Rejected, RecursionError, UnicodeDecodeError) as error:
            self._refuse(judged, index, raw, sending, arrival, rejection_of(error))
            return
        judged.accepted.append(envelope)
        judged.results.append(answers.accepted(index, action_id))

    def _check_bytes(self, raw: msgspec.Raw, check_text: bool) -> None:
        self._check_size(raw)
        if check_text and (rejection := text_rejection(bytes(raw))):
            raise Rejected(rejection.reason, rejection.path, rejection.detail)

    def _check_size(self, raw: msgspec.Raw) -> None:
        if len(memoryview(raw)) > self._size_limit:
            raise Rejected(Reason.TOO_LARGE, "$", f"larger than {self._size_limit} bytes (EVENT_SIZE_LIMIT)")

    def _forbid(self, judged: Judged, index: int, action_id: str) -> None:
        judged.forbidden += 1
        judged.results.append(answers.forbidden(index, action_id))

    def _refuse(
        self,
        judged: Judged,
        index: int,
        raw: msgspec.Raw,
        sending: Sending,
        arrival: datetime,
        rejection: Rejection,
    ) -> None:
        """A refused action may be replayed by the rules of another day, so it must be its sender's own, too."""
        try:
            claims = _decode_claims(raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            judged.rejected.append(BadAction(rejection, bytes(raw), False))
            judged.results.append(answers.rejected(index, _assigned_id(sending, index), rejection))
            return
        action_id = claims.id if _fits(claims.id, EventId) else _assigned_id(sending, index)
        user_id = claims.user_id if isinstance(claims.user_id, str) else sending.bearer.user_id
        if not may_write_for(sending.bearer, user_id):
            self._forbid(judged, index, action_id)
            return
        timestamp = _timestamp_of(claims) or arrival
        envelope = _envelope(raw, user_id, action_id, timestamp, sending)
        judged.rejected.append(BadAction(rejection, bytes(envelope), True))
        judged.results.append(answers.rejected(index, action_id, rejection))


def _envelope(
    raw: msgspec.Raw, user_id: str, action_id: str, timestamp: datetime, sending: Sending
) -> msgspec.Raw:
    """The ledger knows ids of all users in one table: there each user's are apart."""
    event_id = stable_id("action", user_id, action_id)
    return envelop(raw, event_id, timestamp.isoformat(), sending.address)


def _assigned_id(sending: Sending, index: int) -> str:
    """The same for the same place in the same request, where it says that it is the same."""
    if sending.request_key:
        return stable_id("request", sending.bearer.user_id, sending.request_key, str(index))
    return uuid.uuid4().hex


def _check_timestamp(timestamp: datetime, now: datetime) -> None:
    """As `Format.judge`, which sees the envelope only."""
    if timestamp > now + MAX_CLOCK_AHEAD:
        raise Rejected(Reason.TIMESTAMP_OUT_OF_RANGE, "$.timestamp", "more than 24 hours in the future")
    if timestamp < EARLIEST:
        raise Rejected(Reason.TIMESTAMP_OUT_OF_RANGE, "$.timestamp", "before the calendar begins")


def _timestamp_of(claims: _Claims) -> datetime | None:
    try:
        return msgspec.convert(claims.timestamp, Timestamp | None)
    except msgspec.ValidationError:
        return None


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def utc_now() -> datetime:
    """When a request has arrived."""
    return datetime.now(UTC)
