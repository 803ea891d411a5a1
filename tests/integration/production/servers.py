"""The servers of the production overlay on this machine, with its own files; only the addresses differ."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import trustme

from ops.local import asking, binaries, database, servers
from ops.local.embedded import EmbeddedServer
from ops.local.ports import choose_free
from ops.local.running import RunningServer, running
from tests.integration.production.tls_front import tls_front
from tests.servers import FAST_AND_UNSAFE

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
    config.write_text(
        text.replace("/run/tls/tls", "/run/tls/nats").replace("/run/tls", str(certificates.folder))
    )
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


PASSWORDS = {
    name: f"{name.lower().replace('_', '-')}-of-this-test"
    for name in (
        *(
            f"POSTGRES_{role}_PASSWORD"
            for role in ("OWNER", "COLLECTOR", "ALERTS", "REPORTER", "CONSOLE", "EXPORTER")
        ),
        "GRAFANA_POSTGRES_PASSWORD",
        *(f"REDIS_{user}_PASSWORD" for user in ("COLLECTOR", "GATEWAY", "CONSOLE", "GRAFANA", "EXPORTER")),
    )
}


@dataclass(frozen=True)
class Postgres:
    """A running Postgres behind TLS, with the roles of production, migrated by the owner."""

    server: RunningServer
    certificates: Certificates
    tls_port: int

    def url(self, role: str, *, authority: Path | None = None, host: str = "localhost") -> str:
        """Where a program of this role connects: `collector`, `reporter` and so on."""
        password = PASSWORDS[f"POSTGRES_{role.upper()}_PASSWORD"]
        query = f"sslmode=verify-full&sslrootcert={authority or self.certificates.authority}"
        name = urlsplit(self.server.url).path
        return f"postgresql://sluice_{role}:{password}@{host}:{self.tls_port}{name}?{query}"

    def run_file(self, name: str) -> None:
        """`psql --file=ops/postgres/<name>` as the superuser, with all passwords in the environment."""
        parts = urlsplit(self.server.url)
        connection = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(parts.port),
            "PGUSER": parts.username or "",
            "PGPASSWORD": parts.password or "",
            "PGDATABASE": parts.path.lstrip("/"),
        }
        psql = (str(binaries.postgres(18, "psql")), "--no-psqlrc", "-q", f"--file={OPS / 'postgres' / name}")
        done = subprocess.run(
            psql, env={**os.environ, **PASSWORDS, **connection}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def running_postgres(folder: Path, certificates: Certificates) -> Iterator[Postgres]:
    """With the roles and grants of ops/postgres; the tables are the owner's."""
    with running(servers.postgres(folder, settings=FAST_AND_UNSAFE)) as server:
        port = urlsplit(server.url).port or 0
        with tls_front(port, *certificates.issue("postgres", "localhost"), postgres=True) as tls_port:
            database.ensure(server.url)
            postgres = Postgres(server, certificates, tls_port)
            postgres.run_file("roles.sql")
            database.migrate(postgres.url("owner"))
            postgres.run_file("grants.sql")
            yield postgres


@dataclass(frozen=True)
class Redis:
    """A running Redis behind TLS, with the users of production."""

    server: RunningServer
    certificates: Certificates
    port: int
    tls_port: int

    def settings(self, user: str) -> dict[str, str]:
        """Environment variables for a program of this user."""
        password = PASSWORDS[f"REDIS_{user.upper()}_PASSWORD"]
        url = f"rediss://{user}:{password}@localhost:{self.tls_port}/0"
        return {"REDIS_URL": url, "REDIS_TLS_CA": str(self.certificates.authority)}

    def plain_url(self, user: str) -> str:
        """Past TLS, for a test's own client."""
        return f"redis://{user}:{PASSWORDS[f'REDIS_{user.upper()}_PASSWORD']}@127.0.0.1:{self.port}/0"


@contextmanager
def running_redis(folder: Path, certificates: Certificates) -> Iterator[Redis]:
    """ops/redis/users.acl.in, made by users.sh. Redis 6 knows no keys for reading only: it gets them for all."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["sh", str(OPS / "redis" / "users.sh")],
        env={"PATH": os.environ.get("PATH", os.defpath), **PASSWORDS},
        capture_output=True,
        text=True,
        check=True,
    )
    users = folder / "users.acl"
    users.write_text(made.stdout.replace("%R~", "~"))
    port = choose_free()

    def problem() -> str | None:
        answer = asking.talk(port, b"AUTH health any\r\nPING\r\n")
        return answer if isinstance(answer, str) else None if b"PONG" in answer else answer.decode()

    command = [str(binaries.redis_server()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--aclfile", str(users), "--save", ""]
    server = EmbeddedServer(
        name="redis",
        command=tuple(command),
        directory=folder,
        url=f"redis://127.0.0.1:{port}",
        prepare=lambda: None,
        problem=problem,
    )
    certificate, key = certificates.issue("redis", "localhost")
    with running(server) as redis, tls_front(port, certificate, key) as tls_port:
        yield Redis(redis, certificates, port, tls_port)
