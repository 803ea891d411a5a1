"""Folding in tests: a fold loop, and running it to its end."""

import asyncio

from collectors.registry import SOURCES
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.events.vocabulary import Vocabulary
from pipeline.store import Database
from reporter.fold_loop import FoldLoop
from reporter.settings import ReporterSettings
from reporter.telemetry import ReporterTelemetry


def make_fold_loop(vocabulary: Vocabulary, settings: ReporterSettings, database: Database) -> FoldLoop:
    specs = {name: dict(words.facets) for name, words in vocabulary.sources.items()}
    return FoldLoop(database, settings, specs, ReporterTelemetry(ServiceMetrics("reporter")))


async def fold_everything(fold_loop: FoldLoop) -> None:
    """Folds and rolls up all that waits, of all sources."""
    for source in SOURCES:
        await fold_loop.fold_source(source, asyncio.Event())


async def unfolded(database: Database) -> int:
    rows = await database.query("SELECT count(*)::integer AS waiting FROM audience_segments WHERE NOT folded")
    return int(rows[0]["waiting"])
