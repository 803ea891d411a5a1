"""`python -m collectors <source>` runs one collector. Start as many of a source as you like: they share its work."""

import os
import sys

from collectors._runtime.app import create_collector
from collectors._runtime.settings import CollectorSettings
from collectors.registry import SOURCES
from pipeline.chassis.logging import LoggingSettings, configure_logging
from pipeline.chassis.server import ServerSettings, run, serve
from pipeline.chassis.settings import load_settings
from pipeline.chassis.tracing import TracingSettings, start_tracing
from pipeline.errors import ConfigurationError
from pipeline.events.source import Source
from pipeline.live import LiveSettings
from pipeline.store import Database, StoreSettings
from pipeline.stream import StreamConnection, StreamSettings


async def main(source: Source) -> bool:
    """Runs until stopped. Returns whether it ended well."""
    service = f"{source.name}-collector"
    configure_logging(load_settings(LoggingSettings, os.environ), service)
    start_tracing(load_settings(TracingSettings, os.environ), service)
    server = load_settings(ServerSettings, os.environ)
    connection = StreamConnection(load_settings(StreamSettings, os.environ), service)
    collector = load_settings(CollectorSettings, os.environ)
    live = load_settings(LiveSettings, os.environ)
    async with Database(load_settings(StoreSettings, os.environ)) as database:
        app, loops = create_collector(source, collector, connection, database, live)
        try:
            return await serve(app, server, loops)
        finally:
            await connection.close()


def chosen_source(arguments: list[str]) -> Source:
    """The source that the command line names. Raises ConfigurationError listing the sources there are."""
    if len(arguments) != 1 or arguments[0] not in SOURCES:
        raise ConfigurationError(f"usage: python -m collectors SOURCE, one of: {', '.join(SOURCES)}")
    return SOURCES[arguments[0]]


if __name__ == "__main__":
    run(lambda: main(chosen_source(sys.argv[1:])))
