"""The embedded NATS server with JetStream."""

from pathlib import Path

from ops.local import asking, binaries
from ops.local.embedded import EmbeddedServer
from ops.local.ports import LOOPBACK

CONFIG = binaries.ROOT / "ops" / "nats" / "nats-server.conf"
USER = "sluice"


def describe(directory: Path, *, port: int, monitor_port: int, password: str) -> EmbeddedServer:
    """A NATS server that keeps its streams in `directory`, on two loopback ports (clients, HTTP
    monitoring)."""

    def prepare() -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)

    def problem() -> str | None:
        answer = asking.http_get(monitor_port, "/healthz")
        if isinstance(answer, str):
            return answer
        said = answer.body.get("error") or answer.body.get("status") or answer.status
        return None if answer.status == 200 else str(said)

    command = [str(binaries.nats_server()), "--config", str(CONFIG), "--addr", LOOPBACK, "--port", str(port)]
    command += ["--http_port", str(monitor_port), "--store_dir", str(directory)]
    return EmbeddedServer(
        name="nats",
        command=tuple(command),
        directory=directory,
        url=f"nats://{USER}:{password}@{LOOPBACK}:{port}",
        monitor_url=f"http://{LOOPBACK}:{monitor_port}",
        environment={"NATS_PASSWORD": password},
        prepare=prepare,
        problem=problem,
    )
