"""Assembles a service: its controllers, the probes, the API page, the error mapping, correlation and metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.types import ASGIApp

from pipeline.chassis.health import Check, probe_router
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.middleware import with_correlation_and_metrics
from pipeline.chassis.openapi import openapi_assets, openapi_config
from pipeline.chassis.problems import answer_error
from pipeline.chassis.shortcut import PrefixShortcut, Shortcut, with_shortcuts
from pipeline.chassis.websocket_routes import with_websockets

VERSION = "0.1.0"


class ServiceDescription(msgspec.Struct, frozen=True):
    """What the API page says of a service."""

    title: str
    summary: str


def create_service(
    description: ServiceDescription,
    metrics: ServiceMetrics,
    route_handlers: Sequence[Any],
    checks: Mapping[str, Check],
    *,
    shortcuts: Sequence[Shortcut | PrefixShortcut] = (),
    optional_checks: Mapping[str, Check] | None = None,
    check_timeout_seconds: float = 2.0,
    state: Mapping[str, Any] | None = None,
    websockets: Mapping[str, ASGIApp] | None = None,
) -> ASGIApp:
    """The ASGI app of one service. `checks` are its dependencies, asked by `/health/ready`.

    When one of `optional_checks` fails the service is degraded, and still ready. `websockets` are ASGI applications by
    their path.
    """

    def keep_state(config: AppConfig) -> AppConfig:
        config.state.update(state or {})
        return config

    app = Litestar(
        route_handlers=[
            *route_handlers,
            probe_router(metrics, checks, check_timeout_seconds, optional_checks),
            openapi_assets(),
        ],
        openapi_config=openapi_config(description.title, description.summary, VERSION),
        exception_handlers={Exception: answer_error},
        on_app_init=[keep_state],
        # Logging is configured once per process, in `__main__`.
        logging_config=None,
        # Body limits are each front door's own business: they name the setting that changes them.
        request_max_body_size=None,
    )
    routes = with_websockets(with_shortcuts(app, shortcuts), websockets or {})
    return with_correlation_and_metrics(routes, metrics)
