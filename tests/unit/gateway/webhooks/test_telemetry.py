"""Refusals are counted each, and told once a minute."""

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from gateway.webhooks.telemetry import WebhookTelemetry
from pipeline.events.webhook import Refusal


def test_one_line_a_minute_and_webhook_says_how_many() -> None:
    now = 1000.0
    telemetry = WebhookTelemetry(CollectorRegistry(), lambda: now)
    with capture_logs() as logs:
        for _ in range(100):
            telemetry.refused("a", Refusal.SIGNATURE_INVALID)
        telemetry.refused("a", Refusal.SIGNATURE_STALE)
        telemetry.refused("b", Refusal.SIGNATURE_MISSING)
        now += 60
        telemetry.refused("a", Refusal.SIGNATURE_INVALID)

    assert [{**line, "event": None, "log_level": None} for line in logs] == [
        {"event": None, "log_level": None, "webhook": "a", "signature_invalid": 1},
        {"event": None, "log_level": None, "webhook": "b", "signature_missing": 1},
        {"event": None, "log_level": None, "webhook": "a", "signature_invalid": 100, "signature_stale": 1},
    ]
