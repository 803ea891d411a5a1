"""The only door to NATS JetStream.

`StreamConnection` connects and keeps the topology (topology.py) in place; `StreamPublisher` publishes with an
acknowledgement from disk; `BatchConsumer` pulls record batches; `DeadLetters` keeps what was refused,
`DeadLetterArchive` looks at it and takes it out, `Replayer` tries it again;
`Backlog` and `StreamFillMetrics` tell what the streams hold.
"""

from pipeline.stream.connection import StreamConnection, StreamSettings
from pipeline.stream.consumer import BatchConsumer
from pipeline.stream.dead_letter_archive import DeadLetterArchive, LetterCount, UnclearId
from pipeline.stream.dead_letter_filter import DeadLetterFilter
from pipeline.stream.dead_letters import DEAD_LETTER_WINDOW, DeadLetters
from pipeline.stream.delivery import Delivery
from pipeline.stream.publisher import StreamPublisher
from pipeline.stream.replay import REPLAY_WINDOW, Replayer, ReplayTally
from pipeline.stream.state import Backlog, StreamFillMetrics

__all__ = [
    "DEAD_LETTER_WINDOW",
    "REPLAY_WINDOW",
    "Backlog",
    "BatchConsumer",
    "DeadLetterArchive",
    "DeadLetterFilter",
    "DeadLetters",
    "Delivery",
    "LetterCount",
    "ReplayTally",
    "Replayer",
    "StreamConnection",
    "StreamFillMetrics",
    "StreamPublisher",
    "StreamSettings",
    "UnclearId",
]
