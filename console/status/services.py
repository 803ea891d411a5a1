"""Asks the services over HTTP how they are. A service that does not answer is an answer, too."""

import asyncio
import time
from collections.abc import Iterable, Sequence

import httpx
import msgspec

from console.settings import ConsoleSettings
from console.status.flow import Reading, counts_of
from console.status.snapshot import FailingCheck, Health, ServiceState

_REFUSED = "All connection attempts failed"
# A service gives each of its dependencies two seconds.
_TIMEOUT = httpx.Timeout(4.0, connect=1.5)
_METRICS_SECONDS = 1.5


class Service(msgspec.Struct, frozen=True):
    """Where a service is, and what it is."""

    name: str
    kind: str
    address: str
    source: str = ""


class Check(msgspec.Struct, frozen=True):
    """One check of a service's readiness."""

    name: str = "a check"
    ready: bool = True
    detail: str = ""
    optional: bool = False


class Readiness(msgspec.Struct, frozen=True):
    """What of `/health/ready` is read here."""

    checks: Sequence[Check] = ()


class CollectorLag(msgspec.Struct, frozen=True):
    """What of a collector's `/lag` only it knows: its batches' size and what it saw of the backlog lately."""

    batches: int = 0
    events: int = 0
    seconds_to_catch_up: float | None = None


def services_of(settings: ConsoleSettings) -> list[Service]:
    """Every service that has an address."""
    gateways = [Service("gateway", "gateway", address) for address in settings.gateway_url]
    collectors = [
        Service(f"{source}-collector", "collector", address, source)
        for source, addresses in settings.collectors().items()
        for address in addresses
    ]
    return [*gateways, *collectors, Service("reporter", "reporter", settings.reporter_url)]


def client() -> httpx.AsyncClient:
    """Asks one service, within limits, and no proxy on the way."""
    return httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False)


async def states(asking: httpx.AsyncClient, services: Iterable[Service]) -> list[ServiceState]:
    """The readiness of each."""
    return list(await asyncio.gather(*(_state(asking, service) for service in services)))


async def reading(asking: httpx.AsyncClient, service: Service) -> Reading | None:
    """A service's counters; None when it does not tell them."""
    try:
        answer = await asking.get(f"{service.address}/metrics", timeout=_METRICS_SECONDS)
        answer.raise_for_status()
        return Reading(time.monotonic(), counts_of(answer.text))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None  # the readiness of the same service says why


async def lag(asking: httpx.AsyncClient, service: Service) -> CollectorLag | None:
    """A collector's own account of its backlog; None when it has none."""
    try:
        answer = await asking.get(f"{service.address}/lag")
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=CollectorLag)
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError):
        return None


async def _state(asking: httpx.AsyncClient, service: Service) -> ServiceState:
    def found(health: Health, detail: str = "", failing: Iterable[FailingCheck] = ()) -> ServiceState:
        return ServiceState(
            service.name, service.kind, service.address, health, service.source, detail, list(failing)
        )

    try:
        answer = await asking.get(f"{service.address}/health/ready")
        readiness = msgspec.json.decode(answer.content, type=Readiness)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return found("away", _in_words(error))
    except msgspec.MsgspecError:
        return found("away", "something else answers there")
    failing = [
        FailingCheck(check.name, check.detail, check.optional)
        for check in readiness.checks
        if not check.ready
    ]
    return found(health_of(answer.status_code, readiness), failing=failing)


def health_of(status: int, readiness: Readiness) -> Health:
    """What an answer of `/health/ready` means: a failing check that does not fail it was an optional one."""
    if status != 200:
        return "not ready"
    return "ready" if all(check.ready for check in readiness.checks) else "degraded"


def _in_words(error: Exception) -> str:
    if str(error) == _REFUSED:
        return "nothing listens there"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
