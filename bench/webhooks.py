"""`python -m bench.webhooks`: what signed deliveries take, and what forged ones cost.

The whole pipeline runs as an operator starts it, with the secret of an app and without a limit of deliveries a second.
The load is a process of its own (`bench/deliveries.py`).
"""

import argparse
import asyncio
import os
import re
import secrets
import shlex
import sys
from pathlib import Path

import httpx
import msgspec
from rich.console import Console

from bench import load, machine, markdown, tables
from bench.deliveries import Delivered, Plan
from bench.metering import Meter
from bench.outcome import Cost, Outcome, Verdict
from bench.percentiles import percentile, summary_ms
from bench.postgres import connected
from bench.system import System, running_system
from bench.webhook_bodies import SECRET_VARIABLE
from ops.local.services import GATEWAY

RESULTS = Path(__file__).with_name("RESULTS-webhooks.md")
LARGE_UPDATES = 1_000
LARGE_DELIVERIES = 60
LARGE_MEDIAN_MS = 100.0
SMALL_CONNECTIONS = 64
SMALL_SECONDS = 15.0
FORGERIES = 100_000
FORGERS = 16
PROBE_RATE = 100.0
PROBE_SECONDS = 15.0
PROBES = 8
STORED_WITHIN_SECONDS = 60.0
_LINE_COUNTERS = re.compile(r"^(?!http_request_duration)([a-z_]+_total\{.*\}) ([0-9.e+]+)$", re.MULTILINE)
_REFUSALS = "webhook_refusals_total"
_HEADING = (
    "# Results: webhooks",
    "",
    "Made by `python -m bench.webhooks`, which says what each figure means.",
    "",
)


class Bench:
    """One running system, and how many updates were sent to it so far."""

    def __init__(self, system: System, secret: str) -> None:
        self.system = system
        self._secret = secret
        self._first = 0

    async def run(self, *, forged: bool = False, **plan: float) -> tuple[Delivered, Cost]:
        """Carries a plan out in a process of its own."""
        updates, count = int(plan.get("updates", 1)), int(plan.get("count", 0))
        made = msgspec.convert(
            {
                **plan,
                "port": GATEWAY.port(self.system.settings),
                "secret": "" if forged else self._secret,
                "first": self._first,
            },
            Plan,
            strict=False,
        )
        done = await load.run(os.environ, "bench.deliveries", msgspec.json.encode(made).decode())
        delivered = msgspec.json.decode(done.output, type=Delivered)
        if not forged:
            self._first += updates * max(count, delivered.sent)
        return delivered, msgspec.structs.replace(done.cost, process="senders")

    async def counters(self) -> dict[str, float]:
        """All counters of the gateway, apart from the duration of requests."""
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{self.system.url_of(GATEWAY)}/metrics")).text
        return {name: float(value) for name, value in _LINE_COUNTERS.findall(text)}

    def log_lines(self) -> int:
        """How many lines the gateway has written."""
        return len((self.system.folder / f"{GATEWAY.name}.log").read_bytes().splitlines())

    async def stored(self, wanted: int) -> int:
        """How many events are in Postgres, once there are as many as wanted, or after a minute."""
        found = 0
        async with connected(self.system.database_url) as postgres:
            for _ in range(int(STORED_WITHIN_SECONDS * 10)):
                if (found := await postgres.value("SELECT count(*) FROM events")) >= wanted:
                    return found
                await asyncio.sleep(0.1)
        return found


async def large(bench: Bench) -> Outcome:
    """One delivery of a thousand updates after the other."""
    meter = Meter(bench.system.roots)
    async with meter.watching():
        delivered, cost = await bench.run(connections=1, count=LARGE_DELIVERIES, updates=LARGE_UPDATES)
        meter.add(cost)
        updates = LARGE_DELIVERIES * LARGE_UPDATES
        stored = await bench.stored(updates)
        usage = meter.usage(updates)
    median_ms = percentile(sorted(delivered.latencies), 50) * 1000
    return Outcome(
        f"Signed Meta POSTs of {LARGE_UPDATES:,} updates, one after the other",
        rows=[
            ("answers", shown(delivered)),
            ("answer after, p50 / p95 / p99 / max", summary_ms(delivered.latencies)),
            ("stored", f"{stored:,} of {updates:,}"),
        ],
        usage=usage,
        verdicts=[
            Verdict(
                f"a {LARGE_UPDATES:,}-update Meta POST answered in under {LARGE_MEDIAN_MS:.0f} ms (median), and stored",
                f"{median_ms:.1f} ms; {stored:,} of {updates:,} stored",
                median_ms < LARGE_MEDIAN_MS and stored == updates and set(delivered.statuses) == {"200"},
            )
        ],
    )


