"""The background loop that folds and rolls up, beside the HTTP server."""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping

from pipeline.audience.counting import FacetSpec
from pipeline.audience.facets import FacetTable
from pipeline.chassis.supervision import Heartbeat
from pipeline.store import Database
from reporter.folding import Folder
from reporter.rolling import Roller
from reporter.settings import ReporterSettings
from reporter.telemetry import ReporterTelemetry


class FoldLoop:
    """Folds every source's segments once per interval. A failure is counted and tried again."""

    def __init__(
        self,
        database: Database,
        settings: ReporterSettings,
        specs: Mapping[str, FacetSpec],
        telemetry: ReporterTelemetry,
    ) -> None:
        self._database = database
        self._settings = settings
        self._specs = specs
        self._telemetry = telemetry
        self._holder = secrets.token_hex(8)
        self.heartbeat = Heartbeat(settings.fold_lease_seconds + settings.fold_interval_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop` is set."""
        while not stop.is_set():
            for source in self._specs:
                try:
                    await self.fold_source(source, stop)
                except (
                    Exception
                ) as error:  # whatever it is, a fold that fails makes reports slower, never wrong
                    self._telemetry.fold_failed(source, error)
                self.heartbeat.beat()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._settings.fold_interval_seconds)

    async def fold_source(self, source: str, stop: asyncio.Event) -> None:
        """Folds all that waits, if this process is the one to do it, and rolls up what is due."""
        # A table of its own each time: whatever senders made up as values is forgotten again.
        table = FacetTable(self._specs[source])
        folder, roller = Folder(self._database, source, table), Roller(self._database, source, table)
        while not stop.is_set():
            if not await folder.take_lease(self._holder, self._settings.fold_lease_seconds):
                return
            segments = await folder.fold(self._settings.fold_events)
            buckets = await roller.roll_up(self._settings.roll_up_after_seconds)
            self.heartbeat.beat()
            if not segments and not buckets:
                return
            self._telemetry.folded(source, segments, buckets)
