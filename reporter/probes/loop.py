"""The loop in which probes look, all at once and again and again."""

import asyncio
from collections.abc import Sequence

from pipeline.chassis.concurrency import first_of
from pipeline.store import Database
from reporter.probes.certificates import CertificateProbe, SecretProbe
from reporter.probes.disks import DiskProbe
from reporter.probes.nats import NatsProbe
from reporter.probes.postgres import PostgresProbe
from reporter.probes.probe import Probe, ProbeFailed
from reporter.probes.settings import ProbeSettings
from reporter.probes.telemetry import ProbeTelemetry

_LOOK_SECONDS = 8.0
"""Longer than a probe may wait for one of our own connections to Postgres, while reports take them all."""


def probes_of(settings: ProbeSettings, database: Database) -> list[Probe]:
    """What the settings ask for."""
    probes: list[Probe] = []
    if settings.server_probes:
        probes.append(PostgresProbe(database))
        if settings.nats_monitor_url:
            probes.append(NatsProbe(settings.nats_monitor_url))
    if settings.disks:
        probes.append(DiskProbe(settings.disks))
    if settings.certificates:
        probes.append(CertificateProbe(settings.certificates))
    if settings.secrets:
        probes.append(SecretProbe(settings.secrets))
    return probes


class ProbeLoop:
    """Has each probe look once per interval. One that is slow keeps no other from being shown."""

    def __init__(
        self,
        probes: Sequence[Probe],
        interval_seconds: float,
        telemetry: ProbeTelemetry,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._probes = probes
        self._interval_seconds = interval_seconds
        self._telemetry = telemetry
        self._look_seconds = look_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop` is set."""
        while not stop.is_set():
            looking = [asyncio.create_task(self._look(probe)) for probe in self._probes]
            try:
                await asyncio.gather(*looking)
            finally:
                for task in looking:
                    task.cancel()
            await first_of(stop.wait(), timeout_seconds=self._interval_seconds)

    async def _look(self, probe: Probe) -> None:
        try:
            async with asyncio.timeout(self._look_seconds):
                found = await probe.look()
        except TimeoutError:
            problem = f"no answer within {self._look_seconds:g} s"
            self._telemetry.looked(probe.name, probe.blind(), problem)
        except ProbeFailed as error:
            self._telemetry.looked(probe.name, probe.blind(), str(error))
        else:
            self._telemetry.looked(probe.name, found.metrics, found.problem)
