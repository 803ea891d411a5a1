"""A database with the real store before it and an evaluator behind it, at times that a test chooses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from alerts.evaluation import Evaluator
from alerts.raising import Contested, Raising
from alerts.rule_file import RuleFile
from alerts.settings import AlertSettings
from alerts.telemetry import SERVICE, AlertTelemetry
from ops.local import prisma_cli
from ops.local.servers import RunningServer
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.events.record import EventRecord
from pipeline.store import Database, EventStore, StoreSettings
from pipeline.store.social import SOCIAL
from pipeline.stream import StreamConnection, StreamSettings
from pipeline.stream.topology import DEAD_LETTERS, NOTIFICATIONS, ensure_topology

NOON = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def prisma_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Prisma Client Python finds the query engine."""
    for name, value in prisma_cli.environment().items():
        monkeypatch.setenv(name, value)


class System:
    """What a collector and the evaluators of an installation do, without their loops."""

    def __init__(self, database: Database, connection: StreamConnection, look: asyncpg.Connection) -> None:
        self.database = database
        self.look = look
        self.rules_file = ""
        self._connection = connection
        self._store = EventStore(database, "social", asyncio.Event(), SOCIAL)
        self._evaluator: Evaluator | None = None

    async def store(self, actions: Sequence[EventRecord]) -> None:
        """In batches, as a collector does."""
        for start in range(0, len(actions), 500):
            await self._store.write(actions[start : start + 500])

    def new_evaluator(self, database: Database | None = None) -> Evaluator:
        """One that has just been started."""
        telemetry = AlertTelemetry(ServiceMetrics(SERVICE))
        settings = AlertSettings(alert_rules_file=self.rules_file, alert_sources_interval_seconds=0.0)
        database = database or self.database
        raising = Raising(database, ["notifications"], telemetry)
        return Evaluator(
            database, self._connection, RuleFile(settings, telemetry), raising, settings, telemetry
        )

    def restart(self) -> None:
        """The next turn is that of an evaluator that remembers nothing."""
        self._evaluator = None

    async def look_at(self, at: datetime) -> None:
        """The evaluator's turns at that time, until there is nothing more to look at."""
        self._evaluator = self._evaluator or self.new_evaluator()
        while await self._evaluator.turn(at):
            pass

    async def alerts(self, kind: str = "FRAUD") -> list[dict[str, Any]]:
        """All alerts of a kind, in the order in which they were raised."""
        rows = await self.look.fetch("SELECT * FROM alerts WHERE kind = $1 ORDER BY id", kind)
        return [dict(row) for row in rows]

    async def deliveries(self, kind: str = "FRAUD") -> list[tuple[str, str]]:
        """What is to be told of alerts of a kind: the phase and the kind."""
        rows = await self.look.fetch(
            """SELECT phase, kind FROM alert_deliveries JOIN alerts ON alerts.id = alert_id
               WHERE kind = $1 ORDER BY alert_id, phase DESC""",
            kind,
        )
        return [(row["phase"], row["kind"]) for row in rows]


async def turn_unless_contested(evaluator: Evaluator, at: datetime) -> None:
    """Somebody else may have been faster."""
    try:
        while await evaluator.turn(at):
            pass
    except Contested:
        pass


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Reads the tables, past everything of ours."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


OpenDatabase = Callable[[], Awaitable[Database]]


@pytest.fixture
async def open_database(database_url: str) -> AsyncIterator[OpenDatabase]:
    """Opens databases as processes do, each with a query engine of its own."""
    opened: list[Database] = []

    async def open_one() -> Database:
        opened.append(Database(StoreSettings(database_url)))
        await opened[-1].connect()
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture
async def connection(nats_server: RunningServer) -> AsyncIterator[StreamConnection]:
    """To a NATS whose streams are there and empty."""
    settings = StreamSettings(nats_url=nats_server.url)
    connection = StreamConnection(settings, "test")
    await connection.open()
    await ensure_topology(connection.jetstream, settings)
    for stream in (DEAD_LETTERS, NOTIFICATIONS):
        await connection.jetstream.purge_stream(stream)
    yield connection
    await connection.close()


@pytest.fixture
async def system(
    open_database: OpenDatabase, connection: StreamConnection, look: asyncpg.Connection, tmp_path: Path
) -> System:
    return System(await open_database(), connection, look)
