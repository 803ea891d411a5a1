"""Cuts a signed body into single updates, each still as the bytes that came.

- A notification is one update. Its `content` is JSON once more, written into a string; where it really is, the update
  gets it a second time as `content_parsed`, so that SQL can ask for a `publish_id`.
- A body of the Events API holds many events: each becomes a body of its own with one event in `data`.
"""

from collections.abc import Iterator, Mapping

import msgspec

from pipeline.events.members import NotThisShape, elements, members
from pipeline.events.reasons import Rejection, rejection_of
from pipeline.events.text import text_rejection
from pipeline.events.webhook import BadUpdate, WebhookRequest

_MAX_PARSED_BYTES = 64 * 1024
"""Content that is larger stays a string, so that an update does not outgrow EVENT_SIZE_LIMIT by being parsed."""

_MAX_CONTEXT_BYTES = 512
_BLANK = b" \t\r\n"
_CONTEXT = ("event_source", "event_source_id")

_decode_string = msgspec.json.Decoder(str).decode
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


def split(request: WebhookRequest) -> Iterator[msgspec.Raw | BadUpdate]:
    """The updates of a delivery at `/webhooks/tiktok`, in their order. One bad event does not harm its neighbours."""
    body, path = request.body, "$"
    try:
        found = members(body)
        if "event" in found or not found.get("data", b"").startswith(b"["):
            yield msgspec.Raw(_with_parsed_content(body, found.get("content")))
            return
        path = "$.data"
        events = elements(found["data"])
    except NotThisShape as error:
        yield BadUpdate(body, text_rejection(body) or Rejection(error.reason, path, str(error)))
        return
    context = _context_of(found)
    for event in events:
        yield msgspec.Raw(b'{%b"data":[%b]}' % (context, event))


def split_shop(request: WebhookRequest) -> Iterator[msgspec.Raw | BadUpdate]:
    """TikTok Shop sends one notification at a time."""
    try:
        _decode_any(request.body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        yield BadUpdate(request.body, text_rejection(request.body) or rejection_of(error))
    else:
        yield msgspec.Raw(request.body)


def _context_of(found: Mapping[str, bytes]) -> bytes:
    """What is copied to every event must be small."""
    named = ((name, found[name]) for name in _CONTEXT if name in found)
    return b"".join(
        b'"%b":%b,' % (name.encode(), raw) for name, raw in named if len(raw) <= _MAX_CONTEXT_BYTES
    )


def _with_parsed_content(body: bytes, content: bytes | None) -> bytes:
    """The body as it is where `content` is no JSON in a string, or cannot be stored once it is parsed."""
    if content is None or len(content) > _MAX_PARSED_BYTES:
        return body
    try:
        parsed = bytes(_decode_any(_decode_string(content).encode())).strip(_BLANK)
        if text_rejection(parsed) is not None:
            return body
        spliced = b'%b,"content_parsed":%b}' % (body.rstrip(_BLANK)[:-1], parsed)
        _decode_any(spliced)  # one level deeper than it was
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return body
    return spliced
