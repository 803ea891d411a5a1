"""Streams and consumers as prometheus-nats-exporter tells of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import Metric

from reporter.probes.monitoring_pages import ConsumerDetail, Group, Jsz, StreamDetail
from reporter.probes.probe import gauge


def jetstream_metrics(server_id: str, server_name: str, jsz: Jsz) -> Iterator[Metric]:
    """Gauges of the server, its streams and their consumers."""
    meta = jsz.meta_cluster
    server = {
        "server_id": server_id,
        "server_name": server_name,
        "cluster": meta.name if meta else "",
        "domain": jsz.config.domain,
        **_leader("meta", meta, server_name),
    }
    of_server = {
        "jetstream_disabled": ("Whether JetStream is off", float(jsz.disabled)),
        "max_memory": ("Memory that JetStream may take", jsz.config.max_memory),
        "max_storage": ("Disk space that JetStream may take", jsz.config.max_storage),
        "total_streams": ("Streams", jsz.streams),
        "total_consumers": ("Consumers", jsz.consumers),
        "total_messages": ("Messages in all streams", jsz.messages),
        "total_message_bytes": ("Bytes in all streams", jsz.bytes),
    }
    for name, (documentation, value) in of_server.items():
        yield gauge(f"jetstream_server_{name}", documentation, [(server, value)])
    streams = [
        ({**server, **_account_and_stream(account.name, account.id, stream, server_name)}, stream)
        for account in jsz.account_details or ()
        for stream in account.stream_detail or ()
    ]
    yield from _of_streams(streams)
    yield from _of_consumers(
        [
            ({**labels, **_consumer(consumer, server_name)}, consumer)
            for labels, stream in streams
            for consumer in stream.consumer_detail or ()
        ]
    )


def _account_and_stream(account: str, account_id: str, stream: StreamDetail, here: str) -> Mapping[str, str]:
    return {
        "account": account,
        "account_name": account,
        "account_id": account_id,
        "stream_name": stream.name,
        "stream_raft_group": stream.stream_raft_group,
        **_leader("stream", stream.cluster, here),
    }


def _consumer(consumer: ConsumerDetail, here: str) -> Mapping[str, str]:
    return {
        "consumer_name": consumer.name,
        "consumer_desc": consumer.config.description,
        **_leader("consumer", consumer.cluster, here),
    }


def _leader(kind: str, group: Group | None, here: str) -> Mapping[str, str]:
    """Without a cluster this server leads, and there is no name to give."""
    leader = group.leader if group else ""
    return {
        f"{kind}_leader": leader,
        f"is_{kind}_leader": "true" if group is None or leader == here else "false",
    }


def _of_streams(streams: Sequence[tuple[Mapping[str, str], StreamDetail]]) -> Iterator[Metric]:
    figures: Mapping[str, tuple[str, Callable[[StreamDetail], float]]] = {
        "total_messages": ("Messages in the stream", lambda each: each.state.messages),
        "total_bytes": ("Bytes in the stream", lambda each: each.state.bytes),
        "first_seq": ("Number of its first message", lambda each: each.state.first_seq),
        "last_seq": ("Number of its last message", lambda each: each.state.last_seq),
        "consumer_count": ("Consumers of the stream", lambda each: each.state.consumer_count),
        "subject_count": ("Subjects in the stream", lambda each: each.state.num_subjects),
        "limit_bytes": ("Bytes that it may hold; -1 without a limit", lambda each: each.config.max_bytes),
        "limit_messages": ("Messages that it may hold; -1 without", lambda each: each.config.max_msgs),
    }
    for name, (documentation, figure) in figures.items():
        samples = [(labels, figure(stream)) for labels, stream in streams]
        yield gauge(f"jetstream_stream_{name}", documentation, samples)


def _of_consumers(consumers: Sequence[tuple[Mapping[str, str], ConsumerDetail]]) -> Iterator[Metric]:
    figures: Mapping[str, tuple[str, Callable[[ConsumerDetail], float]]] = {
        "delivered_consumer_seq": ("Deliveries so far", lambda each: each.delivered.consumer_seq),
        "delivered_stream_seq": ("Last message delivered", lambda each: each.delivered.stream_seq),
        "ack_floor_consumer_seq": ("Deliveries settled to here", lambda each: each.ack_floor.consumer_seq),
        "ack_floor_stream_seq": ("Messages settled to here", lambda each: each.ack_floor.stream_seq),
        "num_ack_pending": ("Messages delivered, not settled", lambda each: each.num_ack_pending),
        "num_redelivered": ("Of those, not for the first time", lambda each: each.num_redelivered),
        "num_waiting": ("Pulls that wait for messages", lambda each: each.num_waiting),
        "num_pending": ("Messages not delivered yet", lambda each: each.num_pending),
    }
    for name, (documentation, figure) in figures.items():
        samples = [(labels, figure(consumer)) for labels, consumer in consumers]
        yield gauge(f"jetstream_consumer_{name}", documentation, samples)
