"""What is wrong with the address or the secret of a channel is said at the start."""

import base64
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from alerts.mail import MailChannel
from alerts.settings import DeliverySettings
from alerts.webhook import sign, signing_key
from pipeline.errors import ConfigurationError

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def test_a_signature_is_that_of_the_standards_own_package() -> None:
    at = datetime(2026, 5, 14, 12, tzinfo=UTC)
    body = json.dumps({"type": "alert.opened"})

    ours = sign(signing_key(SECRET), "msg_1", str(int(at.timestamp())), body.encode())

    assert ours == Webhook(SECRET).sign("msg_1", at, body)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_???", "whsec_c2hvcnQ=", base64.b64encode(KEY).decode()]
)
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="ALERT_WEBHOOK_SECRET"):
        signing_key(secret)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", {"port": 587, "use_tls": False, "start_tls": None}),
        (
            "smtp://u%40x:p%2Fw@mail.example.org:25",
            {"port": 25, "start_tls": True, "username": "u@x", "password": "p/w"},
        ),
        ("smtp://u:p@127.0.0.1:25", {"start_tls": None}),
        ("smtps://u:p@mail.example.org", {"port": 465, "use_tls": True, "start_tls": False}),
    ],
)
def test_a_password_never_travels_in_the_clear(url: str, expected: dict[str, object]) -> None:
    server = MailChannel(
        DeliverySettings(alert_smtp_url=url, alert_email_from="a@b", alert_email_to=("c@d",))
    )._server

    assert {name: server[name] for name in expected} == expected


@pytest.mark.parametrize(
    "url", ["mail.example.org:25", "http://mail.example.org", "smtp://", "smtp://host:99999"]
)
def test_an_address_that_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ALERT_SMTP_URL"):
        MailChannel(DeliverySettings(alert_smtp_url=url, alert_email_from="a@b", alert_email_to=("c@d",)))
