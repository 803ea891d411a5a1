"""Probes: `/health/live` does no input or output; `/health/ready` really asks every dependency, timed and named."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from litestar import Response, Router, get

from pipeline.chassis.metrics import ServiceMetrics

Check = Callable[[], Awaitable[str]]
"""Asks one dependency. Returns a few words about it, raises any exception when it is not ready."""

_SCRAPE_SECONDS = 1.0
"""How long metrics wait for the checks: a scrape is given up after a few seconds."""


class CheckResult(msgspec.Struct, frozen=True):
    """What one check found, and how long it took. Without an optional one the service does its work all the same."""

    name: str
    ready: bool
    detail: str
    milliseconds: float
    optional: bool = False


class Readiness(msgspec.Struct, frozen=True):
    """The answer of `/health/ready`: ready when every check is that is not optional.

    `degraded` when it is ready, but an optional check is not.
    """

    status: Literal["ready", "degraded", "not ready"]
    ready: bool
    checks: Sequence[CheckResult]


async def run_checks(
    checks: Mapping[str, Check], timeout_seconds: float, optional: Mapping[str, Check] | None = None
) -> Readiness:
    """Runs all checks at once, each bounded by the timeout."""

    async def run(name: str, check: Check, optional: bool) -> CheckResult:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_seconds):
                ready, detail = True, await check()
        except TimeoutError:
            ready, detail = False, f"no answer within {timeout_seconds:g} s"
        except Exception as error:  # whatever a dependency raises, the probe's job is to report it
            ready, detail = False, f"{type(error).__name__}: {error}"
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        return CheckResult(name, ready, detail, milliseconds, optional)

    results = await asyncio.gather(
        *(run(name, check, False) for name, check in checks.items()),
        *(run(name, check, True) for name, check in (optional or {}).items()),
    )
    ready = all(result.ready for result in results if not result.optional)
    whole = all(result.ready for result in results)
    return Readiness("not ready" if not ready else "ready" if whole else "degraded", ready, results)


def probe_router(
    metrics: ServiceMetrics,
    checks: Mapping[str, Check],
    timeout_seconds: float,
    optional: Mapping[str, Check] | None = None,
) -> Router:
    """The routes that every service has: `/health/live`, `/health/ready`, `/metrics`."""

    @get("/health/live", summary="Is the process alive?", sync_to_thread=False)
    def live() -> dict[str, str]:
        return {"status": "alive", "service": metrics.service}

    @get("/health/ready", summary="Can the service do its work?")
    async def ready() -> Response[Readiness]:
        readiness = await run_checks(checks, timeout_seconds, optional)
        return Response(readiness, status_code=200 if readiness.ready else 503)

    @get("/metrics", summary="Metrics in OpenMetrics text form", media_type="text/plain")
    async def exposition() -> Response[bytes]:
        # Whoever asks for metrics wants them most when a dependency hangs: it has less time here than at the probe.
        readiness = await run_checks(checks, min(timeout_seconds, _SCRAPE_SECONDS), optional)
        metrics.checked(readiness.ready, {check.name: check.ready for check in readiness.checks})
        body, content_type = metrics.exposition()
        return Response(body, headers={"content-type": content_type})

    handlers: list[Any] = [live, ready, exposition]
    return Router("/", route_handlers=handlers, tags=["operation"])
