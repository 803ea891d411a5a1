"""Alerts as e-mail, by SMTP."""

from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec
from aiosmtplib.errors import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused

from alerts.channels import DeliveryFailed, DeliveryRefused
from alerts.deliveries import Delivery
from alerts.settings import DeliverySettings
from pipeline.errors import ConfigurationError

_PORTS = {"smtp": 587, "smtps": 465}
_PERMANENT = 500
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TITLES = {
    "FRAUD": "likes of post {subject} that people did not give",
    "MILESTONE": "post {subject} has reached {step} likes",
    "ABSENCE": "source {subject} has fallen silent",
    "ERROR_RATE": "events of source {subject} fail",
}


class MailChannel:
    """Sends one message to all recipients, with the alert in words and as JSON."""

    name = "email"

    def __init__(self, settings: DeliverySettings) -> None:
        """Raises ConfigurationError for an address that cannot be used."""
        self.attempts = settings.alert_delivery_attempts
        self._settings = settings
        self._server = _server(settings)

    async def deliver(self, delivery: Delivery) -> str:
        """One attempt. Its Message-ID is that of all attempts.

        What a server refuses for good (5xx) is dead at once; not so a refused password, which is ours to mend. Who of
        several recipients is refused does not keep it from the others, and is remarked.
        """
        message = message_of(delivery, self._settings.alert_email_from, self._settings.alert_email_to)
        try:
            refused, _ = await aiosmtplib.send(message, **self._server)
        except SMTPRecipientsRefused as error:
            raise _failure(
                min(each.code for each in error.recipients), f"no recipient is taken: {error}"
            ) from None
        except (SMTPSenderRefused, SMTPDataError) as error:
            raise _failure(error.code, f"{error.code} {error.message}") from None
        except (SMTPException, OSError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from None
        return "; ".join(
            f"not taken for {name}: {answer.code} {answer.message}" for name, answer in refused.items()
        )


def message_of(delivery: Delivery, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """The message."""
    alert = delivery.alert
    # A subject of an alert is of a user's making: a line break in it would be another header.
    subject = " ".join(alert.subject.split())
    title = _TITLES[alert.kind].format(subject=subject, step=alert.details.get("step", ""))
    message = EmailMessage()
    message["Subject"] = f"[Sluice] {'Over: ' if delivery.phase == 'cleared' else ''}{alert.kind}: {title}"
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(alert.raised_at)
    message["Message-ID"] = f"<{delivery.id}@sluice.alerts>"
    message["Auto-Submitted"] = "auto-generated"
    shown = msgspec.json.format(msgspec.json.encode(alert), indent=2).decode()
    message.set_content(f"{title[:1].upper()}{title[1:]}.\n\nRule: {alert.rule}\n\n{shown}\n")
    return message


def _server(settings: DeliverySettings) -> dict[str, Any]:
    """What aiosmtplib needs to know."""
    try:
        url = urlsplit(settings.alert_smtp_url)
        port = url.port
    except ValueError:
        raise ConfigurationError("ALERT_SMTP_URL: not an address") from None
    if url.scheme not in _PORTS or not url.hostname:
        raise ConfigurationError("ALERT_SMTP_URL: expected smtp://host:port or smtps://host:port")
    # A password never travels in the clear to another machine. Without one TLS is used where the server has it.
    must_encrypt = url.username is not None and url.hostname not in _LOOPBACK
    return {
        "hostname": url.hostname,
        "port": port or _PORTS[url.scheme],
        "username": unquote(url.username or "") or None,
        "password": unquote(url.password or "") or None,
        "use_tls": url.scheme == "smtps",
        "start_tls": False if url.scheme == "smtps" else must_encrypt or None,
        "timeout": settings.alert_delivery_timeout_seconds,
    }


def _failure(code: int, reason: str) -> Exception:
    return DeliveryRefused(reason) if code >= _PERMANENT else DeliveryFailed(reason)
