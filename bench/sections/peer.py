"""The textbook peer on the same servers, measured the same way as our own closed loop."""

import asyncio
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from bench.children import Child, ended_at_last
from bench.load import publish_with
from bench.metering import Meter
from bench.options import Options
from bench.outcome import Outcome
from bench.peer.events import CREATE
from bench.postgres import Postgres, connected
from bench.sections.single import CONNECTIONS
from bench.sections.throughput import CLOSED_CONCURRENCY, STEADY_BATCH
from bench.system import System, running_servers, wait_until_ready
from ops.local.ports import LOOPBACK, choose_free

SINGLE_SECONDS = 10.0
EVENTS_PER_SECOND = 1_000
"""How much to send per second of `--seconds`: about what the peer has been seen to do."""
GIVE_UP_SECONDS = 60.0


async def measure(options: Options) -> Outcome:
    # As many POSTs as senders. Short runs send smaller ones: to the peer, one event is like any other.
    size = min(STEADY_BATCH, int(options.seconds * EVENTS_PER_SECOND / CLOSED_CONCURRENCY))
    count = size * CLOSED_CONCURRENCY
    with running_servers(("nats", "postgres")) as system:
        async with connected(system.database_url) as postgres:
            await postgres.execute(CREATE)
        with _running_peer(system) as environment:
            meter = Meter(system.roots)
            arrays = ("--rate", "0", "--batch-size", f"{size}", "--concurrency", f"{CLOSED_CONCURRENCY}")
            async with meter.watching():
                published = await publish_with(
                    environment, *arrays, "--count", str(count), "--timeout", "600"
                )
                async with connected(system.database_url) as postgres:
                    committed_at = await _until_committed(postgres, published.summary.accepted)
                meter.add(published.cost)
                usage = meter.usage(published.summary.accepted)
            seconds = options.seconds_at_most(SINGLE_SECONDS)
            loop = ("--rate", "0", "--batch-size", "1", "--concurrency", str(CONNECTIONS))
            single = (await publish_with(environment, *loop, "--duration", f"{seconds:g}")).summary
    assert published.summary.accepted == count, published.summary.answers
    took = committed_at - published.first_post_at
    single_per_second = single.answers.get("202", 0) / single.elapsed_seconds
    acknowledged = count / published.summary.elapsed_seconds
    return Outcome(
        "The peer: one JetStream message per event, one INSERT per event",
        rows=[
            ("sent", f"{count:,} events in POSTs of {size:,}, {CLOSED_CONCURRENCY} at a time"),
            ("events/s, first POST to last commit", f"{count / took:,.0f}"),
            ("events/s, acknowledged by its gateway", f"{acknowledged:,.0f}"),
            ("last answer to last commit", f"{committed_at - published.last_answer_at:.1f} s"),
            (f"single-event POSTs/s over {CONNECTIONS} connections", f"{single_per_second:,.0f}"),
            (
                "answer to a single POST after, p50 / p99",
                f"{single.latency_p50_ms} / {single.latency_p99_ms} ms",
            ),
        ],
        usage=usage,
        values={
            "per_second": count / took,
            "cpu_per_thousand": usage.per_thousand(usage.total),
            "single_per_second": single_per_second,
        },
    )


@contextmanager
def _running_peer(system: System) -> Generator[dict[str, str]]:
    """The peer's processes; yields the environment for its load."""
    port = choose_free()
    environment = {
        **os.environ,
        "NATS_URL": system.nats_url,
        "DATABASE_URL": system.database_url,
        "PORT": str(port),
        "EVENT_ENDPOINT": f"http://{LOOPBACK}:{port}/events",
    }
    started: list[Child] = []

    def start(name: str, *arguments: str) -> Child:
        child = Child(name, (sys.executable, "-m", *arguments), environment, system.folder)
        started.append(child)
        system.roots[name] = child.pid
        return child

    with ended_at_last(started):
        wait_until_ready(start("peer gateway", "bench.peer.gateway"), port)
        for source in ("facebook", "tiktok"):
            start(f"peer {source} consumer", "bench.peer.consumer", source)
        yield environment


async def _until_committed(postgres: Postgres, events: int) -> float:
    """When the table holds all events. Raises RuntimeError when they stop coming."""
    seen, moved_at = -1, time.monotonic()
    while True:
        stored: int = await postgres.value("SELECT count(*) FROM peer_events")
        if stored >= events:
            return time.time()
        if stored != seen:
            seen, moved_at = stored, time.monotonic()
        if time.monotonic() - moved_at > GIVE_UP_SECONDS:
            raise RuntimeError(f"the peer has committed {stored:,} of {events:,} events, and no more")
        await asyncio.sleep(0.1)
