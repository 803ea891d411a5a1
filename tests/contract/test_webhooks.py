"""What every webhook in the registry promises. A new row in the registry is covered without a new test."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.registry import SOURCES
from ops.local import dotenv
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.record import EventRecord
from pipeline.events.source import Source
from pipeline.events.webhook import BadUpdate, Refusal, Webhook, WebhookRequest
from tests.contract.samples import (
    DELIVERED_AT,
    all_deliveries,
    deliveries_to,
    golden_of,
    outcomes_of,
    readable_outcome,
    request_of,
)
from tests.fuzz.credentials import credentials_of

ROOT = Path(__file__).resolve().parents[2]

each_delivery = pytest.mark.parametrize(
    ("source", "webhook", "sample"),
    [pytest.param(*found, id=f"{found[1].name}/{found[2].stem}") for found in all_deliveries()],
)

WEBHOOKS = [(source, webhook) for source in SOURCES.values() for webhook in source.webhooks]

each_webhook = pytest.mark.parametrize(
    ("source", "webhook"), WEBHOOKS, ids=[webhook.name for _, webhook in WEBHOOKS]
)


@each_delivery
def test_a_delivery_becomes_the_records_beside_it(source: Source, webhook: Webhook, sample: Path) -> None:
    outcomes = outcomes_of(source, webhook, request_of(webhook, sample))
    assert [readable_outcome(outcome, source, webhook) for outcome in outcomes] == golden_of(sample)


@each_delivery
def test_a_delivery_that_comes_again_becomes_the_same_records(
    source: Source, webhook: Webhook, sample: Path
) -> None:
    first = outcomes_of(source, webhook, request_of(webhook, sample))
    for minutes in (1, 60, 36 * 60, 7 * 24 * 60):
        later = request_of(webhook, sample, DELIVERED_AT + timedelta(minutes=minutes))
        assert ids_in(outcomes_of(source, webhook, later)) == ids_in(first)


@each_delivery
def test_updates_of_one_delivery_have_ids_of_their_own(
    source: Source, webhook: Webhook, sample: Path
) -> None:
    ids = ids_in(outcomes_of(source, webhook, request_of(webhook, sample)))
    assert len(set(ids)) == len(ids)
    assert all(len(event_id) <= 128 for event_id in ids)


@each_delivery
def test_a_broken_update_beside_them_changes_nothing_for_the_others(
    source: Source, webhook: Webhook, sample: Path
) -> None:
    request = request_of(webhook, sample)
    expected = ids_in(outcomes_of(source, webhook, request))
    for broken in (b"17", b"null", b'"\\ud800"', b'{"field":"\\ud800"}', b"[" * 3000 + b"]" * 3000):
        for body in with_an_element_more(request.body, broken):
            spoiled = msgspec.structs.replace(request, body=body)
            assert set(expected) <= set(ids_in(outcomes_of(source, webhook, spoiled))), body[-200:]


LISTS_OF_UPDATES = re.compile(rb'"(?:entry|changes|messaging|standby|data)"\s*:\s*\[(?=\s*\{)')


def with_an_element_more(body: bytes, element: bytes) -> Iterator[bytes]:
    """The body with an element more in each list of updates that it has; nothing where it has no such list."""
    for found in LISTS_OF_UPDATES.finditer(body):
        yield body[: found.end()] + element + b"," + body[found.end() :]


def ids_in(outcomes: list[EventRecord | Rejection]) -> list[str]:
    return [outcome.event_id for outcome in outcomes if isinstance(outcome, EventRecord)]


@each_webhook
def test_a_webhook_has_samples_and_a_format_of_its_source(source: Source, webhook: Webhook) -> None:
    assert webhook.format in source.formats
    assert len(deliveries_to(source, webhook)) >= 3


def test_no_two_webhooks_share_a_name_and_at_most_one_is_for_any_sender() -> None:
    names = [webhook.name for _, webhook in WEBHOOKS]
    assert sorted(set(names)) == sorted(names)
    assert sum(webhook.any_sender for _, webhook in WEBHOOKS) <= 1


@each_webhook
def test_every_credential_is_in_the_example_and_empty_by_default(source: Source, webhook: Webhook) -> None:
    names = dotenv.names(ROOT / ".env.example")
    for field in msgspec.structs.fields(webhook.credentials):
        assert field.name.upper() in names
        assert not field.required
    assert not webhook.knows(webhook.credentials(), webhook.name)


@each_webhook
def test_without_a_secret_nothing_is_believed(source: Source, webhook: Webhook) -> None:
    for sample in deliveries_to(source, webhook):
        assert isinstance(webhook.verify(webhook.credentials(), request_of(webhook, sample)), Refusal)


@each_webhook
def test_what_is_not_signed_is_refused_as_that(source: Source, webhook: Webhook) -> None:
    credentials = credentials_of(webhook)
    assert webhook.knows(credentials, webhook.name)
    request = WebhookRequest(webhook.name, {}, b"{}", DELIVERED_AT)
    assert webhook.verify(credentials, request) is Refusal.SIGNATURE_MISSING


@each_webhook
def test_a_kind_that_nobody_knows_is_stored_as_unknown(source: Source, webhook: Webhook) -> None:
    """The samples hold at least one, where the source does not take every kind as it is."""
    if "" in source.open_event_types:
        return
    outcomes = chain.from_iterable(
        outcomes_of(source, webhook, request_of(webhook, sample)) for sample in deliveries_to(source, webhook)
    )
    types = [outcome.event_type for outcome in outcomes if isinstance(outcome, EventRecord)]
    assert any(kind.startswith("unknown.") for kind in types)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_native_event_type_stands_in_the_documentation(source: Source) -> None:
    pages = (ROOT / "docs" / "webhooks").glob("*.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    native = {
        outcome.event_type
        for other, webhook, sample in all_deliveries()
        if other is source
        for outcome in outcomes_of(other, webhook, request_of(webhook, sample))
        if isinstance(outcome, EventRecord)
    } & set(chain.from_iterable(source.event_types.values()))
    assert [kind for kind in sorted(native) if f"`{kind}`" not in text] == []


HOSTILE = [
    *(
        b"",
        b" ",
        b"null",
        b"0",
        b"[]",
        b"{}",
        b'""',
        b"{",
        b"}",
        b"{]",
        b"[}",
        b'{"',
        b'{"a',
        b'{"a":',
        b"\x00",
    ),
    *(b"\xff\xfe", b"\xef\xbb\xbf{}", b'"\xff"', b'{"\xff":1}', b'{"a":NaN}', b'{"a":Infinity}', b"NaN"),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b"[" * 50_000 + b"]" * 50_000, b'"' * 9_999),
    b'{"entry":' * 30_000 + b"[]" + b"}" * 30_000,
]


@each_webhook
@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:20]))
def test_no_body_makes_a_webhook_raise(source: Source, webhook: Webhook, body: bytes) -> None:
    request = WebhookRequest(webhook.name, {"content-type": "application/json"}, body, DELIVERED_AT)
    assert isinstance(webhook.verify(credentials_of(webhook), request), Refusal)
    for outcome in outcomes_of(source, webhook, request):
        assert isinstance(outcome, EventRecord | Rejection)


@each_webhook
def test_a_body_that_is_no_json_is_kept_as_one_dead_letter_with_all_its_bytes(
    source: Source, webhook: Webhook
) -> None:
    for body in (b"", b"hello", b'{"object":', b"\xff"):
        request = WebhookRequest(webhook.name, {"content-type": "application/json"}, body, DELIVERED_AT)
        (bad,) = webhook.split(request)
        assert isinstance(bad, BadUpdate)
        assert bad.raw == body
        assert bad.rejection.reason in {Reason.MALFORMED_JSON, Reason.SCHEMA_VIOLATION}


header_text = st.text(st.characters(max_codepoint=0xFF), max_size=200)
parameter_text = st.text(max_size=50)
ASKED_FOR = st.sampled_from(
    [
        *("x-hub-signature-256", "x-hub-signature", "tiktok-signature", "authorization", "content-type"),
        *(
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "ce-id",
            "ce-source",
            "ce-specversion",
            "ce-type",
        ),
    ]
)
PLAUSIBLE = st.sampled_from(
    [
        *(
            "sha256=" + "0" * 64,
            "sha256=" + "É" * 64,
            "t=1789999995,s=" + "0" * 64,
            "t=1789999995,s=é",
            "v1,AAAA",
        ),
        *(
            "0" * 64,
            "Bearer x",
            "1789999995",
            "9" * 5000,
            "nan",
            "-1",
            "v1,é",
            "v1",
            "1.0",
            "application/json",
        ),
        *("application/cloudevents+json", "application/cloudevents-batch+json", "%ff", "%00", "a%zz"),
    ]
)


@each_webhook
@given(headers=st.dictionaries(ASKED_FOR, PLAUSIBLE | header_text), body=st.binary(max_size=300))
def test_no_headers_make_a_webhook_raise(
    source: Source, webhook: Webhook, headers: dict[str, str], body: bytes
) -> None:
    request = WebhookRequest(webhook.name, headers, body, DELIVERED_AT)
    webhook.knows(credentials_of(webhook), request.sender)
    verdict = webhook.verify(credentials_of(webhook), request)
    assert verdict is None or isinstance(verdict, Refusal)
    for outcome in outcomes_of(source, webhook, request):
        assert isinstance(outcome, EventRecord | Rejection)


@each_webhook
@given(
    query=st.dictionaries(
        st.sampled_from(["hub.mode", "hub.verify_token", "hub.challenge", "x"]), parameter_text
    )
)
def test_no_question_makes_a_handshake_raise(source: Source, webhook: Webhook, query: dict[str, str]) -> None:
    if webhook.handshake is not None:
        answer = webhook.handshake(credentials_of(webhook), query)
        assert answer is None or isinstance(answer, str)
        assert webhook.handshake(webhook.credentials(), query) is None
