"""Settings of the alerts service (DESIGN D12). Port, database and NATS are the chassis' and the doors' own."""

import msgspec


class AlertSettings(msgspec.Struct, frozen=True):
    alert_rules_file: str = ""
    """The rules, as TOML; by default those that come with the program (alerts/rules.toml)."""
    alert_interval_seconds: float = 1.0
    """How often it looks for what has changed. An alert comes so much after its events are stored, at most."""
    alert_sources_interval_seconds: float = 15.0
    """How often sources are judged: silence and dead letters."""
    alert_facts_hours: int = 6
    """How long sums by minute are kept. Likes of longer ago are not judged any more."""
    alert_away_hours: int = 24
    """Without any evaluator for so long, collectors write no more facts for one."""
    alert_lease_seconds: float = 10.0
    """So long the others wait before one of them takes the place of an evaluator that has died."""
    alert_stall_after_seconds: float = 60.0
    """Readiness turns red when the evaluator, or the delivery, has not turned for so long."""


class DeliverySettings(msgspec.Struct, frozen=True):
    alert_webhook_url: str = ""
    """Where alerts are posted to, signed as Standard Webhooks; empty: nowhere."""
    alert_webhook_secret: str = ""
    """The secret that signs them: whsec_ and base64 of 24 to 64 bytes."""
    alert_smtp_url: str = ""
    """smtp://user:password@host:587 (STARTTLS where the server has it) or smtps://host:465; empty: no e-mail."""
    alert_email_from: str = ""
    """The sender of the e-mails."""
    alert_email_to: tuple[str, ...] = ()
    """Who is told by e-mail."""
    alert_delivery_timeout_seconds: float = 15.0
    """How long a receiver may take."""
    alert_delivery_attempts: int = 10
    """After so many failed attempts a delivery is dead. With the pauses below that is after a good day."""
    alert_delivery_first_pause_seconds: float = 5.0
    """The pause after the first failure; it grows fourfold from failure to failure."""
    alert_delivery_longest_pause_seconds: float = 14_400.0
    """The longest pause between two attempts."""

    def __post_init__(self) -> None:
        if bool(self.alert_webhook_url) != bool(self.alert_webhook_secret):
            raise ValueError("ALERT_WEBHOOK_SECRET: set it together with ALERT_WEBHOOK_URL, or neither")
        if self.alert_webhook_url and not self.alert_webhook_url.startswith(("http://", "https://")):
            raise ValueError("ALERT_WEBHOOK_URL: expected an address that begins with https:// or http://")
        if self.alert_smtp_url and not (self.alert_email_from and self.alert_email_to):
            raise ValueError("ALERT_EMAIL_TO: set it, and ALERT_EMAIL_FROM, together with ALERT_SMTP_URL")
