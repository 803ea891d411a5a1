"""Builds the reporter: its reports, its checks, its fold, its canaries and probes."""

import functools
from collections.abc import Mapping

from litestar import Router
from litestar.types import ASGIApp

from pipeline.chassis.health import Check
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.chassis.supervision import Loop
from pipeline.events.vocabulary import Vocabulary
from pipeline.store import Database
from pipeline.store.migrations import check_migrated
from reporter.activity import activity_route
from reporter.alerts import alerts_route
from reporter.answering import Answering
from reporter.canary.settings import CanarySettings
from reporter.canary.telemetry import CanaryAges, CanaryTelemetry
from reporter.canary.watch import CanaryWatch
from reporter.demographics import DemographicsReport
from reporter.demographics_route import demographics_route
from reporter.events import events_route
from reporter.fold_loop import FoldLoop
from reporter.freshness import FreshnessReader
from reporter.posts_single import post_route
from reporter.posts_top import top_posts_route
from reporter.probes.loop import ProbeLoop, probes_of
from reporter.probes.settings import ProbeSettings
from reporter.probes.telemetry import ProbeTelemetry
from reporter.revenue import revenue_route
from reporter.settings import ReporterSettings
from reporter.telemetry import SERVICE, ReporterTelemetry

_DESCRIPTION = ServiceDescription(
    "Sluice reporter", "Answers from rollups: exact, and as fast over years as over an hour."
)


def create_reporter(
    vocabulary: Vocabulary,
    settings: ReporterSettings,
    reports: Database,
    folds: Database,
    canaries: CanarySettings | None = None,
    probes: ProbeSettings | None = None,
) -> tuple[ASGIApp, Mapping[str, Loop]]:
    """The reporter's app and its supervised loops. `reports` and `folds` are separate pools, so that a fold that
    moves megabytes never makes a report wait for a connection. Without their settings there are no canaries or probes.
    """
    metrics = ServiceMetrics(SERVICE)
    telemetry = ReporterTelemetry(metrics)
    optional = [name for name, words in vocabulary.sources.items() if not words.always_collected]
    freshness = FreshnessReader(reports, settings.progress_tolerance_seconds, optional)
    answering = Answering(vocabulary, freshness, telemetry)
    demographics = DemographicsReport(reports, vocabulary, settings)
    fold = FoldLoop(folds, settings, demographics.specs, telemetry)
    routes = Router(
        "/reports",
        route_handlers=[
            events_route(reports, answering),
            revenue_route(reports, answering),
            demographics_route(demographics, answering),
        ],
        tags=["reports"],
    )
    posts = Router(
        "/posts",
        route_handlers=[top_posts_route(reports, answering), post_route(reports, answering)],
        tags=["posts"],
    )
    others = [activity_route(reports, answering), alerts_route(reports, telemetry)]
    checks = {"postgres": functools.partial(check_migrated, reports), "fold": fold.heartbeat.check}
    optional_checks: dict[str, Check] = {}
    loops: dict[str, Loop] = {"fold": fold.run}
    if canaries and canaries.is_on:
        watch = CanaryWatch(vocabulary, canaries, reports, CanaryTelemetry(metrics.registry))
        CanaryAges(metrics.registry, watch.ages)
        optional_checks["canary"] = watch.check
        loops |= watch.loops
    if probes and (wanted := probes_of(probes, reports)):
        telemetry_of_probes = ProbeTelemetry(metrics.registry)
        loops["probes"] = ProbeLoop(wanted, probes.probe_interval_seconds, telemetry_of_probes).run
    app = create_service(
        _DESCRIPTION, metrics, [routes, posts, *others], checks, optional_checks=optional_checks
    )
    return app, loops
