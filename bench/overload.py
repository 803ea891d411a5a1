"""`python -m bench.overload`: small requests while 300 connections are slow and 50 senders send 21.5 MB each, at once.

Writes bench/RESULTS-overload.md. Exit status 1 when a target was missed.
"""

import argparse
import asyncio
import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
from rich.console import Console

from bench import machine, markdown, tables
from bench.load import Published, publish, run
from bench.metering import Meter
from bench.outcome import Outcome, Verdict
from bench.overload_senders import LARGE, SLOW, Ends
from bench.percentiles import percentile, summary_ms
from bench.system import System, running_system
from gateway.settings import GatewaySettings
from ops.local.services import GATEWAY

RESULTS = Path(__file__).with_name("RESULTS-overload.md")
SMALL_CONNECTIONS = 16
SMALL_PER_SECOND = 200
CLOSED_WITHIN_SECONDS = 30.0
P99_SECONDS = 1.0


async def measure(seconds: float) -> list[Outcome]:
    with running_system() as system:
        quiet = await _small(system, 5.0)
        meter = Meter(system.roots)
        async with meter.watching():
            environment = {**os.environ}
            senders = asyncio.create_task(
                run(environment, "bench.overload_senders", str(_port(system)), f"{seconds:g}")
            )
            async with _probing(system) as probes:
                small = await _small(system, seconds)
            load = await senders
            for cost in (
                small.cost,
                msgspec.structs.replace(load.cost, process="the large and slow senders"),
            ):
                meter.add(cost)
            usage = meter.usage(small.summary.accepted)
    ends = msgspec.json.decode(load.output, type=Ends)
    peak = next(cost.peak_bytes for cost in usage.costs if cost.process == GATEWAY.name)
    outcome = Outcome(
        f"{SLOW} slow connections and {LARGE} senders of 21.5 MB at a time, for {seconds:g} s",
        rows=[
            ("small POSTs", _shown(small)),
            ("small POSTs on a quiet system, before", _shown(quiet)),
            ("GET /health/live meanwhile: no JetStream, no disk", summary_ms(probes)),
            (
                "POSTs of 21.5 MB",
                ", ".join(f"{status}: {count}" for status, count in sorted(ends.large.items())),
            ),
            ("… answered 202 after", summary_ms(ends.accepted_seconds) + " (p50 / p95 / p99 / max)"),
            ("… answered 503 after (all of it sent)", summary_ms(ends.refused_seconds)),
            *_slow_rows(ends),
            ("gateway at most", f"{peak / 1e6:,.0f} MB resident"),
        ],
        usage=usage,
        verdicts=_verdicts(small, ends, peak),
    )
    return [outcome]


def _slow_rows(ends: Ends) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for kind in sorted({end.kind for end in ends.slow}):
        seconds = sorted(end.seconds for end in ends.slow if end.kind == kind)
        statuses = Counter(end.status for end in ends.slow if end.kind == kind)
        told = ", ".join(f"{status or 'none'}: {count}" for status, count in sorted(statuses.items()))
        rows.append((f"slow {kind}", f"closed after {seconds[0]:.1f} to {seconds[-1]:.1f} s; answers {told}"))
    return rows


_AT_REST_BYTES = 80 * 1024**2
"""What a gateway takes that has nothing to do."""


def _verdicts(small: Published, ends: Ends, peak: int) -> list[Verdict]:
    strange = sorted({*small.summary.answers, *ends.large} - {"202", "503"})
    p99 = (small.summary.latency_p99_ms or 0.0) / 1000
    slowest = percentile(sorted(end.seconds for end in ends.slow), 100)
    budget = _AT_REST_BYTES + 3 * GatewaySettings().body_bytes_in_flight
    refused = small.summary.answers.get("503", 0)
    return [
        Verdict(f"small requests: p99 under {P99_SECONDS:g} s", f"{p99 * 1000:.0f} ms", p99 < P99_SECONDS),
        Verdict("small requests: answered, none refused", f"{refused} with 503", not refused),
        Verdict("every answer 202 or 503", ", ".join(strange) or "yes", not strange),
        Verdict(
            f"gateway memory under {budget / 1e6:.0f} MB (at rest, and 3 x BODY_BYTES_IN_FLIGHT)",
            f"{peak / 1e6:.0f} MB",
            peak < budget,
        ),
        Verdict(
            f"slow connections closed within {CLOSED_WITHIN_SECONDS:g} s",
            f"{slowest:.1f} s",
            slowest < CLOSED_WITHIN_SECONDS,
        ),
    ]


@asynccontextmanager
async def _probing(system: System) -> AsyncGenerator[list[float]]:
    """Seconds that the gateway takes for what costs nothing but a turn of its event loop."""
    took: list[float] = []

    async def keep_asking() -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            while True:
                began = time.perf_counter()
                assert (await client.get(f"{system.url_of(GATEWAY)}/health/live")).status_code == 200
                took.append(time.perf_counter() - began)
                await asyncio.sleep(0.05)

    asking = asyncio.create_task(keep_asking())
    try:
        yield took
    finally:
        asking.cancel()


async def _small(system: System, seconds: float) -> Published:
    load = ("--rate", str(SMALL_PER_SECOND), "--batch-size", "1", "--concurrency", str(SMALL_CONNECTIONS))
    return await publish(system, *load, "--duration", f"{seconds:g}")


def _shown(small: Published) -> str:
    summary = small.summary
    answers = ", ".join(f"{status}: {count:,}" for status, count in summary.answers.items())
    latencies = f"{summary.latency_p50_ms} / {summary.latency_p95_ms} / {summary.latency_p99_ms} ms"
    return f"{answers}; p50 / p95 / p99 {latencies}"


def _port(system: System) -> int:
    return int(system.url_of(GATEWAY).rpartition(":")[2])


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="how long the large ones go on (%(default)s)"
    )
    parser.add_argument("--no-write", action="store_true", help="only print the results")
    options = parser.parse_args()
    console = Console(width=150)
    facts = machine.facts(shlex.join(("python", "-m", "bench.overload", *sys.argv[1:])))
    outcomes = await measure(options.seconds)
    for outcome in outcomes:
        tables.show_outcome(console, outcome)
        tables.show_verdicts(console, outcome.verdicts)
    if not options.no_write:
        text = markdown.document(facts, {outcome.title: outcome for outcome in outcomes}, [])
        RESULTS.write_text(text.replace("`python -m bench`", "`python -m bench.overload`"))
    return 0 if all(verdict.met for outcome in outcomes for verdict in outcome.verdicts) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
