"""What must hold for every delivery, however hostile. Whatever breaks is an AssertionError, or what the code raised."""

import re
import time
from collections.abc import Container, Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from pipeline.events.batch import RecordBatch, pack, read_batch
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.record import EventRecord
from pipeline.events.source import Source
from pipeline.events.text import needs_text_check, text_rejection
from pipeline.events.webhook import BadUpdate, Refusal, Webhook, WebhookRequest
from tests.contract.samples import facet_values
from tests.fuzz.credentials import credentials_of

MAX_SECONDS = 5.0
"""Far more than any body of these sizes may take, on a machine that does other things, too."""

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
"""Only whether it is JSON: a number that no float can hold is one that a column of type json takes."""

_EVENT_TYPE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,128}")


class Outcome(msgspec.Struct):
    """What came of one delivery: a count for the report."""

    believed: bool
    records: int = 0
    refused: int = 0


def check_delivery(
    source: Source, webhook: Webhook, request: WebhookRequest, signed: Container[bytes]
) -> Outcome:
    """The way of a delivery through the gateway and the collector, with everything that may be said about it.

    `signed` are the bodies that somebody who knows the secret has signed: no other may be believed.
    """
    began = time.perf_counter()
    credentials = credentials_of(webhook)
    verdict = webhook.verify(credentials, request)
    assert verdict is None or isinstance(verdict, Refusal), verdict
    assert verdict is not None or request.body in signed, "a forged body is believed"
    outcome = Outcome(verdict is None)
    if not webhook.knows(credentials, request.sender):
        request = msgspec.structs.replace(request, sender=webhook.name)  # no other gets beyond its door
    accepted: list[msgspec.Raw] = []
    for update in webhook.split(request):
        if isinstance(update, BadUpdate):
            _check_rejection(update.rejection)
            assert isinstance(update.raw, bytes)
            outcome.refused += 1
        elif _check_update(source, webhook, update, request.received_at):
            accepted.append(update)
            outcome.records += 1
        else:
            outcome.refused += 1
    _check_batches(source, webhook, accepted, request.received_at)
    seconds = time.perf_counter() - began
    assert seconds < MAX_SECONDS, f"took {seconds:.1f} s"
    return outcome


def check_handshake(webhook: Webhook, query: dict[str, str]) -> None:
    """An answer is the challenge and nothing else, and there is none without a configured token."""
    if webhook.handshake is None:
        return
    answer = webhook.handshake(credentials_of(webhook), query)
    assert answer is None or answer == query.get("hub.challenge", "")
    assert webhook.handshake(webhook.credentials(), query) is None


def _check_update(source: Source, webhook: Webhook, raw: msgspec.Raw, received_at: datetime) -> bool:
    text = bytes(raw)
    unstorable = text_rejection(text) if needs_text_check(text) else None
    event_format = source.formats[webhook.format]
    event = event_format.judge(raw, received_at)
    again = event_format.judge(text, received_at)
    assert again == event, "judged otherwise the second time"
    if isinstance(event, Rejection):
        _check_rejection(event)
        return False
    record = event_format.to_record(event, raw, received_at)
    if unstorable is not None:
        return False
    _check_record(source, record)
    assert bytes(record.payload) == text
    return True


def _check_record(source: Source, record: EventRecord) -> None:
    assert 1 <= len(record.event_id) <= 128
    assert record.funnel_stage in {"top", "bottom"}
    assert _EVENT_TYPE.fullmatch(record.event_type), record.event_type
    declared = source.event_types.get(record.funnel_stage, ())
    assert record.event_type in declared or record.event_type.startswith(source.open_event_types)
    assert record.occurred_at.utcoffset() is not None
    facet_values(record, source)
    assert record.user_id is None or len(record.user_id) > 0
    if record.amount is not None:
        assert isinstance(record.amount, Decimal)
        assert 0 <= record.amount < 10**15
    assert record.currency is None or re.fullmatch(r"[A-Z]{3}", record.currency)
    written = msgspec.json.encode(record)
    assert text_rejection(written) is None, "Postgres would not take the record"
    _decode_raw(written)


def _check_batches(
    source: Source, webhook: Webhook, accepted: Iterable[msgspec.Raw], received_at: datetime
) -> None:
    """What was accepted cannot break out of its place in a record batch."""
    for group in pack(accepted):
        batch = RecordBatch(source.name, webhook.format, group, received_at, [("c", len(group))])
        read = read_batch(source.name, batch.payload(), batch.headers())
        assert [bytes(raw) for raw in read.events] == [bytes(raw).strip(b" \t\r\n") for raw in group]


def _check_rejection(rejection: Rejection) -> None:
    assert isinstance(rejection.reason, Reason)
    assert rejection.path.startswith("$"), rejection
    assert len(rejection.detail) <= 1000
    msgspec.json.encode(rejection)
