"""What the probes say of real servers, by the names and labels of the exporters."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig
from prometheus_client.core import Metric

from ops.local.database import name_of
from ops.local.servers import RunningServer
from pipeline.store import Database, StoreSettings
from reporter.probes.nats import NatsProbe
from reporter.probes.postgres import PostgresProbe
from reporter.probes.probe import ProbeFailed

Samples = Mapping[str, Sequence[tuple[dict[str, str], float]]]


def samples(metrics: Sequence[Metric]) -> Samples:
    return {metric.name: [(sample.labels, sample.value) for sample in metric.samples] for metric in metrics}


@pytest.fixture
async def jetstream(nats_server: RunningServer) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(nats_server.url)
    jetstream = client.jetstream()
    await jetstream.add_stream(StreamConfig(name="PROBED", subjects=["probed.*"], max_bytes=1_000_000))
    await jetstream.add_consumer("PROBED", ConsumerConfig(durable_name="prober", description="a test"))
    yield jetstream
    await jetstream.delete_stream("PROBED")
    await client.close()


async def test_nats_and_its_streams_and_consumers(
    nats_server: RunningServer, jetstream: JetStreamContext
) -> None:
    for _ in range(3):
        await jetstream.publish("probed.x", b"0123456789")
    subscription = await jetstream.pull_subscribe_bind("prober", "PROBED")
    await subscription.fetch(2)

    address = nats_server.server.monitor_url
    found = samples((await NatsProbe(f"{address}/").look()).metrics)

    assert found["nats_up"] == [({"server_id": address}, 1)]
    ((labels, connections),) = found["gnatsd_varz_connections"]
    assert (labels, connections >= 1) == ({"server_id": address}, True)
    assert found["gnatsd_varz_mem"][0][1] > 1_000_000
    assert found["gnatsd_varz_slow_consumers"][0][1] == 0
    assert found["jetstream_server_total_streams"][0][1] >= 1
    assert found["jetstream_server_jetstream_disabled"][0][1] == 0

    def of_stream(name: str) -> list[tuple[dict[str, str], float]]:
        return [(labels, value) for labels, value in found[name] if labels["stream_name"] == "PROBED"]

    ((labels, messages),) = of_stream("jetstream_stream_total_messages")
    assert messages == 3
    of_account = {"account": "$G", "account_id": "$G", "account_name": "$G"}
    of_cluster = {"cluster": "", "domain": "", "meta_leader": "", "stream_raft_group": ""}
    of_server = {"server_id": address, "server_name": "sluice", "is_meta_leader": "true"}
    # A server without a cluster names itself as the leader of its streams.
    leads = {"stream_name": "PROBED", "stream_leader": "sluice", "is_stream_leader": "true"}
    assert labels == {**of_account, **of_cluster, **of_server, **leads}
    assert of_stream("jetstream_stream_limit_bytes")[0][1] == 1_000_000
    assert of_stream("jetstream_stream_subject_count")[0][1] == 1
    ((labels, unsettled),) = of_stream("jetstream_consumer_num_ack_pending")
    assert (labels["consumer_name"], labels["consumer_desc"], unsettled) == ("prober", "a test", 2)
    assert of_stream("jetstream_consumer_num_pending")[0][1] == 1
    assert of_stream("jetstream_consumer_delivered_stream_seq")[0][1] == 2


async def test_postgres_and_its_connections(database: Database, database_url: str) -> None:
    probe = PostgresProbe(database)
    asking = asyncio.create_task(database.query("SELECT pg_sleep(2)::text"))

    async def look() -> Samples:
        found = samples((await probe.look()).metrics)
        states = {labels["state"]: value for labels, value in found["pg_stat_activity_count"]}
        assert set(states) == {
            *("active", "idle", "idle in transaction", "idle in transaction (aborted)"),
            *("fastpath function call", "disabled"),
        }
        return found

    found = await look()
    while not any(value >= 2 for _, value in found["pg_stat_activity_count"]):
        found = await look()
    await asking

    datname = {"datname": name_of(database_url)}
    assert found["pg_up"] == [({}, 1)]
    ((labels, size),) = found["pg_database_size_bytes"]
    assert (labels, size > 1_000_000) == (datname, True)
    assert found["pg_settings_max_connections"][0][1] >= 10
    durations = found["pg_stat_activity_max_tx_duration"]
    assert {labels["datname"] for labels, _ in durations} == {datname["datname"]}


@pytest.mark.parametrize("path", ["", "/nowhere"])
async def test_what_is_no_nats_is_said_to_be_down(nats_server: RunningServer, path: str) -> None:
    address = f"{nats_server.server.monitor_url}{path}" if path else "http://127.0.0.1:1"
    probe = NatsProbe(address)

    with pytest.raises(ProbeFailed, match=r"varz|jsz"):
        await probe.look()

    assert samples(probe.blind())["nats_up"] == [({"server_id": address}, 0)]


async def test_a_postgres_that_is_away_is_said_to_be_down() -> None:
    settings = StoreSettings("postgresql://nobody@127.0.0.1:1/none", database_connect_timeout_seconds=1.0)
    async with Database(settings) as nowhere:
        probe = PostgresProbe(nowhere)
        with pytest.raises(ProbeFailed):
            await probe.look()

    assert samples(probe.blind())["pg_up"] == [({}, 0)]
