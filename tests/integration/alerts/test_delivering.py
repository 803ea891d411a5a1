"""Telling somebody: real receivers, which refuse, fail and come back."""

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from standardwebhooks import Webhook

from alerts.channels import Channel, NotificationChannel
from alerts.deliveries import Deliveries
from alerts.delivering import Delivering
from alerts.mail import MailChannel
from alerts.settings import DeliverySettings
from alerts.telemetry import SERVICE, AlertTelemetry
from alerts.webhook import WebhookChannel
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.stream import NotificationPublisher, StreamConnection
from pipeline.stream.topology import NOTIFICATIONS
from tests.integration.alerts.conftest import NOON, System
from tests.integration.alerts.receivers import MailReceiver, WebReceiver, mail_receiver, web_receiver

SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, surely").decode()


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        yield receiver


def settings(
    web: WebReceiver | None = None, mail: MailReceiver | None = None, **changes: Any
) -> DeliverySettings:
    fields: dict[str, Any] = {
        "alert_webhook_url": web.url if web else "",
        "alert_webhook_secret": SECRET if web else "",
        "alert_smtp_url": mail.url if mail else "",
        "alert_email_from": "sluice@example.org",
        "alert_email_to": ("ops@example.org", "boss@example.org"),
        "alert_delivery_first_pause_seconds": 0.001,
        "alert_delivery_timeout_seconds": 5.0,
        "alert_delivery_attempts": 3,
    }
    return DeliverySettings(**(fields | changes))


def delivering(system: System, channel: Channel, settings: DeliverySettings) -> Delivering:
    return Delivering(system.database, channel, settings, AlertTelemetry(ServiceMetrics(SERVICE)), 60.0)


async def raise_alert(
    look: asyncpg.Connection,
    channel: str,
    *,
    kind: str = "FRAUD",
    subject: str = "p-1",
    phase: str = "opened",
    **details: Any,
) -> None:
    await look.execute(
        """WITH raised AS (
               INSERT INTO alerts (rule, kind, key, subject, opened_at, cleared_at, details)
               VALUES ('bot-burst', $1, gen_random_uuid()::text, $2, $3, $4, $5) RETURNING id)
           INSERT INTO alert_deliveries (alert_id, phase, channel) SELECT id, $6, $7 FROM raised""",
        kind,
        subject,
        NOON,
        NOON + timedelta(minutes=9) if phase == "cleared" else None,
        json.dumps(details),
        phase,
        channel,
    )


async def fate(look: asyncpg.Connection) -> tuple[str, int, str]:
    row = await look.fetchrow("SELECT status, attempts, last_error FROM alert_deliveries")
    assert row is not None
    return row["status"], row["attempts"], row["last_error"]


async def make_due(look: asyncpg.Connection) -> None:
    await look.execute("UPDATE alert_deliveries SET due_at = now() WHERE status = 'waiting'")


async def test_a_webhook_is_signed_so_that_any_receiver_of_standard_webhooks_takes_it(
    system: System, look: asyncpg.Connection, web: WebReceiver
) -> None:
    await raise_alert(look, "webhook", likes=240)
    await delivering(system, WebhookChannel(settings(web)), settings(web)).turn()

    [posted] = web.posted
    content = Webhook(SECRET).verify(posted.body, dict(posted.headers))
    assert content["type"] == "alert.opened"
    assert content["data"]["kind"] == "FRAUD"
    assert (content["data"]["subject"], content["data"]["details"]) == ("p-1", {"likes": 240})
    assert datetime.fromisoformat(content["timestamp"]) == NOON
    assert await fate(look) == ("delivered", 1, "")


async def test_a_receiver_that_fails_is_tried_again_with_the_same_id(
    system: System, look: asyncpg.Connection, web: WebReceiver
) -> None:
    web.answers = [(500, {}), (302, {"location": web.url})]
    await raise_alert(look, "webhook")
    loop = delivering(system, WebhookChannel(settings(web)), settings(web))

    for _ in range(3):
        await make_due(look)
        await loop.turn()

    assert len(web.posted) == 3, "a redirect is not followed"
    assert len({posted.headers["webhook-id"] for posted in web.posted}) == 1
    assert await fate(look) == ("delivered", 3, "")


async def test_after_too_many_failures_a_delivery_is_dead(
    system: System, look: asyncpg.Connection, web: WebReceiver
) -> None:
    web.answers = [(503, {})] * 9
    await raise_alert(look, "webhook")
    loop = delivering(system, WebhookChannel(settings(web)), settings(web))

    for _ in range(5):
        await make_due(look)
        await loop.turn()

    assert await fate(look) == ("dead", 3, "the receiver answers 503")


async def test_a_receiver_that_is_gone_for_good_is_not_asked_again(
    system: System, look: asyncpg.Connection, web: WebReceiver
) -> None:
    web.answers = [(410, {})]
    await raise_alert(look, "webhook")

    await delivering(system, WebhookChannel(settings(web)), settings(web)).turn()

    status, attempts, _ = await fate(look)
    assert (status, attempts) == ("dead", 1)


async def test_a_receiver_says_when_to_come_again(
    system: System, look: asyncpg.Connection, web: WebReceiver
) -> None:
    web.answers = [(429, {"retry-after": "120"})]
    await raise_alert(look, "webhook")

    await delivering(system, WebhookChannel(settings(web)), settings(web)).turn()

    due = await look.fetchval("SELECT due_at FROM alert_deliveries")
    assert due is not None
    assert timedelta(seconds=100) < due - datetime.now(UTC) <= timedelta(seconds=120)


