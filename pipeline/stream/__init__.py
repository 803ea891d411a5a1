"""The only door to NATS JetStream.

`StreamConnection` connects and keeps the topology (topology.py) in place; `StreamPublisher` publishes with an
acknowledgement from disk; `BatchConsumer` pulls record batches; `DeadLetters` keeps what was refused;
`Backlog` and `StreamFillMetrics` tell what the streams hold.
"""

from pipeline.stream.connection import StreamConnection, StreamSettings
from pipeline.stream.consumer import BatchConsumer
from pipeline.stream.dead_letters import DEAD_LETTER_WINDOW, DeadLetters
from pipeline.stream.delivery import Delivery
from pipeline.stream.publisher import StreamPublisher
from pipeline.stream.state import Backlog, StreamFillMetrics

__all__ = [
    "DEAD_LETTER_WINDOW",
    "Backlog",
    "BatchConsumer",
    "DeadLetters",
    "Delivery",
    "StreamConnection",
    "StreamFillMetrics",
    "StreamPublisher",
    "StreamSettings",
]
