from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.gateway.fakes import RecordingPublisher
from tests.unit.gateway.webhooks.made_up import Sender, acme_app, sender_to


@pytest.fixture
def publisher() -> RecordingPublisher:
    return RecordingPublisher()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher) -> Any:
    return acme_app(monkeypatch, publisher)


@pytest.fixture
async def sender(app: Any) -> AsyncIterator[Sender]:
    async with sender_to(app) as sender:
        yield sender
