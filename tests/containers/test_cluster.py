"""compose.cluster.yml for real: three NATS nodes, of which one dies."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ops.local import waiting
from tests.containers.project import READY_SECONDS, Project, project

pytestmark = [
    pytest.mark.skipif(os.environ.get("CONTAINERS") != "1", reason="tests/containers/run.sh runs these"),
    pytest.mark.timeout(900),
]

NODES = ("nats", "nats-2", "nats-3")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project("sluice-test-cluster", tmp_path_factory.mktemp("cluster"), "compose.cluster.yml") as made:
        made.call("up", "-d", "--scale", "publisher=0")
        yield made


def streams(cluster: Project, node: str) -> dict[str, dict[str, Any]]:
    """The streams as one node sees them."""
    [container] = cluster.containers(node)
    command = ("wget", "-q", "-O", "-", "http://127.0.0.1:8222/jsz?streams=1&config=1")
    answer = json.loads(cluster.run("docker", "exec", container.id, *command).stdout)
    return {
        stream["name"]: stream for account in answer["account_details"] for stream in account["stream_detail"]
    }


def test_each_stream_has_three_copies(cluster: Project) -> None:
    cluster.await_healthy()
    found = streams(cluster, "nats")
    assert set(found) == {"EVENTS", "DEAD_LETTERS", "NOTIFICATIONS"}
    for stream in found.values():
        assert stream["config"]["num_replicas"] == 3
        others = [replica["name"] for replica in stream["cluster"]["replicas"]]
        assert sorted({stream["cluster"]["leader"], *others, "nats"}) == sorted(NODES)


def test_the_leader_of_the_events_dies_and_ingest_goes_on(cluster: Project) -> None:
    leader = streams(cluster, "nats")["EVENTS"]["cluster"]["leader"]
    [container] = cluster.containers(leader)
    accepted: list[int] = []
    sending = threading.Thread(
        target=lambda: accepted.append(
            cluster.publish("--count", "6000", "--rate", "300", "--batch-size", "20")
        )
    )
    sending.start()
    waiting.wait_until("the first events", lambda: None if cluster.reported() else "none", READY_SECONDS)
    # a paused node is away for as long as the test wants; a killed one would be back in a second
    subprocess.run(["docker", "pause", container.id], check=True, capture_output=True)
    try:
        sending.join(READY_SECONDS)
        assert accepted
        cluster.await_reported(accepted[0])
    finally:
        subprocess.run(["docker", "unpause", container.id], check=True, capture_output=True)
    cluster.await_healthy()
    assert {streams(cluster, node)["EVENTS"]["config"]["num_replicas"] for node in NODES} == {3}
