from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.unit.gateway.fakes import RecordingPublisher, client_of, gateway_app


@pytest.fixture(scope="module")
def shared_gateway() -> tuple[Any, RecordingPublisher]:
    """A gateway with default settings. To assemble one takes longer than most tests."""
    publisher = RecordingPublisher()
    with pytest.MonkeyPatch.context() as monkeypatch:
        return gateway_app(monkeypatch, publisher), publisher


@pytest.fixture
def publisher(shared_gateway: tuple[Any, RecordingPublisher]) -> RecordingPublisher:
    """The publisher of that gateway, with nothing published yet."""
    publisher = shared_gateway[1]
    publisher.clear()
    return publisher


@pytest.fixture
async def client(shared_gateway: tuple[Any, RecordingPublisher]) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shared_gateway[0]) as client:
        yield client
