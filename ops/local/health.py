"""Is everything ready? Asked of each server and service itself, not of the process manager."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ops.local import asking
from ops.local.embedded import EmbeddedServer
from ops.local.services import SERVICES, Service
from ops.local.settings import LocalSettings
from ops.local.system import System


@dataclass(frozen=True)
class Health:
    """One line of the health check. `detail` says where it is, or what is wrong.

    `degraded` is ready, without something that it can do without.
    """

    kind: str
    name: str
    ready: bool
    detail: str
    degraded: bool = False


def of_server(server: EmbeddedServer) -> Health:
    """Ask an embedded server."""
    problem = server.problem()
    address = server.url.rpartition("@")[2]
    return Health("server", server.name, problem is None, problem or address)


def of_service(service: Service, settings: LocalSettings) -> Health:
    """Ask a service's readiness probe."""
    port = service.port(settings)
    answer = asking.http_get(port, "/health/ready")
    if isinstance(answer, str):
        return Health("service", service.name, False, answer)
    checks: list[dict[str, Any]] = answer.body.get("checks") or []
    failing = [f"{check['name']}: {check['detail']}" for check in checks if not check["ready"]]
    if answer.status == 200:
        address = f"http://127.0.0.1:{port}"
        detail = f"{address}, degraded: {'; '.join(failing)}" if failing else address
        return Health("service", service.name, True, detail, degraded=bool(failing))
    return Health(
        "service", service.name, False, "; ".join(failing) or f"HTTP {answer.status} on port {port}"
    )


def of_system(system: System, services: Iterable[Service] = SERVICES) -> list[Health]:
    """Everything, asked at the same time."""
    with ThreadPoolExecutor() as pool:
        servers = pool.map(of_server, system.servers)
        answers = [pool.submit(of_service, service, system.settings) for service in services]
        return [*servers, *(answer.result() for answer in answers)]
