"""What is printed at the end of a start, and by the health check."""

from ops.container import containers, order, terminal
from ops.container.compose import Compose
from ops.container.configuration import Configuration

LOOPBACK = "127.0.0.1"


def ready(configuration: Configuration, compose: Compose) -> None:
    """Addresses and some commands to try."""
    services = compose.services()
    host = configuration.get("BIND_ADDRESS", LOOPBACK)
    host = LOOPBACK if host == "0.0.0.0" else host  # noqa: S104 - where it is reached from here
    address = {
        name: f"{host}:{configuration.get(variable, default)}"
        for name, (variable, default) in order.ADDRESSES.items()
        if name in services
    }
    print("\nSluice is ready, in containers.\n")
    terminal.table([("service", "address"), *((name, where) for name, where in address.items())])
    command = " ".join(compose.command)
    print("\nTry:")
    print(f"  curl -s 'http://{address['reporter']}/reports/events?source=facebook'")
    print("  ./sluice status")
    print("  ./start.sh logs fb-collector")
    print(f"  {command} up -d --no-deps --scale fb-collector=3 fb-collector")
    if "grafana" in address:
        print(
            f"  Grafana: http://{address['grafana']}, user admin, "
            f"password GRAFANA_ADMIN_PASSWORD in {configuration.env_file.name}"
        )
    print("\nAlso: ./healthcheck.sh, ./start.sh status, ./start.sh stop")


def health(compose: Compose) -> bool:
    """One line per container; returns whether all are well. What was never started is missing, and is not well."""
    services = compose.services()
    well = True
    for service in order.present((*order.SERVERS, *order.PROGRAMS, *order.MONITORING), services):
        if service in order.ONE_SHOT:
            continue
        found = containers.of_service(compose, service)
        if not found:
            terminal.line("NOT", "red", service, "not started")
        for container in found:
            mark, style = ("ready", "green") if container.ready else ("NOT", "red")
            degraded = container.ready and ": " in container.detail and container.health
            detail = container.detail if not container.ready or degraded else ""
            terminal.line(mark, "yellow" if degraded else style, container.name, detail)
        well = well and bool(found) and all(container.ready for container in found)
    return well
