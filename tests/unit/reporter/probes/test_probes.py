"""What probes find, and that one that fails or hangs harms no other, and no scrape."""

import asyncio
import datetime
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
import trustme
from cryptography import x509
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from reporter.probes.certificates import CertificateProbe, SecretProbe, end_of
from reporter.probes.disks import DiskProbe
from reporter.probes.jetstream import jetstream_metrics
from reporter.probes.loop import ProbeLoop
from reporter.probes.monitoring_pages import Jsz
from reporter.probes.probe import Found, Probe, ProbeFailed, gauge
from reporter.probes.telemetry import ProbeTelemetry
from tests.unit.collectors.fakes import until


def samples(metrics: Sequence[Metric]) -> dict[str, list[tuple[dict[str, str], float]]]:
    """By name, the labels and values."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for metric in metrics:
        for sample in metric.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


async def test_the_room_of_a_disk_is_told_and_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = await DiskProbe({"data": str(tmp_path), "gone": str(tmp_path / "gone")}).look()

    figures = samples(found.metrics)
    ((labels, free),), ((_, size),) = figures["disk_free_bytes"], figures["disk_size_bytes"]
    assert labels == {"disk": "data"}
    assert 0 < free <= size
    assert found.problem.startswith("gone: ")


async def test_the_first_end_of_a_chain_counts_and_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    soon = datetime.datetime(2031, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    leaf = authority.issue_cert("nats.example", not_after=soon)
    chain, alone, key = tmp_path / "chain.pem", tmp_path / "alone.pem", tmp_path / "key.pem"
    chain.write_bytes(
        authority.cert_pem.bytes()
        + leaf.private_key_pem.bytes()
        + b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    )
    alone.write_bytes(authority.cert_pem.bytes())
    key.write_bytes(leaf.private_key_pem.bytes())
    files = {"chain": str(chain), "alone": str(alone), "key": str(key), "gone": str(tmp_path / "gone")}

    found = await CertificateProbe(files).look()

    ends = {
        labels["certificate"]: value
        for labels, value in samples(found.metrics)["certificate_expiry_timestamp_seconds"]
    }
    last = x509.load_pem_x509_certificate(authority.cert_pem.bytes()).not_valid_after_utc
    assert ends == {"chain": soon.timestamp(), "alone": last.timestamp()}
    assert "key: " in found.problem
    assert "gone: " in found.problem


async def test_a_certificate_that_was_renewed_is_seen_at_the_next_look(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "nats.pem"
    probe = CertificateProbe({"nats": str(file)})
    for year in (2031, 2041):
        end = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)
        file.write_bytes(authority.issue_cert("nats.example", not_after=end).cert_chain_pems[0].bytes())

        found = await probe.look()

        ((_, seconds),) = samples(found.metrics)["certificate_expiry_timestamp_seconds"]
        assert (seconds, found.problem) == (end.timestamp(), "")


@pytest.mark.parametrize(
    "text", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_has_no_end(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whose message, cryptography decides
        end_of(text)


async def test_a_secret_ends_when_its_day_begins() -> None:
    found = await SecretProbe({"JWT_SECRET": datetime.date(2027, 1, 31)}).look()

    ((labels, seconds),) = samples(found.metrics)["secret_expiry_timestamp_seconds"]
    assert labels == {"secret": "JWT_SECRET"}
    assert datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat() == "2027-01-31T00:00:00+00:00"


CLUSTER: dict[str, Any] = {
    "config": {"max_memory": 1, "max_storage": 2, "domain": "hub"},
    "streams": 1,
    "meta_cluster": {"name": "east", "leader": "n1"},
    "account_details": [
        {
            "name": "$G",
            "id": "G",
            "stream_detail": [
                {
                    "name": "EVENTS",
                    "cluster": {"leader": "n2"},
                    "stream_raft_group": "S-1",
                    "config": {"max_bytes": 4096, "max_msgs": -1, "subjects": ["events.*"]},
                    "state": {
                        "messages": 5,
                        "bytes": 700,
                        "first_seq": 3,
                        "last_seq": 7,
                        "consumer_count": 1,
                    },
                    "consumer_detail": [
                        {
                            "name": "facebook-collector",
                            "cluster": {"leader": "n1"},
                            "config": {"durable_name": "facebook-collector"},
                            "num_redelivered": 2,
                            "num_pending": 4,
                            "delivered": {"consumer_seq": 11, "stream_seq": 7},
                        }
                    ],
                }
            ],
        }
    ],
}


def test_a_member_of_a_cluster_says_who_leads_what() -> None:
    figures = samples(list(jetstream_metrics("http://n1:8222", "n1", msgspec.convert(CLUSTER, Jsz))))

    ((labels, value),) = figures["jetstream_consumer_num_redelivered"]
    assert value == 2
    # As the exporter writes them (prometheus-nats-exporter -varz -jsz=all).
    assert labels == {
        "account": "$G",
        "account_id": "G",
        "account_name": "$G",
        "cluster": "east",
        "consumer_desc": "",
        "consumer_leader": "n1",
        "consumer_name": "facebook-collector",
        "domain": "hub",
        "is_consumer_leader": "true",
        "is_meta_leader": "true",
        "is_stream_leader": "false",
        "meta_leader": "n1",
        "server_id": "http://n1:8222",
        "server_name": "n1",
        "stream_leader": "n2",
        "stream_name": "EVENTS",
        "stream_raft_group": "S-1",
    }
    assert figures["jetstream_stream_total_bytes"][0][1] == 700
    assert figures["jetstream_stream_limit_bytes"][0][1] == 4096
    assert figures["jetstream_server_total_streams"][0][1] == 1


class Scripted:
    """A probe that does what the test says, look by look: a value, an exception, or an event to wait for."""

    def __init__(self, name: str, *looks: Any) -> None:
        self.name = name
        self.looks = list(looks)
        self.count = 0

    async def look(self) -> Found:
        self.count += 1
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        if isinstance(look, asyncio.Event):
            await look.wait()
        return Found([gauge(f"{self.name}_figure", "", [({}, self.count)])])

    def blind(self) -> Sequence[Metric]:
        return [gauge(f"{self.name}_up", "", [({}, 0)])]


class Looking:
    """A loop over some probes, and what a scrape shows."""

    def __init__(self, *probes: Probe) -> None:
        self.registry = CollectorRegistry()
        loop = ProbeLoop(probes, 0.001, ProbeTelemetry(self.registry), look_seconds=0.05)
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(loop.run(self._stop))

    async def end(self) -> None:
        self._stop.set()
        await self._task

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


async def test_a_probe_that_fails_shows_that_it_is_down_and_no_figure_of_before() -> None:
    probe, other = Scripted("a", "fine"), Scripted("b", "fine")
    with structlog.testing.capture_logs() as lines:
        looking = Looking(probe, other)
        await wait_for(lambda: looking.value("a_figure"))
        probe.looks = [ProbeFailed("away")]
        await wait_for(lambda: looking.value("a_up") == 0)
        assert looking.value("a_figure") is None
        assert (looking.value("probe_up", probe="a"), looking.value("probe_up", probe="b")) == (0, 1)
        probe.looks = [ProbeFailed("gone")]
        looks = probe.count
        await wait_for(lambda: probe.count > looks + 1)
        probe.looks = ["fine"]
        await wait_for(lambda: looking.value("probe_up", probe="a") == 1)
        await looking.end()

    assert looking.value("a_up") is None
    assert [line["event"] for line in lines] == ["probe_failing", "probe_succeeds_again"]
    assert lines[0]["problem"] == "away"


async def test_a_probe_that_hangs_is_given_up_and_a_scrape_never_waits_for_it() -> None:
    hanging = asyncio.Event()
    looking = Looking(Scripted("a", hanging), Scripted("b", "fine"))

    await wait_for(lambda: looking.value("a_up") == 0)
    assert looking.value("probe_up", probe="b") == 1

    hanging.set()
    await wait_for(lambda: looking.value("probe_up", probe="a") == 1)
    await looking.end()


async def test_a_file_system_that_hangs_takes_one_thread_and_not_one_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()
    begun: list[str] = []

    def hang(path: str) -> Any:
        begun.append(path)
        answers.wait(10)
        raise OSError("stale file handle")

    monkeypatch.setattr("reporter.probes.disks.shutil.disk_usage", hang)
    probe = DiskProbe({"nfs": "/mnt"})
    looking = Looking(probe)

    await wait_for(lambda: looking.value("probe_up", probe="disks") == 0)
    for _ in range(3):
        with pytest.raises(ProbeFailed, match="does not answer"):
            await probe.look()
    assert begun == ["/mnt"]

    answers.set()
    await wait_for(lambda: len(begun) > 1)
    await looking.end()


async def wait_for(condition: Any) -> None:
    """Time passes, unlike with `until`."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)


async def test_a_loop_that_is_told_to_stop_does() -> None:
    probe = Scripted("a", "fine")
    looking = Looking(probe)
    await until(lambda: probe.count > 0)

    await asyncio.wait_for(looking.end(), 5)
