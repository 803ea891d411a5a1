"""A private Postgres for the engine's tests: the embedded server, with what these tests do to it."""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ops.local import account, database, servers
from ops.local.servers import RunningServer
from tests.servers import FAST_AND_UNSAFE

VERSION = int(os.environ.get("ENGINE_TEST_POSTGRES", "18"))
"""The wheel carries 16 and 18."""


class PostgresServer:
    """One server, listening on a free TCP port and on a socket in a directory of its own."""

    def __init__(self, running: RunningServer, sockets: Path) -> None:
        self._running = running
        self._sockets = sockets

    def url(self, name: str = "postgres", **parameters: object) -> str:
        query = "&".join(f"{parameter}={value}" for parameter, value in parameters.items())
        return f"{database.with_name(self._running.url, name)}?{query}"

    def socket_url(self) -> str:
        parts = urlsplit(self.url())
        login = f"{parts.username}:{parts.password}"
        return f"postgresql://{login}@localhost:{parts.port}/postgres?host={self._sockets}"

    def start(self) -> None:
        """Returns when it answers."""
        self._running.start()

    def kill(self) -> None:
        """As a crash does it: every connection is cut, nothing is written."""
        self._running.kill()

    def freeze(self) -> None:
        """As a lost host does it: connections stay open, and nobody answers."""
        self._running.pause()

    def resume(self) -> None:
        self._running.resume()

    def sql(self, statement: str) -> str:
        """The rows of a statement, one a line."""
        return database.statement(database.with_name(self._running.url, "postgres"), statement, VERSION)


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """A server that is gone with its data when the test is over."""
    # The path of a socket may have about a hundred characters, which pytest's own folders can exceed.
    folder = Path(tempfile.mkdtemp(prefix="engine-pg-"))
    try:
        folder.chmod(0o755)
        sockets = folder / "sockets"
        sockets.mkdir()
        account.hand_over(sockets)
        settings = {**FAST_AND_UNSAFE, "unix_socket_directories": str(sockets)}
        with servers.running(servers.postgres(folder, version=VERSION, settings=settings)) as running:
            yield PostgresServer(running, sockets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
