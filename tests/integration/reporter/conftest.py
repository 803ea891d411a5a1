"""A migrated database with the reporter's two pools, and the app over it without a network."""

from collections.abc import AsyncIterator

import httpx
import pytest

from collectors.registry import SOURCES
from ops.local import prisma_cli
from pipeline.events.vocabulary import Vocabulary, vocabulary_of
from pipeline.store import Database, StoreSettings
from reporter.app import create_reporter
from reporter.fold_loop import FoldLoop
from reporter.settings import ReporterSettings
from tests.integration.reporter.folds import make_fold_loop


@pytest.fixture(autouse=True)
def prisma_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Prisma Client Python finds the query engine."""
    for name, value in prisma_cli.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def vocabulary() -> Vocabulary:
    return vocabulary_of(SOURCES)


@pytest.fixture
def settings() -> ReporterSettings:
    return ReporterSettings(roll_up_after_seconds=0.0)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(StoreSettings(database_url=database_url)) as database:
        yield database


@pytest.fixture
async def client(
    vocabulary: Vocabulary, settings: ReporterSettings, database: Database
) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the reporter. Nothing is folded unless a test does it."""
    app, _ = create_reporter(vocabulary, settings, database, database)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://reporter") as client:
        yield client


@pytest.fixture
def fold_loop(vocabulary: Vocabulary, settings: ReporterSettings, database: Database) -> FoldLoop:
    """The fold of one reporter; call `fold_source`."""
    return make_fold_loop(vocabulary, settings, database)
