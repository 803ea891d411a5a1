"""What is signed: every update of it is published or kept, before the provider hears of it."""

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.webhooks.settings import WebhookSettings
from pipeline.chassis.settings import ByteSize
from pipeline.errors import StreamUnavailable
from pipeline.events.dead_letter import MAX_KEPT_BYTES
from pipeline.events.reasons import Reason
from tests.unit.gateway.fakes import RecordingPublisher
from tests.unit.gateway.webhooks.made_up import ACME, NOW, Sender, acme_app, body_of, sender_to, sign, update


async def test_every_update_is_published_in_the_webhooks_format(
    sender: Sender, publisher: RecordingPublisher
) -> None:
    updates = [update(number) for number in range(250)]

    answer = await sender.deliver(body_of(*updates), x_correlation_id="c-1")

    assert (answer.status_code, answer.json()) == (200, {"accepted": 250, "rejected": 0})
    assert publisher.published == updates
    assert {(batch.source, batch.format) for batch in publisher.batches} == {("acme", "acme.update.v1")}
    assert {batch.received_at for batch in publisher.batches} == {NOW}
    assert publisher.batches[0].correlation_of(0) == "c-1"


async def test_a_provider_that_wants_an_empty_answer_gets_one(sender: Sender) -> None:
    answer = await sender.deliver(body_of(update()), "acme-shop")

    assert (answer.status_code, answer.content) == (200, b"")
    assert "content-type" not in answer.headers
    assert answer.headers["content-length"] == "0"


async def test_the_door_for_any_sender_says_202_and_what_is_wrong_with_which_update(sender: Sender) -> None:
    answer = await sender.deliver(body_of(update(), b'{"id": 7}'), "bob")

    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["rejected"]) == (1, 1)
    assert (told["errors"][0]["index"], told["errors"][0]["reason"]) == (1, "schema_violation")


async def test_a_name_of_its_own_wins_over_a_sender_of_the_same_name(sender: Sender) -> None:
    answer = await sender.deliver(body_of(update()), "acme")

    assert answer.status_code == 200  # not the 202 of the sender `acme`


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"7", Reason.SCHEMA_VIOLATION),
        (b'{"id":"u","at":"2026-09-23T12:00:00Z"}', Reason.TIMESTAMP_OUT_OF_RANGE),
        (rb'{"id":"\u0000","at":"2026-09-21T11:00:00Z"}', Reason.UNSTORABLE_TEXT),
        (b'{"id":"u","at":"2026-09-21T11:00:00Z","x":"%b"}' % (b"x" * 3000), Reason.TOO_LARGE),
    ],
    ids=["schema", "the future", "text", "size"],
)
async def test_a_bad_update_is_kept_and_its_neighbours_are_published(
    monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher, bad: bytes, reason: Reason
) -> None:
    app = acme_app(monkeypatch, publisher, event_size_limit=ByteSize(2000))
    async with sender_to(app) as sender:
        answer = await sender.deliver(body_of(update(1), bad, update(2)), x_correlation_id="c-2")
        counters = await sender.counters()

    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "rejected": 1})
    assert publisher.published == [update(1), update(2)]
    [letter] = publisher.letters
    assert (letter.source, letter.format, letter.stage) == ("acme", "acme.update.v1", "gateway")
    assert (letter.raw, letter.rejection.reason) == (bad, reason)
    assert (letter.correlation_id, letter.received_at) == ("c-2", NOW)
    assert counters == {
        'events_accepted_total{service="gateway",source="acme"}': 2,
        'events_processed_total{service="gateway",source="acme"}': 2,
        f'events_failed_total{{error_type="{reason}",service="gateway",source="acme"}}': 1,
        f'dead_letters_total{{reason="{reason}",source="acme"}}': 1,
        'webhook_deliveries_total{outcome="partly_rejected",webhook="acme"}': 1,
    }


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"{", b'{"updates":[1,2'], ids=str)
async def test_a_body_that_cannot_be_cut_is_kept_with_its_raw_bytes(
    sender: Sender, publisher: RecordingPublisher, body: bytes
) -> None:
    answer = await sender.deliver(body)

    assert answer.status_code == 200
    [letter] = publisher.letters
    assert letter.raw == body
    assert letter.format not in ACME.formats  # nobody can replay it as the update of somebody else
    assert publisher.batches == []


