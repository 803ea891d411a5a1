"""A record batch: the raw events of one source and one format in one JetStream message (DESIGN D1)."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

import msgspec

from pipeline.events.splitting import MalformedArray, split_array

MAX_BATCH_EVENTS = 500
MAX_BATCH_BYTES = 256 * 1024

FORMAT_HEADER = "Sluice-Format"
RECEIVED_AT_HEADER = "Sluice-Received-At"
CORRELATION_HEADER = "Sluice-Correlation"
REPLAYS_HEADER = "Sluice-Replays"
MESSAGE_ID_HEADER = "Nats-Msg-Id"

_elements = msgspec.json.Decoder(list[msgspec.Raw])


class MalformedBatch(Exception):
    """A message that is no record batch: another program published it."""


class RecordBatch(msgspec.Struct, frozen=True):
    """Events of one source and one format, as they came, and what is known about all of them.

    `correlation` tells which request an event came with: (correlation id, number of events), in order.
    `received_at` is when the first of the batch was accepted. `replays` is how often its events were dead letters
    before: 0 unless the batch was made by a replay.
    """

    source: str
    format: str
    events: Sequence[msgspec.Raw]
    received_at: datetime
    correlation: Sequence[tuple[str, int]]
    replays: int = 0

    def payload(self) -> bytes:
        """The message's body: a JSON array, spliced and not re-encoded."""
        return b"[%b]" % b",".join(self.events)

    def headers(self) -> dict[str, str]:
        """The message's headers. The message id is new with each call: keep it when publishing again."""
        headers = {
            MESSAGE_ID_HEADER: uuid.uuid4().hex,
            FORMAT_HEADER: self.format,
            RECEIVED_AT_HEADER: self.received_at.isoformat(),
            CORRELATION_HEADER: ",".join(f"{name}*{count}" for name, count in self.correlation),
        }
        if self.replays:
            headers[REPLAYS_HEADER] = str(self.replays)
        return headers

    def correlation_of(self, index: int) -> str:
        """The correlation id of the event at this index; empty when the publisher gave none."""
        for name, count in self.correlation:
            index -= count
            if index < 0:
                return name
        return ""


def read_batch(source: str, payload: bytes, headers: Mapping[str, str]) -> RecordBatch:
    """The batch in a message. Raises MalformedBatch, for another program may publish anything."""
    try:
        return RecordBatch(
            source=source,
            format=headers[FORMAT_HEADER],
            events=_split(payload),
            received_at=datetime.fromisoformat(headers[RECEIVED_AT_HEADER]).astimezone(),
            correlation=_read_correlation(headers.get(CORRELATION_HEADER, "")),
            replays=int(headers.get(REPLAYS_HEADER, "0")),
        )
    except KeyError as error:
        raise MalformedBatch(f"header {error} is missing") from None
    except (MalformedArray, ValueError, OverflowError) as error:
        raise MalformedBatch(str(error)) from None


def _split(payload: bytes) -> list[msgspec.Raw]:
    try:
        return _elements.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        # One bad event, half a surrogate pair perhaps, spoils the whole for the decoder, but not its neighbours.
        return list(chain.from_iterable(split_array(payload)))


def _read_correlation(text: str) -> list[tuple[str, int]]:
    spans = (part.rpartition("*") for part in text.split(",") if part)
    return [(name, int(count)) for name, _, count in spans]


def pack(events: Iterable[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    """Groups events so that each group makes one batch within the limits of its size."""
    group: list[msgspec.Raw] = []
    size = 0
    for event in events:
        length = len(memoryview(event)) + 1
        if group and (len(group) == MAX_BATCH_EVENTS or size + length > MAX_BATCH_BYTES):
            yield group
            group, size = [], 0
        group.append(event)
        size += length
    if group:
        yield group
