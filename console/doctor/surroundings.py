"""What the checks look at: the environment, this folder, and one connection to each server that answers."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, Self, TypeVar

import httpx
import msgspec

from console.settings import ConsoleSettings
from pipeline.chassis.settings import load_settings
from pipeline.errors import SluiceError, StoreUnavailable, StreamUnavailable
from pipeline.live import LiveConnection, LiveSettings
from pipeline.store import Database, StoreSettings
from pipeline.stream import StreamSettings
from pipeline.stream.inspection import StreamInspection, inspect_streams

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder."""

_TIMEOUT_SECONDS = 8.0
"""Nobody waits for a doctor who is in a hurry: what is slow is slow, and not away."""


class Surroundings:
    """An async context manager. `away` says of each server that did not answer why; its connection is missing then."""

    def __init__(self, settings: ConsoleSettings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.environ = environ
        self.away: dict[str, str] = {}
        self.asking = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._database: Database | None = None
        self._streams: StreamInspection | None = None
        self._redis: LiveConnection | None = None
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self.asking)
        await asyncio.gather(self._connect_postgres(), self._connect_nats(), self._connect_redis())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def load(self, kind: type[SettingsT]) -> SettingsT:
        """The settings of one concern. Raises ConfigurationError."""
        return load_settings(kind, self.environ)

    @property
    def streams(self) -> StreamInspection:
        """Raises StreamUnavailable when NATS is away."""
        if self._streams is None:
            raise StreamUnavailable(self.away["nats"])
        return self._streams

    @property
    def redis(self) -> LiveConnection | None:
        """None when there is none to be had."""
        return self._redis

    async def query(self, sql: LiteralString, *parameters: Any) -> Sequence[dict[str, Any]]:
        """The rows of a statement. Raises StoreUnavailable, DataRejected."""
        if self._database is None:
            raise StoreUnavailable(self.away["postgres"])
        return await self._database.query(sql, *parameters)

    async def _connect_postgres(self) -> None:
        try:
            settings = msgspec.structs.replace(
                self.load(StoreSettings),
                database_connections=1,
                database_statement_timeout_seconds=_TIMEOUT_SECONDS,
                database_connect_timeout_seconds=_TIMEOUT_SECONDS,
            )
            database = await self._open.enter_async_context(Database(settings))
            async with asyncio.timeout(_TIMEOUT_SECONDS + 1):
                await database.ping()
            self._database = database
        except SluiceError as error:
            self.away["postgres"] = " ".join(str(error).split())
        except TimeoutError:
            self.away["postgres"] = "no answer in time"

    async def _connect_nats(self) -> None:
        try:
            settings = self.load(StreamSettings)
            patient = max(settings.nats_request_timeout_seconds, _TIMEOUT_SECONDS)
            settings = msgspec.structs.replace(settings, nats_request_timeout_seconds=patient)
            self._streams = await self._open.enter_async_context(inspect_streams(settings, "console"))
        except SluiceError as error:
            self.away["nats"] = str(error).removeprefix("NATS: ")

    async def _connect_redis(self) -> None:
        try:
            settings = self.load(LiveSettings)
            if not settings.redis_url:
                self.away["redis"] = "REDIS_URL is not set"
                return
            connection = LiveConnection(settings, "console")
            self._open.push_async_callback(connection.close)
            await connection.ping()
            self._redis = connection
        except SluiceError as error:
            self.away["redis"] = str(error)