async def test_what_is_larger_than_a_letter_is_kept_in_several(
    sender: Sender, publisher: RecordingPublisher
) -> None:
    body = b"{" + bytes(range(256)) * (2 * MAX_KEPT_BYTES // 256 + 1)

    assert (await sender.deliver(body)).status_code == 200
    assert b"".join(letter.raw for letter in publisher.letters) == body
    assert all(letter.truncated for letter in publisher.letters)
    assert [letter.rejection.detail.partition(" (bytes ")[2] for letter in publisher.letters] == [
        f"0 to {MAX_KEPT_BYTES} of {len(body)})",
        f"{MAX_KEPT_BYTES} to {2 * MAX_KEPT_BYTES} of {len(body)})",
        f"{2 * MAX_KEPT_BYTES} to {len(body)} of {len(body)})",
    ]


async def test_no_header_gets_into_a_dead_letter(sender: Sender, publisher: RecordingPublisher) -> None:
    body = body_of(b"{}")
    await sender.deliver(body, authorization="Bearer of-bad-news", cookie="crumbs")

    kept = str(publisher.letters)
    assert "of-bad-news" not in kept
    assert "crumbs" not in kept
    assert sign(body)["x-acme-signature"] not in kept


async def test_a_delivery_without_updates_is_a_good_one(
    sender: Sender, publisher: RecordingPublisher
) -> None:
    answer = await sender.deliver(body_of())

    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "rejected": 0})
    assert (publisher.batches, publisher.letters) == ([], [])
    assert await sender.counters() == {'webhook_deliveries_total{outcome="empty",webhook="acme"}': 1}


async def test_kinds_that_nobody_knows_are_accepted_and_counted(
    sender: Sender, publisher: RecordingPublisher
) -> None:
    answer = await sender.deliver(body_of(update(1), update(2, kind="new"), update(3, kind="newer")))

    assert answer.json()["accepted"] == len(publisher.published) == 3
    assert (await sender.counters())['webhook_unknown_kinds_total{webhook="acme"}'] == 2


async def test_a_defect_of_the_providers_code_keeps_the_body_and_what_was_cut_before(
    sender: Sender, publisher: RecordingPublisher
) -> None:
    body = body_of(update(1), b'"a defect"', update(2))
    with capture_logs() as logs:
        answer = await sender.deliver(body)

    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "rejected": 1})
    assert publisher.published == [update(1)]
    assert [letter.raw for letter in publisher.letters] == [body]
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["webhook_not_split"]


@pytest.mark.parametrize("body", [body_of(update()), b"{", body_of(update(), b"1")], ids=str)
async def test_without_jetstream_it_is_503_also_for_what_can_only_be_kept(
    sender: Sender, publisher: RecordingPublisher, body: bytes
) -> None:
    publisher.failure = StreamUnavailable("not connected to NATS")

    answer = await sender.deliver(body)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await sender.counters())['webhook_deliveries_total{outcome="unavailable",webhook="acme"}'] == 1


async def test_others_get_a_turn_while_a_large_delivery_is_judged(
    monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher
) -> None:
    app = acme_app(monkeypatch, publisher, webhooks=WebhookSettings(webhook_body_limit=ByteSize(10**7)))
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with sender_to(app) as sender:
        alone = asyncio.create_task(tick())
        await sender.deliver(body_of(update()))
        few, turns = turns, 0
        await sender.deliver(body_of(*(update(number) for number in range(50_000))))
        alone.cancel()
    assert turns > few + 20
