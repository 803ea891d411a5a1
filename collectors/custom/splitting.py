"""Cuts a delivery into single updates, each spliced from raw bytes with what is known of the delivery.

`{"webhook":{"id":…,"timestamp":…,"body":…},"sender":…,"received_at":…}` for Standard Webhooks, and
`{"cloudevent":{…},"sender":…,"received_at":…}` for each CloudEvent, in whichever mode it came.

A signature covers id, time and body, but no other header. So for a delivery that is signed the body alone decides
what it is: with attributes from headers, whoever saw one delivery could make many of it.
"""

from collections.abc import Iterator
from datetime import UTC

import msgspec

from collectors.custom import binary_mode
from collectors.custom.signature import ID_HEADER, SECONDS, SIGNATURE_HEADER, TIMESTAMP_HEADER, WEBHOOK_ID
from pipeline.events.members import NotThisShape, elements
from pipeline.events.reasons import Reason, Rejection, rejection_of
from pipeline.events.text import text_rejection
from pipeline.events.webhook import BadUpdate, WebhookRequest

_CLOUDEVENTS = "application/cloudevents"
_BATCH = "application/cloudevents-batch"
_JSON_SUFFIXES = ("", "+json")


class _CloudEvent(msgspec.Struct):
    specversion: str
    id: str
    source: str
    type: str


_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode
_decode_cloudevents = msgspec.json.Decoder(_CloudEvent | list[_CloudEvent]).decode

Part = msgspec.Raw | BadUpdate


def split(request: WebhookRequest) -> Iterator[Part]:
    """The updates in their order. What is none comes out as a BadUpdate in its place."""
    headers, body = request.headers, request.body
    media_type = headers.get("content-type", "").partition(";")[0].strip(" \t").lower()
    is_signed = SIGNATURE_HEADER in headers
    if media_type.startswith(_BATCH):
        yield from _batch(request, media_type.removeprefix(_BATCH))
    elif media_type.startswith(_CLOUDEVENTS):
        yield _structured(request, media_type.removeprefix(_CLOUDEVENTS))
    elif is_signed and (known := _cloudevents_in(body)) is not None:
        yield from _batch(request) if known else (_structured(request),)
    elif not is_signed and binary_mode.is_binary(headers):
        event = binary_mode.event_of(headers, body)
        is_bad = isinstance(event, Rejection)
        yield BadUpdate(body, event) if is_bad else _update(request, b"cloudevent", event)
    else:
        yield _webhook(request, is_signed=is_signed)


def _cloudevents_in(body: bytes) -> bool | None:
    """True for an array of CloudEvents, False for a single one, None for anything else."""
    found: _CloudEvent | list[_CloudEvent]
    try:
        found = _decode_cloudevents(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return bool(found) or None if isinstance(found, list) else False


def _batch(request: WebhookRequest, suffix: str = "") -> Iterator[Part]:
    """An empty array is a batch, too."""
    if suffix not in _JSON_SUFFIXES:
        yield _not_json(request.body)
        return
    try:
        for event in elements(request.body):
            yield _update(request, b"cloudevent", event)
    except NotThisShape as error:
        rejection = text_rejection(request.body) or Rejection(error.reason, "$", str(error))
        yield BadUpdate(request.body, rejection)


def _structured(request: WebhookRequest, suffix: str = "") -> Part:
    if suffix not in _JSON_SUFFIXES:
        return _not_json(request.body)
    return _json_update(request, b"cloudevent")


def _webhook(request: WebhookRequest, *, is_signed: bool) -> Part:
    headers = request.headers
    identity = headers.get(ID_HEADER) or ("" if is_signed else headers.get("idempotency-key", ""))
    if not WEBHOOK_ID.fullmatch(identity):
        detail = (
            "neither a CloudEvent nor a webhook-id: without an id a second delivery would be a second event"
        )
        return BadUpdate(request.body, Rejection(Reason.SCHEMA_VIOLATION, "$", detail))
    written = headers.get(TIMESTAMP_HEADER, "")
    seconds = b"%d" % int(written) if SECONDS.fullmatch(written) else b"null"
    head = b'{"id":%b,"timestamp":%b,"body":' % (_encode(identity), seconds)
    return _json_update(request, b"webhook", head, b"}")


def _json_update(request: WebhookRequest, member: bytes, before: bytes = b"", after: bytes = b"") -> Part:
    try:
        body = bytes(_decode_any(request.body))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return BadUpdate(request.body, text_rejection(request.body) or rejection_of(error))
    return _update(request, member, b"%b%b%b" % (before, body, after))


def _update(request: WebhookRequest, member: bytes, content: bytes | msgspec.Raw) -> msgspec.Raw:
    # What we know comes last: of two members with the same name the last counts.
    known = (_encode(request.sender), _encode(request.received_at.astimezone(UTC)))
    return msgspec.Raw(b'{"%b":%b,"sender":%b,"received_at":%b}' % (member, content, *known))


def _not_json(body: bytes) -> BadUpdate:
    return BadUpdate(
        body, Rejection(Reason.UNSUPPORTED_FORMAT, "$", "the only format of CloudEvents here is JSON")
    )
