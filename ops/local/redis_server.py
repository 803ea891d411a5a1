"""The embedded Redis server."""

from pathlib import Path

from ops.local import asking, binaries
from ops.local.embedded import EmbeddedServer
from ops.local.ports import LOOPBACK

CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir "{directory}"
# All of it can be rebuilt from Postgres, so a second may be lost. But nothing is ever evicted:
# a missing counter would read as zero.
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
# The append-only file is enough; snapshots on top would write everything twice.
save ""
"""


def describe(directory: Path, *, port: int, password: str) -> EmbeddedServer:
    """A Redis server that keeps its append-only file in `directory`, on one loopback port."""
    config = directory / "redis.conf"

    def prepare() -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        config.touch(mode=0o600)
        config.write_text(CONFIG.format(host=LOOPBACK, port=port, password=password, directory=directory))

    def problem() -> str | None:
        answer = asking.talk(port, f"AUTH {password}\r\nPING\r\n".encode())
        if isinstance(answer, str):
            return answer
        lines = answer.decode(errors="replace").split("\r\n")
        refused = [line for line in lines if line.startswith("-")]
        return refused[0][1:] if refused else None

    return EmbeddedServer(
        name="redis",
        command=(str(binaries.redis_server()), str(config)),
        directory=directory,
        url=f"redis://:{password}@{LOOPBACK}:{port}/0",
        prepare=prepare,
        problem=problem,
    )
