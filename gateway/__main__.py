"""`python -m gateway` runs the HTTP front."""

import os

from collectors.registry import SOURCES
from gateway.actions.assembly import SocialSettings
from gateway.actions.settings import ActionSettings
from gateway.app import create_gateway
from gateway.notifications.settings import NotificationSettings
from gateway.settings import GatewaySettings
from gateway.telemetry import SERVICE
from gateway.webhooks.settings import WebhookSettings
from pipeline.chassis.logging import LoggingSettings, configure_logging
from pipeline.chassis.server import ServerSettings, run, serve
from pipeline.chassis.settings import load_settings
from pipeline.chassis.tokens import TokenSettings
from pipeline.chassis.tracing import TracingSettings, start_tracing
from pipeline.live import LiveSettings, RateLimitSettings
from pipeline.stream import StreamConnection, StreamSettings


async def main() -> bool:
    """Runs until stopped. Returns whether it ended well."""
    configure_logging(load_settings(LoggingSettings, os.environ), SERVICE)
    start_tracing(load_settings(TracingSettings, os.environ), SERVICE)
    server = load_settings(ServerSettings, os.environ)
    connection = StreamConnection(load_settings(StreamSettings, os.environ), SERVICE)
    app, loops = create_gateway(
        SOURCES,
        load_settings(GatewaySettings, os.environ),
        connection,
        webhooks=load_settings(WebhookSettings, os.environ),
        credentials={
            webhook.name: load_settings(webhook.credentials, os.environ)
            for source in SOURCES.values()
            for webhook in source.webhooks
        },
        social=SocialSettings(
            tokens=load_settings(TokenSettings, os.environ),
            actions=load_settings(ActionSettings, os.environ),
            rates=load_settings(RateLimitSettings, os.environ),
            live=load_settings(LiveSettings, os.environ),
            notifications=load_settings(NotificationSettings, os.environ),
        ),
    )
    try:
        return await serve(app, server, loops)
    finally:
        await connection.close()


if __name__ == "__main__":
    run(main)
