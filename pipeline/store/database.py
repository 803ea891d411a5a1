"""Prisma Client Python with an error model: a caller sees StoreUnavailable, DataRejected, or a defect."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, LiteralString, Self, TypeVar, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import msgspec
import structlog
from prisma import Prisma
from prisma._raw_query import deserialize_raw_results
from prisma.engine.errors import EngineError
from prisma.errors import ClientNotConnectedError, DataError, HTTPClientClosedError, PrismaError

from pipeline.chassis.tls import require_file
from pipeline.errors import DataRejected, StoreUnavailable
from pipeline.store.bulk import query_with_bulk
from pipeline.store.statement_spans import statement_span

log = structlog.get_logger()

ResultT = TypeVar("ResultT")

# Data exceptions, integrity violations, and a value too large for an index: the same rows fail again and again.
_DATA_ERRORS = ("22", "23", "54")
_CHECK_VIOLATION = "23514"
# No such table, column, function or schema: the statements are ours, so it is the database that is behind.
_NOT_MIGRATED = ("42P01", "42703", "42883", "3F000")


_ENGINE_START_SECONDS = 15
_ENGINE_STOP = timedelta(seconds=1)


_TRANSACTION_WAIT_SECONDS = 5
_ONE_INSTANT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_FILES = ("sslrootcert", "sslcert", "sslkey", "sslidentity")

Query = Callable[..., Awaitable[list[dict[str, Any]]]]
"""`Database.query`, or one like it."""


class StoreSettings(msgspec.Struct, frozen=True):
    database_url: str
    """postgresql://user:password@host:port/database, with Prisma's parameters."""
    database_connections: int = 3
    """Connections that this process holds at most."""
    database_statement_timeout_seconds: float = 30.0
    """After this Postgres gives a statement up; it is tried again."""
    database_connect_timeout_seconds: float = 5.0
    """How long to wait for a connection before the store counts as away."""


class Database:
    """A client of one database. Use it as an async context manager, or call `connect` and `close`.

    Raises ConfigurationError when the URL names a file of certificates that is not there.
    """

    def __init__(self, settings: StoreSettings) -> None:
        # A statement's own limit ends it in Postgres; the client waits a little longer to hear of that.
        self._request_timeout = settings.database_statement_timeout_seconds + 5
        self._url = _with_parameters(settings)
        self._client = self._new_client()
        self._reconnecting = asyncio.Lock()

    def _new_client(self) -> Prisma:
        return Prisma(datasource={"url": self._url}, http={"timeout": httpx.Timeout(self._request_timeout)})

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Starts the query engine. Postgres itself may still be away."""
        await _start(self._client)

    async def close(self) -> None:
        """Ends the query engine and its connections."""
        if self._client.is_connected():
            await self._client.disconnect(timeout=_ENGINE_STOP)

    async def query(self, sql: LiteralString, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of a statement with parameters $1 to $n, each a dict by column name.

        Raises StoreUnavailable when it may succeed later, DataRejected when the data itself was refused.
        """
        with statement_span(sql):
            return await self._run(lambda client: client.query_raw(sql, *parameters))

    async def query_bulk(self, sql: LiteralString, *parameters: Any) -> list[dict[str, Any]]:
        """As `query`, for statements with parameters of megabytes, which are `BulkText`."""
        with statement_span(sql):
            answer = await self._run(lambda client: query_with_bulk(client, sql, parameters))
        return deserialize_raw_results(answer["data"]["result"])

    async def execute(self, sql: LiteralString, *parameters: Any) -> int:
        """Runs a statement without a result; returns the number of rows it touched. Raises as `query`."""
        with statement_span(sql):
            return await self._run(lambda client: client.execute_raw(sql, *parameters))

    @asynccontextmanager
    async def at_one_instant(self, timeout_seconds: float) -> AsyncGenerator[Query]:
        """Yields a `query` whose statements all see the database as it is at the first of them, and change nothing.

        It holds one of the connections, for so many seconds at most. Raises StoreUnavailable.
        """
        options = {
            "max_wait": timedelta(seconds=_TRANSACTION_WAIT_SECONDS),
            "timeout": timedelta(seconds=timeout_seconds),
        }
        manager = self._client.tx(**options)
        transaction = await self._run(lambda _: manager.start())

        async def query(sql: LiteralString, *parameters: Any) -> list[dict[str, Any]]:
            with statement_span(sql):
                return await self._run(lambda _: transaction.query_raw(sql, *parameters))

        try:
            await self._run(lambda _: transaction.execute_raw(_ONE_INSTANT))
            yield query
        finally:
            # It has changed nothing, and where the engine is away there is no transaction any more.
            with suppress(StoreUnavailable):
                await self._run(lambda _: manager.rollback())

    async def ping(self) -> str:
        """A readiness check."""
        await self.query("SELECT 1 AS one")
        return "answers"

    async def _run(self, call: Callable[[Prisma], Awaitable[ResultT]]) -> ResultT:
        client = self._client
        try:
            return await call(client)
        except DataError as error:
            raise _meaning(error) from error
        except (httpx.TransportError, HTTPClientClosedError, ClientNotConnectedError) as error:
            await self._replace(client)
            raise StoreUnavailable(f"the query engine does not answer: {type(error).__name__}") from error
        except (EngineError, PrismaError) as error:
            raise StoreUnavailable(str(error)) from error

    async def _replace(self, broken: Prisma) -> None:
        """A query engine that died is started anew, once for all callers that noticed."""
        async with self._reconnecting:
            if self._client is not broken:
                return
            log.warning("query_engine_restarting")
            if broken.is_connected():
                await broken.disconnect(timeout=_ENGINE_STOP)
            self._client = self._new_client()
            await _start(self._client)


