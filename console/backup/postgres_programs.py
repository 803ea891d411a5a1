"""pg_dump and pg_restore: Postgres' own programs, which know everything that a database may hold."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.errors import SluiceError

_READ_BYTES = 256 * 1024
_MESSAGE_CHARACTERS = 2000
_TLS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslkey": "PGSSLKEY"}


class ProgramFailed(SluiceError):
    """A program is missing or did not do it. The message is what it said."""


class PostgresPrograms:
    """`folder` has the programs; where it is empty they are looked for on the path of `environ`."""

    def __init__(self, url: str, folder: str, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**environ, **connection_variables(url)}

    def find(self, name: str) -> str:
        """The whole path of a program. Raises ProgramFailed."""
        place = self._folder or self._environment.get("PATH", "")
        if path := shutil.which(name, path=place):
            return path
        where = f"in {self._folder} (POSTGRES_PROGRAMS)" if self._folder else "on the path"
        raise ProgramFailed(
            f"there is no {name} {where}: install Postgres' client programs of the server's version or newer, "
            "or name their folder by POSTGRES_PROGRAMS"
        )

    async def dump(self, write: Callable[[bytes], object]) -> None:
        """Hands the whole database to `write`, as it is at the moment when this begins. Raises ProgramFailed."""
        command = (self.find("pg_dump"), "--format=custom", "--no-owner", "--no-password")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            limit=_READ_BYTES,
        )
        output = _pipe(process.stdout)
        messages = asyncio.create_task(_pipe(process.stderr).read())
        try:
            while chunk := await output.read(_READ_BYTES):
                write(chunk)
            await _expect_success(process, "pg_dump", await messages)
        finally:
            await _end(process)

    async def restore(self, dump: Path, *, privileges: bool) -> None:
        """Makes everything that a dump holds, or nothing, in a database without any of it. Raises ProgramFailed.

        With `privileges` every role that had any must be there.
        """
        command = (self.find("pg_restore"), "--single-transaction", "--exit-on-error", "--no-owner")
        database = f"--dbname={self._environment['PGDATABASE']}"
        process = await asyncio.create_subprocess_exec(
            *command,
            *(() if privileges else ("--no-privileges",)),
            "--no-password",
            database,
            str(dump),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        try:
            _, messages = await process.communicate()
            await _expect_success(process, "pg_restore", messages)
        finally:
            await _end(process)


def connection_variables(url: str) -> dict[str, str]:
    """Where a DATABASE_URL leads, as the variables of Postgres' programs: no command line shows the password."""
    parts = urlsplit(url)
    parameters = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found = {
        "PGHOST": parameters.get("host") or unquote(parts.hostname or "localhost"),
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or "postgres"),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")) or "postgres",
        "PGAPPNAME": "sluice backup",
    }
    found |= {variable: parameters[name] for name, variable in _TLS.items() if name in parameters}
    # With a key beside it `sslcert` is the client's certificate; alone it is the authority's, as Prisma has it.
    if certificate := parameters.get("sslcert"):
        found["PGSSLCERT" if "sslkey" in parameters else "PGSSLROOTCERT"] = certificate
    return found


def _pipe(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise RuntimeError("the program was started without this pipe")
    return stream


async def _expect_success(process: asyncio.subprocess.Process, name: str, messages: bytes) -> None:
    if status := await process.wait():
        text = messages.decode(errors="replace").strip()[-_MESSAGE_CHARACTERS:]
        raise ProgramFailed(f"{name} failed: {text or f'status {status}'}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
