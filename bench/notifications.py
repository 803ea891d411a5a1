"""`python -m bench.notifications`: from a like to the connection of the post's owner, and what thousands of connections
cost that mostly wait.

The whole pipeline runs as an operator starts it, without limits of requests. The clients and the likes are a process of
their own (`bench/notification_clients.py`).
"""

import argparse
import asyncio
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from bench import load, machine, markdown, procfs, tables
from bench.metering import Meter
from bench.notification_clients import Plan, Told
from bench.outcome import Outcome, Verdict
from bench.percentiles import percentile, summary_ms
from bench.system import System, running_system
from ops.local.services import GATEWAY

RESULTS = Path(__file__).with_name("RESULTS-notifications.md")
IDLE = 2_000
BUSY = 200
RATE = 500.0
SECONDS = 600.0
P99_MS = 100.0
GROWTH_BYTES = 8 * 1024**2
_SAMPLE_SECONDS = 1.0
_SETTLING_SHARE = 0.2
"""Of the run: what a connection needs when it is first used is not growth."""
_HEADING = (
    "# Results: notifications",
    "",
    "Made by `python -m bench.notifications`, which says what each figure means.",
    "",
)

Samples = list[tuple[float, int]]
"""Unix time, resident bytes."""


async def watch_memory(pid: int, samples: Samples) -> None:
    """Until cancelled."""
    while True:
        samples.append((time.time(), procfs.sizes(pid).get("VmRSS", 0)))
        await asyncio.sleep(_SAMPLE_SECONDS)


def mean(samples: Samples, begin: float, end: float) -> float:
    """Bytes between two times; 0 without a sample."""
    found = [size for at, size in samples if begin <= at <= end]
    return sum(found) / len(found) if found else 0.0


async def measure(system: System, plan: Plan) -> Outcome:
    """One run."""
    samples: Samples = []
    watching = asyncio.create_task(watch_memory(system.roots[GATEWAY.name], samples))
    await asyncio.sleep(3)
    before = samples[-1][1]
    meter = Meter(system.roots)
    async with meter.watching():
        done = await load.run(os.environ, "bench.notification_clients", msgspec.json.encode(plan).decode())
        meter.add(msgspec.structs.replace(done.cost, process="clients and likes"))
        told = msgspec.json.decode(done.output, type=Told)
        usage = meter.usage(len(told.latencies))
    watching.cancel()
    span = told.ended - told.began
    first_end = told.began + span * (_SETTLING_SHARE + 0.1)
    first = mean(samples, told.began + span * _SETTLING_SHARE, first_end)
    last = mean(samples, told.ended - span * 0.1, told.ended)
    connections = plan.idle + plan.busy
    connected = next(size for at, size in reversed(samples) if at <= told.began)
    p99_ms = percentile(sorted(told.latencies), 99) * 1000 if told.latencies else float("inf")
    complete = not (told.missing or told.repeated or told.closed)
    return Outcome(
        f"{plan.idle:,} idle and {plan.busy:,} busy clients, {plan.rate:,.0f} likes/s for {plan.seconds:,.0f} s",
        rows=[
            ("answers to the likes", ", ".join(f"{status}: {n:,}" for status, n in told.statuses.items())),
            ("from like due to notification, p50 / p95 / p99 / max", summary_ms(told.latencies)),
            (
                "likes told of / missing / told twice",
                f"{len(told.latencies):,} / {told.missing} / {told.repeated}",
            ),
            ("changes told to followers", f"{told.changes_told:,}"),
            ("connections closed", str(told.closed)),
            ("gateway before the clients", megabytes(before)),
            ("gateway with all clients connected", megabytes(connected)),
            ("a connection", f"{(connected - before) / connections / 1024:.1f} KiB"),
            (f"gateway after {_SETTLING_SHARE:.0%} of the run", megabytes(first)),
            ("gateway in the last tenth of the run", megabytes(last)),
        ],
        usage=usage,
        verdicts=[
            Verdict(
                f"like to notification: p99 under {P99_MS:.0f} ms at {plan.rate:,.0f} actions/s, each told once",
                f"p99 {p99_ms:.1f} ms; {told.missing} missing, {told.repeated} told twice, {told.closed} closed",
                p99_ms < P99_MS and complete,
            ),
            Verdict(
                f"{plan.idle:,} idle and {plan.busy:,} busy clients: memory of the gateway does not grow",
                f"{(last - first) / 1024**2:+.1f} MiB from {_SETTLING_SHARE:.0%} to the end of {plan.seconds:,.0f} s",
                last - first < GROWTH_BYTES,
            ),
        ],
    )


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"


async def run(options: argparse.Namespace, console: Console) -> list[Outcome]:
    """Shown when it is done."""
    os.environ |= {"RATE_LIMIT_PER_ADDRESS": "0", "RATE_LIMIT_PER_USER": "0"}
    with running_system() as system:
        plan = Plan(
            GATEWAY.port(system.settings),
            system.settings.values["JWT_SECRET"],
            options.idle,
            options.busy,
            options.rate,
            options.seconds,
        )
        outcome = await measure(system, plan)
    tables.show_outcome(console, outcome)
    return [outcome]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints, records."""
    parser = argparse.ArgumentParser(prog="python -m bench.notifications", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rate", type=float, default=RATE, help="likes a second")
    parser.add_argument("--idle", type=int, default=IDLE)
    parser.add_argument("--busy", type=int, default=BUSY)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-write", action="store_true", help="only print the results")
    options = parser.parse_args(arguments)
    console = Console(width=150)
    facts = machine.facts(shlex.join(("python", "-m", "bench.notifications", *sys.argv[1:])))
    outcomes = asyncio.run(run(options, console))
    tables.show_verdicts(console, [verdict for outcome in outcomes for verdict in outcome.verdicts])
    if not options.no_write:
        sections = {outcome.title: outcome for outcome in outcomes}
        options.output.write_text(markdown.document(facts, sections, [], heading=_HEADING))
        console.print(f"written to {options.output}", highlight=False)


if __name__ == "__main__":
    main()