async def small(bench: Bench) -> Outcome:
    """As many deliveries of one update as are answered."""
    meter = Meter(bench.system.roots)
    async with meter.watching():
        delivered, cost = await bench.run(connections=SMALL_CONNECTIONS, seconds=SMALL_SECONDS)
        meter.add(cost)
        usage = meter.usage(delivered.sent)
    return Outcome(
        f"Signed deliveries of one update: closed loop over {SMALL_CONNECTIONS} connections",
        rows=[
            ("answers", shown(delivered)),
            ("deliveries/s, each acknowledged on disk", f"{delivered.sent / delivered.seconds:,.0f}"),
            ("answer after, p50 / p95 / p99 / max", summary_ms(delivered.latencies)),
        ],
        usage=usage,
    )


async def forgeries(bench: Bench, count: int) -> Outcome:
    """As many forged deliveries as are answered, and what they have changed."""
    meter = Meter({GATEWAY.name: bench.system.roots[GATEWAY.name]})
    before, lines_before = await bench.counters(), bench.log_lines()
    async with meter.watching():
        delivered, cost = await bench.run(forged=True, connections=FORGERS, count=count)
        meter.add(cost)
        usage = meter.usage(count)
    after, lines = await bench.counters(), bench.log_lines() - lines_before
    changed = {name for name, value in after.items() if value != before.get(name, 0.0)}
    refused = sum(after[name] - before.get(name, 0.0) for name in changed if name.startswith(_REFUSALS))
    return Outcome(
        f"{count:,} forged deliveries: closed loop over {FORGERS} connections",
        rows=[
            ("answers", shown(delivered)),
            ("refused a second", f"{delivered.sent / delivered.seconds:,.0f}"),
            ("counters that have changed", ", ".join(sorted(changed))),
            ("log lines", str(lines)),
        ],
        usage=usage,
        verdicts=[
            Verdict(
                f"{count:,} forged requests change no counter but the refusal metric, and fill no log",
                f"{refused:,.0f} refusals counted, {len(changed)} counter changed, {lines} log lines",
                refused == count
                and all(name.startswith(_REFUSALS) for name in changed)
                and lines <= 2 + delivered.seconds / 60
                and delivered.statuses == {"401": count},
            )
        ],
    )


async def unharmed(bench: Bench, count: int) -> Outcome:
    """Signed deliveries at a steady rate: alone, with a paced flood of forgeries, and with all that are answered."""
    alone, _ = await bench.run(connections=PROBES, rate=PROBE_RATE, seconds=PROBE_SECONDS)
    rows = [("alone", summary_ms(alone.latencies))]
    for title, flood in (
        ("with 1,000 forgeries/s", {"rate": 1000.0, "count": int(1000 * PROBE_SECONDS) + 2000}),
        (f"with {count:,} forgeries as fast as they are answered", {"count": count}),
    ):
        flooding = asyncio.create_task(bench.run(forged=True, connections=FORGERS, **flood))
        await asyncio.sleep(1)  # the flood is at its height by then; its process tells nothing before its end
        probed, _ = await bench.run(connections=PROBES, rate=PROBE_RATE, seconds=PROBE_SECONDS)
        flooded, _ = await flooding
        rows.append((title, summary_ms(probed.latencies)))
        rows.append(("", f"signed {shown(probed)}; forged {shown(flooded)}"))
    return Outcome(
        f"Signed deliveries of one update at {PROBE_RATE:.0f}/s, due to answered, p50 / p95 / p99 / max",
        rows=rows,
    )


def shown(delivered: Delivered) -> str:
    """How many of which answers, in how long."""
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(delivered.statuses.items()))
    return f"{answers} in {delivered.seconds:.1f} s"


async def measure(forged: int, console: Console) -> list[Outcome]:
    """All sections, shown as they are done."""
    secret = secrets.token_hex(16)
    os.environ |= {SECRET_VARIABLE: secret, "WEBHOOK_RATE_PER_SECOND": "0"}
    outcomes: list[Outcome] = []
    with running_system() as system:
        bench = Bench(system, secret)
        for measuring in (large(bench), small(bench), forgeries(bench, forged), unharmed(bench, forged)):
            outcomes.append(await measuring)
            tables.show_outcome(console, outcomes[-1])
    return outcomes


def main() -> None:
    """Measures, prints, records."""
    parser = argparse.ArgumentParser(prog="python -m bench.webhooks", description=__doc__)
    parser.add_argument("--forgeries", type=int, default=FORGERIES)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-write", action="store_true", help="only print the results")
    given = parser.parse_args()
    console = Console(width=150)
    facts = machine.facts(shlex.join(("python", "-m", "bench.webhooks", *sys.argv[1:])))
    outcomes = asyncio.run(measure(given.forgeries, console))
    tables.show_verdicts(console, [verdict for outcome in outcomes for verdict in outcome.verdicts])
    if not given.no_write:
        sections = {outcome.title: outcome for outcome in outcomes}
        given.output.write_text(markdown.document(facts, sections, [], heading=_HEADING))
        console.print(f"written to {given.output}", highlight=False)


if __name__ == "__main__":
    main()
