"""The servers of the production overlay on this machine, with its own files; only the addresses differ."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from ops.local import asking, binaries
from ops.local.embedded import EmbeddedServer
from ops.local.ports import choose_free
from ops.local.running import RunningServer, running

OPS = binaries.ROOT / "ops"


class Certificates:
    """An authority, and the certificates that it has issued, as files: `<name>.crt`, `<name>.key`, `ca.crt`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._authority = trustme.CA()
        self.authority = folder / "ca.crt"
        self._authority.cert_pem.write_to_path(self.authority)

    def issue(self, name: str, *names: str) -> tuple[Path, Path]:
        """Certificate and key of a server or program; its names are these, or its own."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        if not certificate.exists():
            issued = self._authority.issue_cert(*(names or (name,)))
            certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
            issued.private_key_pem.write_to_path(key)
            key.chmod(0o600)
        return certificate, key

    def nats_settings(self, name: str) -> dict[str, str]:
        """What a program needs to show a NATS server who it is."""
        certificate, key = self.issue(name)
        return {
            "NATS_TLS_CA": str(self.authority),
            "NATS_TLS_CERT": str(certificate),
            "NATS_TLS_KEY": str(key),
        }


@dataclass(frozen=True)
class Nats:
    """A running NATS server of production."""

    server: RunningServer
    url: str
    certificates: Certificates

    def settings(self, name: str) -> dict[str, str]:
        """Environment variables for the program of this name."""
        return {"NATS_URL": self.url, "STREAM_MANAGE": "false", **self.certificates.nats_settings(name)}


@contextmanager
def running_nats(folder: Path, certificates: Certificates) -> Iterator[Nats]:
    """ops/nats/prod.conf and users.conf as they are, but for where the certificates lie."""
    certificates.issue("nats", "localhost")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prod.conf"
    text = (OPS / "nats" / "prod.conf").read_text()
    config.write_text(text.replace("/run/tls", str(certificates.folder)))
    shutil.copy(OPS / "nats" / "users.conf", folder)
    port, monitor_port = choose_free(), choose_free()

    def problem() -> str | None:
        answer = asking.http_get(monitor_port, "/healthz")
        return answer if isinstance(answer, str) else None if answer.status == 200 else str(answer.body)

    command = [
        str(binaries.nats_server()),
        "--config",
        str(config),
        "--addr",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += ["--http_port", str(monitor_port), "--store_dir", str(folder / "store")]
    url = f"tls://localhost:{port}"
    server = EmbeddedServer(
        name="nats",
        command=tuple(command),
        directory=folder / "store",
        url=url,
        prepare=lambda: (folder / "store").mkdir(exist_ok=True),
        problem=problem,
    )
    with running(server) as nats:
        yield Nats(nats, url, certificates)