async def test_nobody_there_is_a_failure_like_any_other(system: System, look: asyncpg.Connection) -> None:
    nobody = settings().__class__(
        alert_webhook_url="http://127.0.0.1:9/",
        alert_webhook_secret=SECRET,
        alert_delivery_timeout_seconds=2.0,
    )
    await raise_alert(look, "webhook")

    await delivering(system, WebhookChannel(nobody), nobody).turn()

    status, attempts, error = await fate(look)
    assert (status, attempts) == ("waiting", 1)
    assert "ConnectError" in error


async def test_an_email_tells_all_recipients_what_happened(
    system: System, look: asyncpg.Connection, mail: MailReceiver
) -> None:
    await raise_alert(look, "email", kind="ABSENCE", subject="facebook", phase="cleared")
    await delivering(system, MailChannel(settings(mail=mail)), settings(mail=mail)).turn()

    [message] = mail.messages
    assert message["Subject"] == "[Sluice] Over: ABSENCE: source facebook has fallen silent"
    assert message["X-RcptTo"] == "ops@example.org, boss@example.org"
    assert '"clearedAt"' in str(message.get_payload())
    assert await fate(look) == ("delivered", 1, "")


async def test_a_post_of_any_name_makes_no_header_of_its_own(
    system: System, look: asyncpg.Connection, mail: MailReceiver
) -> None:
    await raise_alert(look, "email", subject="p-1\r\nBcc: everybody@example.org")
    await delivering(system, MailChannel(settings(mail=mail)), settings(mail=mail)).turn()

    [message] = mail.messages
    assert message["Bcc"] is None
    assert "Bcc: everybody@example.org" in message["Subject"]


async def test_a_mail_server_that_has_no_time_is_asked_again_and_one_that_refuses_is_not(
    system: System, look: asyncpg.Connection, mail: MailReceiver
) -> None:
    mail.answers = ["451 later"]
    await raise_alert(look, "email")
    loop = delivering(system, MailChannel(settings(mail=mail)), settings(mail=mail))
    await loop.turn()
    assert (await fate(look))[:2] == ("waiting", 1)
    await make_due(look)
    await loop.turn()
    assert (await fate(look))[:2] == ("delivered", 2)
    assert len(mail.messages) == 1

    await look.execute("DELETE FROM alerts")
    mail.answers = ["554 never"]
    await raise_alert(look, "email")
    await loop.turn()
    assert await fate(look) == ("dead", 1, "554 never")


async def test_a_recipient_that_is_refused_does_not_keep_it_from_the_others(
    system: System, look: asyncpg.Connection, mail: MailReceiver
) -> None:
    mail.refused = {"boss@example.org": "550 has left"}
    await raise_alert(look, "email")

    await delivering(system, MailChannel(settings(mail=mail)), settings(mail=mail)).turn()

    assert [message["X-RcptTo"] for message in mail.messages] == ["ops@example.org"]
    status, _, remark = await fate(look)
    assert status == "delivered"
    assert "boss@example.org: 550 has left" in remark


async def test_the_topic_is_told_once_and_the_owner_of_a_milestone_too(
    system: System, look: asyncpg.Connection, connection: StreamConnection
) -> None:
    await raise_alert(look, "notifications", kind="MILESTONE", step=100, userId="u-17")
    loop = delivering(system, NotificationChannel(NotificationPublisher(connection)), settings())
    await loop.turn()
    # As after a crash between publishing and writing that down.
    await look.execute("UPDATE alert_deliveries SET status = 'waiting', due_at = now()")
    await loop.turn()

    told = [
        await connection.jetstream.get_msg(NOTIFICATIONS, seq=sequence)
        for sequence in await sequences(connection)
    ]

    assert len(told) == 2, "one for the owner, one for the topic"
    for message in told:
        body = json.loads(message.data or b"")
        assert (body["kind"], body["subject"], body["details"]["step"]) == ("MILESTONE", "p-1", 100)


async def test_the_end_of_an_alert_is_not_told_as_another_alert(
    system: System, look: asyncpg.Connection, connection: StreamConnection
) -> None:
    await raise_alert(look, "notifications", phase="cleared")
    await delivering(system, NotificationChannel(NotificationPublisher(connection)), settings()).turn()

    [sequence] = await sequences(connection)
    body = json.loads((await connection.jetstream.get_msg(NOTIFICATIONS, seq=sequence)).data or b"")
    assert (body["kind"], body["alert"]) == ("ALERT_CLEARED", "FRAUD")


async def test_processes_that_deliver_at_once_share_the_work(
    system: System, look: asyncpg.Connection, web: WebReceiver
) -> None:
    for _ in range(20):
        await raise_alert(look, "webhook")
    loops = [delivering(system, WebhookChannel(settings(web)), settings(web)) for _ in range(3)]

    await asyncio.gather(*(loop.turn() for loop in loops))

    ids = [posted.headers["webhook-id"] for posted in web.posted]
    assert len(ids) == len(set(ids)) == 20


async def test_what_waits_for_a_channel_that_nobody_has_any_more_is_dead(
    system: System, look: asyncpg.Connection
) -> None:
    await raise_alert(look, "email")

    assert await Deliveries(system.database, ["notifications", "webhook"], 0.0).abandon_others() == 1

    assert await fate(look) == ("dead", 0, "the channel is no longer configured")


async def sequences(connection: StreamConnection) -> list[int]:
    state = (await connection.jetstream.stream_info(NOTIFICATIONS)).state
    return list(range(state.first_seq, state.last_seq + 1)) if state.messages else []
