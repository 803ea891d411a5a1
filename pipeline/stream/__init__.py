"""The only door to NATS JetStream.

`StreamConnection` connects and keeps the topology (topology.py) in place; `StreamPublisher` publishes with an
acknowledgement from disk; `BatchConsumer` pulls record batches; `DeadLetters` keeps what was refused.
"""

from pipeline.stream.connection import StreamConnection, StreamSettings
from pipeline.stream.consumer import BatchConsumer
from pipeline.stream.dead_letters import DeadLetters
from pipeline.stream.delivery import Delivery
from pipeline.stream.publisher import StreamPublisher

__all__ = [
    "BatchConsumer",
    "DeadLetters",
    "Delivery",
    "StreamConnection",
    "StreamPublisher",
    "StreamSettings",
]
