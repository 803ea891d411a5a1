"""The embedded Postgres server."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ops.local import account, binaries
from ops.local.embedded import EmbeddedServer
from ops.local.ports import LOOPBACK

CONFIG = binaries.ROOT / "ops" / "postgres" / "postgresql.conf"
DEFAULT_VERSION = 18
USER = "sluice"
DATABASE = "sluice"
INITDB_SECONDS = 120.0
PROBE_SECONDS = 3


class PostgresError(RuntimeError):
    """The database cluster could not be made. The text is what initdb said."""


def describe(
    directory: Path,
    *,
    port: int,
    password: str,
    version: int = DEFAULT_VERSION,
    settings: Mapping[str, str] | None = None,
) -> EmbeddedServer:
    """A Postgres server that keeps its data in `directory/<version>`, on one loopback port.

    `settings` go on top of `postgresql.conf`. The URL names the database `sluice`, which `database.ensure`
    creates.
    """
    data = directory / str(version)
    executable = binaries.postgres(version)

    def prepare() -> None:
        directory.mkdir(parents=True, exist_ok=True)
        account.hand_over(directory)
        directory.chmod(0o700)
        if not (data / "PG_VERSION").exists():
            _initialise(data, version, password)

    def problem() -> str | None:
        program = str(binaries.postgres(version, "pg_isready"))
        command = (program, "-h", LOOPBACK, "-p", str(port), "-t", str(PROBE_SECONDS))
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        return None if done.returncode == 0 else (done.stdout or done.stderr).strip()

    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "config_file": str(CONFIG),
        "listen_addresses": LOOPBACK,
        "port": str(port),
        **(settings or {}),
    }
    command = [*account.prefix_for(executable, directory.parent), str(executable), "-D", str(data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return EmbeddedServer(
        name="postgres",
        command=tuple(command),
        directory=directory,
        url=f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{DATABASE}",
        prepare=prepare,
        problem=problem,
        # "fast": ends sessions and writes a checkpoint, where SIGTERM would wait for every client to leave
        stop_signal=signal.SIGINT,
        stop_seconds=30.0,
    )


def _initialise(data: Path, version: int, password: str) -> None:
    """Make a database cluster. In a folder beside it, renamed at the end: what is interrupted is simply
    begun again."""
    fresh = data.with_name(f"{data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    initdb = binaries.postgres(version, "initdb")
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if version >= 17 else ()
    with tempfile.NamedTemporaryFile("w", dir=data.parent) as password_file:
        password_file.write(password)
        password_file.flush()
        account.hand_over(Path(password_file.name))
        command = (*account.prefix_for(initdb, data.parent), str(initdb), "-D", str(fresh), "-U", USER)
        options = (f"--pwfile={password_file.name}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(data.parent)}
        done = subprocess.run(
            (*command, *options, *locale, "--no-instructions"),
            capture_output=True,
            text=True,
            timeout=INITDB_SECONDS,
            cwd="/",
            env=environment,
            check=False,
        )
    if done.returncode != 0:
        raise PostgresError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    fresh.rename(data)
