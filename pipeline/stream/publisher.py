"""Publishing with an acknowledgement from disk."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from pipeline.chassis import tracing
from pipeline.errors import StreamUnavailable
from pipeline.events.batch import MESSAGE_ID_HEADER, RecordBatch
from pipeline.stream.connection import StreamConnection
from pipeline.stream.topology import events_subject


class StreamPublisher:
    """Publishes messages; returns when JetStream has one on disk, raises StreamUnavailable when that is not known."""

    def __init__(self, connection: StreamConnection, window: int | None = None) -> None:
        """`window` messages may wait for their acknowledgement at the same time: by default PUBLISH_WINDOW."""
        self._connection = connection
        self._window = asyncio.Semaphore(window or connection.settings.publish_window)
        self._acknowledged_at = 0.0

    async def publish_batch(
        self,
        batch: RecordBatch,
        *,
        waiting_since: float | None = None,
        origins: Sequence[tracing.Span] | None = None,
    ) -> None:
        """Publishes a record batch to its source's subject. Raises StreamUnavailable.

        `origins` are the spans of the requests in it; by default the current one is the only one.
        """
        subject = events_subject(batch.source)
        name = f"publish {subject}"
        producer = (
            tracing.child(name, "producer") if origins is None else tracing.merging(origins, name, "producer")
        )
        with producer as span:
            if span is not None:
                span.describe({"sluice.events": len(batch.events)})
            await self._publish(subject, batch.payload(), batch.headers(), waiting_since, span)

    async def publish(
        self, subject: str, payload: bytes, headers: dict[str, str], *, waiting_since: float | None = None
    ) -> None:
        """One message. After StreamUnavailable it may be on disk all the same: a re-send must be harmless.

        `waiting_since` is when its sender began to wait, on the monotonic clock, if that was before this call: what
        it waited while nothing was acknowledged counts.
        """
        with tracing.child(f"publish {subject.partition('.')[0]}", "producer") as span:
            await self._publish(subject, payload, headers, waiting_since, span)

    async def _publish(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str],
        waiting_since: float | None,
        span: tracing.Span | None,
    ) -> None:
        if span is not None:
            headers = {**headers, **span.context.headers()}
            span.describe(_described(subject, payload, headers))
        waited_since = time.monotonic() if waiting_since is None else waiting_since
        try:
            async with self._place_in_window(waited_since):
                # Nothing was acknowledged since: who waited for a place waits no longer than who had one.
                waited = time.monotonic() - max(waited_since, self._acknowledged_at)
                with self._connection.answer_expected(waited) as scope:
                    async with scope:
                        # The scope is the timeout; the client's own only has to be longer.
                        answer = await self._connection.client.request(
                            subject, payload, timeout=60, headers=headers
                        )
                self._acknowledged_at = time.monotonic()
        except TimeoutError:
            raise StreamUnavailable("JetStream did not acknowledge in time") from None
        except NoRespondersError:
            raise StreamUnavailable("JetStream has no stream for this subject") from None
        except NatsError as error:
            raise StreamUnavailable(f"NATS: {error}") from error
        acknowledgement: dict[str, Any] = json.loads(answer.data)
        if refusal := acknowledgement.get("error"):
            raise StreamUnavailable(f"JetStream refused: {refusal.get('description', refusal)}")

    @asynccontextmanager
    async def _place_in_window(self, since: float) -> AsyncGenerator[None]:
        """Waits for a place as long as others are acknowledged. Raises TimeoutError when nothing moves any more."""
        patience = self._connection.settings.nats_request_timeout_seconds
        while self._window.locked():
            left = max(since, self._acknowledged_at) + patience - time.monotonic()
            try:
                async with asyncio.timeout(left):
                    await self._window.acquire()
                break
            except TimeoutError:
                if max(since, self._acknowledged_at) + patience <= time.monotonic():
                    raise
        else:
            await self._window.acquire()
        try:
            yield
        finally:
            self._window.release()


def _described(subject: str, payload: bytes, headers: dict[str, str]) -> dict[str, str | int]:
    """A message by the names of OpenTelemetry's conventions for messaging."""
    return {
        "messaging.system": "nats",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": subject,
        "messaging.message.id": headers.get(MESSAGE_ID_HEADER, ""),
        "messaging.message.body.size": len(payload),
    }
