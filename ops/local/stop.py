"""`./start.sh stop`: stop everything in good order and leave no process behind. Data stays."""

from ops.local import leftovers
from ops.local.services import PUBLISHER, SERVICES
from ops.local.system import SERVICE_STOP_SECONDS, System

MARGIN_SECONDS = 5.0


def stop(local: System) -> bool:
    """Stop services, then servers, then the process manager. Returns whether anything was running."""
    supervisor = local.supervisor
    was_up = supervisor.is_up()
    if was_up:
        services = [PUBLISHER.name, *(service.name for service in SERVICES)]
        supervisor.stop(services, SERVICE_STOP_SECONDS + MARGIN_SECONDS)
        longest = max(server.stop_seconds for server in local.servers)
        supervisor.stop([server.name for server in local.servers], longest + MARGIN_SECONDS)
        supervisor.shut_down()
    left = leftovers.sweep(leftovers.find(local.settings.data))
    return was_up or left > 0
