"""Builds the alerts service: the evaluator, a loop for each channel, and the probes."""

import functools
from collections.abc import Mapping

from litestar.types import ASGIApp

from alerts.channels import Channel, NotificationChannel
from alerts.delivering import Delivering, abandon_unconfigured
from alerts.evaluation import Evaluator
from alerts.mail import MailChannel
from alerts.raising import Raising
from alerts.rule_file import RuleFile
from alerts.settings import AlertSettings, DeliverySettings
from alerts.telemetry import SERVICE, AlertTelemetry
from alerts.webhook import WebhookChannel
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.chassis.supervision import Loop
from pipeline.store import Database
from pipeline.store.migrations import check_migrated
from pipeline.stream import NotificationPublisher, StreamConnection

_DESCRIPTION = ServiceDescription(
    "Sluice alerts",
    "Watches what was stored: milestones, likes that people did not give, sources that fall silent.",
)


def create_alerts(
    settings: AlertSettings, delivery: DeliverySettings, connection: StreamConnection, database: Database
) -> tuple[ASGIApp, Mapping[str, Loop]]:
    """The app and its supervised loops. Raises ConfigurationError for rules or addresses that cannot be used."""
    metrics = ServiceMetrics(SERVICE)
    telemetry = AlertTelemetry(metrics)
    rules = RuleFile(settings, telemetry)
    channels: list[Channel] = [NotificationChannel(NotificationPublisher(connection))]
    if delivery.alert_webhook_url:
        channels.append(WebhookChannel(delivery))
    if delivery.alert_smtp_url:
        channels.append(MailChannel(delivery))
    names = [channel.name for channel in channels]
    evaluator = Evaluator(
        database, connection, rules, Raising(database, names, telemetry), settings, telemetry
    )
    stall = settings.alert_stall_after_seconds
    delivering = {
        channel.name: Delivering(database, channel, delivery, telemetry, stall) for channel in channels
    }
    app = create_service(
        _DESCRIPTION,
        metrics,
        [],
        {"postgres": functools.partial(check_migrated, database), "evaluator": evaluator.heartbeat.check},
        # Alerts are written without it, and delivered once it is back.
        optional_checks={"nats": connection.check}
        | {f"delivery-{name}": loop.heartbeat.check for name, loop in delivering.items()},
    )
    loops: dict[str, Loop] = {
        "stream": connection.run,
        "rules": rules.watch,
        "evaluator": evaluator.run,
        "channels": functools.partial(
            abandon_unconfigured, database=database, channels=names, telemetry=telemetry
        ),
        **{f"delivery-{name}": loop.run for name, loop in delivering.items()},
    }
    return app, loops
