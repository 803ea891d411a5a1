"""`python -m reporter` runs the reports."""

import os

import msgspec

from collectors.registry import SOURCES
from pipeline.chassis.logging import LoggingSettings, configure_logging
from pipeline.chassis.server import ServerSettings, run, serve
from pipeline.chassis.settings import load_settings
from pipeline.chassis.tracing import TracingSettings, start_tracing
from pipeline.events.vocabulary import vocabulary_of
from pipeline.store import Database, StoreSettings
from reporter.app import create_reporter
from reporter.canary.settings import CanarySettings
from reporter.probes.settings import ProbeSettings
from reporter.settings import ReporterSettings
from reporter.telemetry import SERVICE


async def main() -> bool:
    """Runs until stopped. Returns whether it ended well."""
    configure_logging(load_settings(LoggingSettings, os.environ), SERVICE)
    start_tracing(load_settings(TracingSettings, os.environ), SERVICE)
    server = load_settings(ServerSettings, os.environ)
    settings = load_settings(ReporterSettings, os.environ)
    canaries = load_settings(CanarySettings, os.environ)
    probes = load_settings(ProbeSettings, os.environ)
    store = load_settings(StoreSettings, os.environ)
    for_reports = msgspec.structs.replace(
        store,
        database_connections=settings.report_connections,
        database_statement_timeout_seconds=settings.report_statement_timeout_seconds,
    )
    for_folds = msgspec.structs.replace(store, database_connections=1)
    async with Database(for_reports) as reports, Database(for_folds) as folds:
        app, loops = create_reporter(vocabulary_of(SOURCES), settings, reports, folds, canaries, probes)
        return await serve(app, server, loops)


if __name__ == "__main__":
    run(main)