async def _start(client: Prisma) -> None:
    """Starts the query engine. Raises StoreUnavailable when it does not answer in time."""
    try:
        async with asyncio.timeout(_ENGINE_START_SECONDS):
            # The client's own limit would have to be longer: past it, it waits without limit for the process to end.
            await client.connect(timeout=timedelta(seconds=10 * _ENGINE_START_SECONDS))
    except asyncio.CancelledError:
        await client.disconnect(timeout=_ENGINE_STOP)
        raise
    except (TimeoutError, EngineError, PrismaError, httpx.HTTPError, OSError) as error:
        await client.disconnect(timeout=_ENGINE_STOP)
        raise StoreUnavailable(f"the query engine does not start: {error or type(error).__name__}") from error


def _meaning(error: DataError) -> Exception:
    """What Prisma's error means. P2010 carries the SQLSTATE of a raw statement in its `meta`."""
    meta = cast("dict[str, Any]", error.meta or {})
    sqlstate = str(meta.get("code", ""))
    message = str(meta.get("message", error))
    # A row that waited for the default partition while its day's own was made no longer fits where it was bound: the
    # only check violation without a constraint's name. The next attempt finds the new partition.
    moved = sqlstate == _CHECK_VIOLATION and "constraint" not in meta
    if sqlstate.startswith(_DATA_ERRORS) and not moved:
        return DataRejected(sqlstate, message)
    if sqlstate in _NOT_MIGRATED:
        return StoreUnavailable(f"the database is not migrated yet: {message}")
    return StoreUnavailable(f"{error.code} {sqlstate} {message}".strip())


def _with_parameters(settings: StoreSettings) -> str:
    """The URL with our limits, unless it already names its own. Raises ConfigurationError."""
    parts = urlsplit(settings.database_url)
    given = dict(parse_qsl(parts.query))
    for name in _FILES:
        # A relative path is relative to the schema's folder, which is the query engine's business.
        if (path := given.get(name, "")).startswith("/"):
            require_file(f"DATABASE_URL: {name}", path)
    parameters = {
        "connection_limit": str(settings.database_connections),
        "connect_timeout": f"{settings.database_connect_timeout_seconds:g}",
        "pool_timeout": f"{settings.database_connect_timeout_seconds:g}",
        "statement_timeout": f"{settings.database_statement_timeout_seconds * 1000:.0f}",
        # Sums and joins of one batch stay in memory, and no statement here is worth compiling.
        "options": "-c work_mem=64MB -c jit=off",
        **given,
    }
    return urlunsplit(parts._replace(query=urlencode(parameters)))
