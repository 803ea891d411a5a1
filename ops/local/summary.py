"""What is printed at the end of a start, and by `status`."""

import shlex

from ops.local.ports import LOOPBACK
from ops.local.services import GATEWAY, REPORTER, SERVICES
from ops.local.supervision import ProcessState
from ops.local.system import System
from ops.local.terminal import out, table

EXAMPLE_EVENT = (
    '{"eventId":"example-1","timestamp":"2026-01-01T12:00:00Z","source":"tiktok","funnelStage":"top",'
    '"eventType":"like","data":{"user":{"userId":"u1","username":"ann","followers":120},'
    '"engagement":{"watchTime":12,"percentageWatched":80,"device":"Android","country":"DE","videoId":"v1"}}}'
)


def ready(local: System) -> None:
    """Addresses and some commands to try."""
    gateway, reporter = (f"http://{LOOPBACK}:{s.port(local.settings)}" for s in (GATEWAY, REPORTER))
    out.print("\nSluice is ready.\n")
    table(
        ("service", "address", "API"),
        [
            (service.name, f"http://{LOOPBACK}:{service.port(local.settings)}", _api(service.name, local))
            for service in SERVICES
        ],
    )
    out.print("\nTry:")
    out.print(f"  curl -s '{reporter}/reports/events?source=facebook'", markup=False)
    out.print(
        f"  curl -s {gateway}/events -H 'content-type: application/json' -d '{EXAMPLE_EVENT}'", markup=False
    )
    out.print("  ./start.sh logs facebook-collector", markup=False)
    out.print("  ./sluice status", markup=False)
    out.print("\nAlso: ./sluice doctor, ./healthcheck.sh, ./start.sh status, ./start.sh stop")


def servers_ready(local: System) -> None:
    """After `--servers-only`: how to reach them."""
    out.print("\nThe servers are ready. In a shell, for programs of your own:\n")
    out.print(f"  set -a; . {shlex.quote(str(local.settings.connections))}; set +a", markup=False)


def processes(states: dict[str, ProcessState]) -> None:
    """One line per process, as the process manager sees it."""
    rows = [
        (s.name, s.state.lower(), str(s.pid or ""), s.description.removeprefix(f"pid {s.pid}, "))
        for s in states.values()
    ]
    table(("process", "state", "pid", ""), rows)


def _api(name: str, local: System) -> str:
    service = next(service for service in SERVICES if service.name == name)
    return f"http://{LOOPBACK}:{service.port(local.settings)}/api"
