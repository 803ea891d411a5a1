"""The embedded servers, for whoever needs a real one: tests, benchmarks, experiments.

    from ops.local import servers

    with servers.running(servers.nats(folder)) as nats:
        connect(nats.url)
        nats.kill()          # SIGKILL; also pause(), resume(), restart()
        nats.start()         # back, with its data, and ready

`nats`, `postgres` and `redis` describe a server in a folder of its own, on a free port, with a random
password. The folder may be empty or hold the data of an earlier run. Under the process manager the same
descriptions are used.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from ops.local import nats_server, postgres_server, redis_server
from ops.local.embedded import EmbeddedServer
from ops.local.ports import choose_free
from ops.local.running import RunningServer, running

__all__ = ["EmbeddedServer", "RunningServer", "nats", "new_password", "postgres", "redis", "running"]


def new_password() -> str:
    """A password that needs no quoting anywhere: not in a URL, not in a configuration file."""
    return f"s{secrets.token_hex(16)}"


def nats(folder: Path) -> EmbeddedServer:
    """NATS with JetStream, its streams in `folder/nats`."""
    port = choose_free()
    return nats_server.describe(
        folder / "nats", port=port, monitor_port=choose_free({port}), password=new_password()
    )


def postgres(
    folder: Path,
    *,
    version: int = postgres_server.DEFAULT_VERSION,
    password: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> EmbeddedServer:
    """Postgres with its data in `folder/postgres`. Data of an earlier run needs the `password` of that
    run."""
    return postgres_server.describe(
        folder / "postgres",
        port=choose_free(),
        password=password or new_password(),
        version=version,
        settings=settings,
    )


def redis(folder: Path) -> EmbeddedServer:
    """Redis with its append-only file in `folder/redis`."""
    return redis_server.describe(folder / "redis", port=choose_free(), password=new_password())
