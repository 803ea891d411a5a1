"""Cuts a delivery into single updates. Nothing is decoded that need not be: ids and prices keep every digit."""

from collections.abc import Iterator
from itertools import islice

import msgspec

from collectors.facebook.webhook.entries import split_entry
from collectors.facebook.webhook.splicing import (
    Part,
    head_of,
    is_object,
    known_members,
    not_an_update,
    scalar_text,
    splice,
)
from collectors.facebook.webhook.update import CONVERSIONS
from pipeline.events.members import MAX_ELEMENTS, NotThisShape, elements
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.text import needs_text_check, text_rejection
from pipeline.events.webhook import BadUpdate, WebhookRequest


def split(request: WebhookRequest) -> Iterator[Part]:
    """The updates in their order. What is none comes out as a BadUpdate; a body that is no envelope as a single one.

    What stands in an envelope beside its updates is not kept. Only where there is no update at all must the rest be
    something that could be stored.
    """
    body = request.body
    count = 0
    try:
        parts = _split_body(body, int(request.received_at.timestamp()))
        for part in islice(parts, MAX_ELEMENTS):
            count += 1
            yield part
        if next(parts, None) is not None:
            detail = f"more than {MAX_ELEMENTS} updates in one delivery"
            yield BadUpdate(body, Rejection(Reason.TOO_LARGE, "$", detail))
    except _NoEnvelope as error:
        yield BadUpdate(body, _unstorable(body) or error.rejection)
    else:
        unstorable = _unstorable(body) if count == 0 else None
        if unstorable is not None:
            yield BadUpdate(body, unstorable)


class _NoEnvelope(Exception):
    """The body as a whole is none of the shapes that Meta sends. Raised before there is any update."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.detail)
        self.rejection = rejection


def _split_body(body: bytes, received_at: int) -> Iterator[Part]:
    path = "$"
    try:
        found = known_members(body)
        if "entry" not in found and "data" in found:
            path = "$.data"
            return _split_conversions(elements(found["data"]), received_at)
        if "entry" not in found:
            raise NotThisShape(
                Reason.SCHEMA_VIOLATION, "neither `entry` nor `data`: no body of Meta's webhooks"
            )
        path = "$.object"
        kind_of_object = scalar_text(found.get("object", b"null"))
        path = "$.entry"
        entries = elements(found["entry"])
    except NotThisShape as error:
        raise _NoEnvelope(Rejection(error.reason, path, str(error))) from None
    return (
        part
        for index, entry in enumerate(entries)
        for part in split_entry(kind_of_object, bytes(entry), received_at, f"$.entry[{index}]")
    )


def _split_conversions(events: list[msgspec.Raw], received_at: int) -> Iterator[Part]:
    head = head_of(CONVERSIONS, "", None, received_at)
    for index, event in enumerate(events):
        raw = bytes(event)
        if is_object(raw):
            yield splice(head, b"conversion", raw)
        else:
            yield not_an_update(raw, f"$.data[{index}]", "expected an object")


def _unstorable(body: bytes) -> Rejection | None:
    return text_rejection(body) if needs_text_check(body) else None
