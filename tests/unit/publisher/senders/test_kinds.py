"""What the publisher says must become of its updates, and what the sources' own code makes of them."""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime

import msgspec
import pytest

from collectors.registry import SOURCES
from pipeline.events.reasons import Rejection
from pipeline.events.record import EventRecord
from pipeline.events.source import Source
from pipeline.events.text import text_rejection
from pipeline.events.webhook import BadUpdate, Webhook, WebhookRequest
from publisher.answers import ACCEPTED
from publisher.senders.delivering import Delivered
from publisher.senders.making import Ratios
from publisher.senders.providers import PROVIDERS
from publisher.senders.sent import SentUpdates
from publisher.senders.update import Delivery, Expected
from tests.unit.publisher.senders.deliveries import KEY, NOON_MS, SECRET, credentials, maker

NOW = datetime.fromtimestamp(NOON_MS / 1000, UTC)
ODD = Ratios(unknown=0.1, malformed=0.1, duplicate=0.05)
CREDENTIALS = {
    "facebook": {"facebook_app_secrets": (SECRET,)},
    "tiktok": {"tiktok_client_secrets": (SECRET,)},
    "tiktok-shop": {"tiktok_shop_app_key": "the-key", "tiktok_shop_app_secrets": (SECRET,)},
    "custom": {"webhook_secrets": (f"demo:{KEY}",)},
}

each_provider = pytest.mark.parametrize("provider", PROVIDERS)


def webhook_of(provider: str) -> tuple[Source, Webhook]:
    name = PROVIDERS[provider].door or "custom"
    return next((s, w) for s in SOURCES.values() for w in s.webhooks if w.name == name)


def request_of(provider: str, delivery: Delivery) -> WebhookRequest:
    row, body = PROVIDERS[provider], delivery.write(delivery.sent_at)
    signed = row.sign(credentials(provider), delivery, body, NOON_MS // 1000)
    headers = {name.lower(): value for name, value in signed.items()}
    return WebhookRequest(row.door or "demo", headers | {"content-type": delivery.content_type}, body, NOW)


def outcomes_of(provider: str, request: WebhookRequest) -> tuple[list[EventRecord], int]:
    """Records, and how many updates were refused."""
    source, webhook = webhook_of(provider)
    records, refused = list[EventRecord](), 0
    for update in webhook.split(request):
        if isinstance(update, BadUpdate) or text_rejection(bytes(update)) is not None:
            refused += 1
            continue
        judged = source.formats[webhook.format].judge(update, NOW)
        if isinstance(judged, Rejection):
            refused += 1
        else:
            records.append(source.formats[webhook.format].to_record(judged, msgspec.Raw(update), NOW))
    return records, refused


def as_told(record: EventRecord) -> Expected:
    return Expected(
        event_type=record.event_type,
        stage=record.funnel_stage,
        user=record.user_id,
        amount=record.amount,
        currency=record.currency,
        campaign=record.campaign_id,
        at_ms=round(record.occurred_at.timestamp() * 1000),
    )


@each_provider
def test_every_delivery_is_signed_as_its_webhook_wants_it(provider: str):
    _, webhook = webhook_of(provider)
    known = webhook.credentials(**CREDENTIALS[webhook.name])
    source, _ = maker(provider, ODD)
    for _ in range(50):
        request = request_of(provider, source.make(source.size(20), NOON_MS))
        assert webhook.verify(known, request) is None
        assert webhook.verify(known, msgspec.structs.replace(request, body=request.body + b" ")) is not None


@each_provider
def test_the_sources_make_of_every_update_what_the_publisher_expects(provider: str):
    source, tokens = maker(provider, ODD)
    seen, kinds = dict[str, str](), Counter[str]()
    for _ in range(150 if provider == "facebook-webhook" else 2_000):
        delivery = source.make(source.size(100), NOON_MS)
        records, refused = outcomes_of(provider, request_of(provider, delivery))
        stored = defaultdict[str, list[Expected]](list)
        for record in records:
            token = re.search(tokens.prefix + "[0-9]{8}", bytes(record.payload).decode())
            assert token is not None, record
            stored[token[0]].append(as_told(record))
            if not record.event_type.startswith(("ads.", "field.", "unknown.ad_")):
                assert seen.setdefault(token[0], record.event_id) == record.event_id
        assert refused == len(delivery.updates) - delivery.good
        assert list(judged(delivery, stored)) == []
        kinds.update(each.expected.event_type if each.expected else "refused" for each in delivery.updates)
    assert kinds["refused"] > 50
    if provider != "standard-webhooks":
        assert any(kind.startswith("unknown.") for kind in kinds)
    assert len(kinds) > {"facebook-webhook": 45, "tiktok-webhook": 18, "tiktok-shop": 15}.get(provider, 6)


def judged(delivery: Delivery, stored: dict[str, list[Expected]]):
    sent = SentUpdates()
    sent.record(delivery, Delivered(200, ACCEPTED, 0.1))
    return sent.compare(stored)


@each_provider
def test_the_same_seed_and_start_give_the_same_bytes_and_others_give_others(provider: str):
    def bodies(seed: int) -> list[bytes]:
        source, _ = maker(provider, ODD, seed)
        made = [source.make(source.size(50), NOON_MS + at) for at in range(20)]
        return [each.write(each.sent_at) for each in made]

    assert bodies(1) == bodies(1)
    assert not set(bodies(1)) & set(bodies(2))


def test_meta_sends_every_envelope_shape_in_one_run():
    source, _ = maker("facebook-webhook")
    bodies = [source.make(source.size(1000), NOON_MS) for _ in range(400)]
    text = b"".join(each.write(each.sent_at) for each in bodies)
    for member in ("changes", "messaging", "standby", "changed_fields", "data", "field"):
        assert f'"{member}":'.encode() in text
    assert re.search(rb'"entry":\[\{"id":"\d+","time":\d+,"field":"comments","value":', text), "flat"
    assert max(len(each.updates) for each in bodies) > 500
    assert min(len(each.updates) for each in bodies) == 1


def test_meta_escapes_what_is_not_ascii_and_slashes():
    source, _ = maker("facebook-webhook")
    text = b"".join(made.write(made.sent_at) for made in (source.make(200, NOON_MS) for _ in range(10)))
    assert text.isascii()
    assert b"\\/" in text
    assert not re.search(rb"[^\\]/", text)
