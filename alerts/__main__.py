"""`python -m alerts` runs the alerts service. Start as many as you like: one of them evaluates, all of them deliver."""

import os

from alerts.app import create_alerts
from alerts.settings import AlertSettings, DeliverySettings
from alerts.telemetry import SERVICE
from pipeline.chassis.logging import LoggingSettings, configure_logging
from pipeline.chassis.server import ServerSettings, run, serve
from pipeline.chassis.settings import load_settings
from pipeline.chassis.tracing import TracingSettings, start_tracing
from pipeline.store import Database, StoreSettings
from pipeline.stream import StreamConnection, StreamSettings


async def main() -> bool:
    """Runs until stopped. Returns whether it ended well."""
    configure_logging(load_settings(LoggingSettings, os.environ), SERVICE)
    start_tracing(load_settings(TracingSettings, os.environ), SERVICE)
    server = load_settings(ServerSettings, os.environ)
    settings = load_settings(AlertSettings, os.environ)
    delivery = load_settings(DeliverySettings, os.environ)
    connection = StreamConnection(load_settings(StreamSettings, os.environ), SERVICE)
    async with Database(load_settings(StoreSettings, os.environ)) as database:
        app, loops = create_alerts(settings, delivery, connection, database)
        try:
            return await serve(app, server, loops)
        finally:
            await connection.close()


if __name__ == "__main__":
    run(main)
