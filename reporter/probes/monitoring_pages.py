"""What is read here of the pages on which a NATS server tells of itself, `/varz` and `/jsz`."""

from collections.abc import Sequence

import msgspec


class Varz(msgspec.Struct, frozen=True):
    """The server. Totals are since its start."""

    server_name: str = ""
    connections: float = 0
    total_connections: float = 0
    subscriptions: float = 0
    slow_consumers: float = 0
    mem: float = 0
    cpu: float = 0
    in_msgs: float = 0
    out_msgs: float = 0
    in_bytes: float = 0
    out_bytes: float = 0


class Group(msgspec.Struct, frozen=True):
    """Who keeps something in a cluster. A server without a cluster says nothing of it."""

    name: str = ""
    leader: str = ""


class Position(msgspec.Struct, frozen=True):
    consumer_seq: float = 0
    stream_seq: float = 0


class ConsumerConfig(msgspec.Struct, frozen=True):
    description: str = ""


class ConsumerDetail(msgspec.Struct, frozen=True):
    """A consumer."""

    name: str
    config: ConsumerConfig = ConsumerConfig()
    cluster: Group | None = None
    delivered: Position = Position()
    ack_floor: Position = Position()
    num_ack_pending: float = 0
    num_redelivered: float = 0
    num_waiting: float = 0
    num_pending: float = 0


class StreamConfig(msgspec.Struct, frozen=True):
    max_bytes: float = -1
    max_msgs: float = -1


class StreamState(msgspec.Struct, frozen=True):
    messages: float = 0
    bytes: float = 0
    first_seq: float = 0
    last_seq: float = 0
    consumer_count: float = 0
    num_subjects: float = 0


class StreamDetail(msgspec.Struct, frozen=True):
    """A stream and its consumers."""

    name: str
    config: StreamConfig = StreamConfig()
    cluster: Group | None = None
    state: StreamState = StreamState()
    stream_raft_group: str = ""
    consumer_detail: Sequence[ConsumerDetail] | None = None


class Account(msgspec.Struct, frozen=True):
    name: str = ""
    id: str = ""
    stream_detail: Sequence[StreamDetail] | None = None


class JetStreamConfig(msgspec.Struct, frozen=True):
    max_memory: float = 0
    max_storage: float = 0
    domain: str = ""


class Jsz(msgspec.Struct, frozen=True):
    """JetStream on this server."""

    disabled: bool = False
    config: JetStreamConfig = JetStreamConfig()
    streams: float = 0
    consumers: float = 0
    messages: float = 0
    bytes: float = 0
    meta_cluster: Group | None = None
    account_details: Sequence[Account] | None = None
