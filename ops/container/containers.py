"""How the containers of a service are: asked of the engine, which asks their health checks."""

import json
from dataclasses import dataclass
from typing import Any

from ops.container.compose import Compose, inspect, last_lines

RESTARTS = 2
"""A container that has ended so many times as soon as it was started has a fault: waiting longer would not help."""


@dataclass(frozen=True)
class Container:
    """One container. `detail` says how it is in a few words, `health` is that of its health check, if it has one."""

    id: str
    name: str
    service: str
    status: str
    health: str
    exit_code: int
    restarts: int
    detail: str

    @property
    def ready(self) -> bool:
        """Running, and healthy as far as that can be asked."""
        return self.status == "running" and self.health in {"", "healthy"}

    @property
    def done(self) -> bool:
        """Ended well, as a program that runs once does."""
        return self.status == "exited" and self.exit_code == 0

    @property
    def failing(self) -> bool:
        """Started again and again, or ended with an error."""
        return (self.restarts >= RESTARTS and not self.ready) or (
            self.status == "exited" and self.exit_code != 0
        )


def of_service(compose: Compose, service: str) -> list[Container]:
    """The containers of a service; there are several of one that was scaled."""
    return [_container(service, found) for found in inspect(compose.ids(service))]


def explain(container: Container) -> str:
    """Why a container is not ready: its state, and the end of its log."""
    return "\n".join([f"{container.name}: {container.detail}", *last_lines(container.id)])


def _container(service: str, found: dict[str, Any]) -> Container:
    state: dict[str, Any] = found["State"]
    health: dict[str, Any] = state.get("Health") or {}
    answers: list[dict[str, Any]] = health.get("Log") or []
    said = str(answers[-1]["Output"]).strip() if answers else ""
    status, restarts = str(state["Status"]), int(found["RestartCount"])
    detail = status if status != "exited" else f"ended with status {state['ExitCode']}"
    if health:
        detail = f"{status}, {health['Status']}"
    reason = _reason(said)
    return Container(
        id=found["Id"],
        name=str(found["Name"]).lstrip("/"),
        service=service,
        status=status,
        health=str(health.get("Status", "")),
        exit_code=int(state["ExitCode"]),
        restarts=restarts,
        detail=f"{detail}: {reason}" if reason else detail,
    )


def _reason(said: str) -> str:
    """What a health check had to say: of ours, the checks that fail; of others, the last line."""
    _, _, body = said.partition(" ")
    try:
        answer: dict[str, Any] = json.loads(body)
        checks: list[dict[str, Any]] = answer.get("checks") or []
        return "; ".join(f"{check['name']}: {check['detail']}" for check in checks if not check["ready"])
    except (ValueError, AttributeError, KeyError, TypeError):
        return said.splitlines()[-1] if said else ""
