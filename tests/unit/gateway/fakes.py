"""A gateway whose stream is a list: what it acknowledges can be looked at, held back and refused."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import msgspec
import pytest

from collectors.registry import SOURCES
from gateway.app import create_gateway
from gateway.settings import GatewaySettings
from pipeline.chassis.tracing import Span
from pipeline.events.batch import RecordBatch
from pipeline.events.dead_letter import DeadLetter
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings


class RecordingPublisher(StreamPublisher):
    """Acknowledges everything at once, or refuses everything while there is a `failure`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.batches: list[RecordBatch] = []
        self.letters: list[DeadLetter] = []
        self.letter_subjects: list[str] = []
        self.failure: Exception | None = None

    async def publish_batch(
        self,
        batch: RecordBatch,
        *,
        waiting_since: float | None = None,
        origins: Sequence[Span] | None = None,
    ) -> None:
        if self.failure:
            raise self.failure
        self.batches.append(batch)

    async def publish(
        self, subject: str, payload: bytes, headers: dict[str, str], *, waiting_since: float | None = None
    ) -> None:
        if self.failure:
            raise self.failure
        self.letter_subjects.append(subject)
        self.letters.extend(msgspec.json.decode(payload, type=list[DeadLetter]))

    @property
    def published(self) -> list[bytes]:
        """The raw events of all batches."""
        return [bytes(event) for batch in self.batches for event in batch.events]


class HeldPublisher(RecordingPublisher):
    """Acknowledges a batch when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: list[asyncio.Future[None]] = []

    async def publish_batch(
        self,
        batch: RecordBatch,
        *,
        waiting_since: float | None = None,
        origins: Sequence[Span] | None = None,
    ) -> None:
        self.batches.append(batch)
        answer = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        await answer

    def acknowledge(self, number: int) -> None:
        self._answers[number].set_result(None)

    def refuse(self, number: int, error: Exception) -> None:
        self._answers[number].set_exception(error)


async def until(condition: Callable[[], bool]) -> None:
    """Lets everything else run until the condition holds."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come about")


def gateway_app(monkeypatch: pytest.MonkeyPatch, publisher: StreamPublisher, **settings: Any) -> Any:
    """The real app, with another publisher."""
    monkeypatch.setattr("gateway.app.StreamPublisher", lambda *_: publisher)
    connection = StreamConnection(StreamSettings(), "test")
    app, _loops = create_gateway(SOURCES, GatewaySettings(**settings), connection)
    return app


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway")
