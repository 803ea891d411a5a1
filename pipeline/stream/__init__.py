"""The only door to NATS JetStream.

`StreamConnection` connects and keeps the topology (topology.py) in place; `StreamPublisher` publishes with an
acknowledgement from disk; `BatchConsumer` pulls record batches; `DeadLetters` keeps what was refused,
`DeadLetterArchive` looks at it and takes it out, `Replayer` tries it again;
`NotificationPublisher` tells people something, `NotificationFeed` hears all that they are told,
`read_missed` reads what somebody has missed;
`Backlog` and `StreamFillMetrics` tell what the streams hold.
"""

from pipeline.stream.connection import StreamConnection, StreamSettings
from pipeline.stream.consumer import BatchConsumer
from pipeline.stream.dead_letter_archive import DeadLetterArchive, LetterCount, UnclearId
from pipeline.stream.dead_letter_filter import DeadLetterFilter
from pipeline.stream.dead_letters import DEAD_LETTER_WINDOW, DeadLetters
from pipeline.stream.delivery import Delivery
from pipeline.stream.notification_backlog import read_missed
from pipeline.stream.notification_feed import Bounds, NotificationFeed, StoredNotice
from pipeline.stream.notifications import Notice, NotificationPublisher, encode_body
from pipeline.stream.publisher import StreamPublisher
from pipeline.stream.replay import REPLAY_WINDOW, Replayer, ReplayTally
from pipeline.stream.state import Backlog, StreamFillMetrics
from pipeline.stream.topology import topic_subject, user_subject

__all__ = [
    "DEAD_LETTER_WINDOW",
    "REPLAY_WINDOW",
    "Backlog",
    "BatchConsumer",
    "Bounds",
    "DeadLetterArchive",
    "DeadLetterFilter",
    "DeadLetters",
    "Delivery",
    "LetterCount",
    "Notice",
    "NotificationFeed",
    "NotificationPublisher",
    "ReplayTally",
    "Replayer",
    "StoredNotice",
    "StreamConnection",
    "StreamFillMetrics",
    "StreamPublisher",
    "StreamSettings",
    "UnclearId",
    "encode_body",
    "read_missed",
    "topic_subject",
    "user_subject",
]
