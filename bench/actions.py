"""`python -m bench.actions`: requests a second that `POST /api/events` accepts on disk, and what refusing costs.

A gateway, JetStream and Redis run as an operator starts them; what stores the actions is measured elsewhere
(`python -m bench.social`). The load is a process of its own (`bench/action_load.py`) on the same cores.
"""

import argparse
import asyncio
import os
import secrets
import shlex
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console

from bench import load, machine, markdown, tables
from bench.action_load import Plan
from bench.children import Child, ended_at_last
from bench.deliveries import Delivered
from bench.metering import Meter
from bench.outcome import Cost, Outcome, Verdict
from bench.percentiles import summary_ms
from bench.system import System, running_servers, wait_until_ready
from ops.local import services
from ops.local.services import GATEWAY

RESULTS = Path(__file__).with_name("RESULTS-actions.md")
PER_SECOND = 3_000
CONNECTIONS = 64
USERS = 2_000
SECONDS = 15.0
ARRAY = 100
REFUSED = 10_000
ANY = "events:write:any"
_HIGH = "1000000000"
_HEADING = (
    "# Results: social actions",
    "",
    "Made by `python -m bench.actions`, which says what each figure means.",
    "",
)


class Bench:
    """One gateway with its servers."""

    def __init__(self, system: System, port: int) -> None:
        self.system = system
        self._port = port

    async def run(self, **plan: object) -> tuple[Delivered, Cost]:
        """Carries a plan out in a process of its own."""
        secret = self.system.settings.values["JWT_SECRET"]
        made = msgspec.convert(
            {"port": self._port, "connections": CONNECTIONS, "secret": secret, **plan}, Plan
        )
        done = await load.run(os.environ, "bench.action_load", msgspec.json.encode(made).decode())
        delivered = msgspec.json.decode(done.output, type=Delivered)
        return delivered, msgspec.structs.replace(done.cost, process="senders")

    async def measured(self, title: str, actions: int = 1, **plan: object) -> Outcome:
        """A plan with what it cost. Every request must have been answered 202."""
        meter = Meter(self.system.roots)
        async with meter.watching():
            delivered, cost = await self.run(seconds=SECONDS, actions=actions, **plan)
            meter.add(cost)
            usage = meter.usage(delivered.sent * actions)
        assert set(delivered.statuses) == {"202"}, delivered.statuses
        per_second = delivered.sent / delivered.seconds
        gateway = next(cost for cost in usage.costs if cost.process == GATEWAY.name)
        outcome = Outcome(
            title,
            rows=[
                ("requests", f"{delivered.sent:,} in {delivered.seconds:.1f} s, all answered 202"),
                ("requests/s, each acknowledged on disk", f"{per_second:,.0f}"),
                ("answer after, p50 / p95 / p99 / max", summary_ms(delivered.latencies)),
                (
                    "CPU of the gateway per 1,000 requests",
                    f"{gateway.cpu_seconds * 1000 / delivered.sent:.3f} s",
                ),
                ("CPU of all per 1,000 requests", f"{usage.total.cpu_seconds * 1000 / delivered.sent:.3f} s"),
            ],
            usage=usage,
        )
        if actions > 1:
            outcome.rows.insert(2, ("actions/s", f"{per_second * actions:,.0f}"))
        else:
            outcome.verdicts.append(
                Verdict(
                    f"{title}: at least {PER_SECOND:,} requests/s accepted on disk on two cores",
                    f"{per_second:,.0f}/s, others took {usage.elsewhere_share:.0%} of a core meanwhile",
                    per_second >= PER_SECOND,
                )
            )
        return outcome


async def refusals(bench: Bench, title: str, statuses: set[str], **plan: object) -> Outcome:
    """Requests from one address that may send a hundred a minute."""
    meter = Meter(bench.system.roots)
    async with meter.watching():
        delivered, cost = await bench.run(count=REFUSED, connections=16, **plan)
        meter.add(cost)
        usage = meter.usage(REFUSED)
    assert set(delivered.statuses) <= statuses, delivered.statuses
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(delivered.statuses.items()))
    return Outcome(
        title,
        rows=[
            ("answers", f"{answers} in {delivered.seconds:.1f} s"),
            ("answered a second", f"{delivered.sent / delivered.seconds:,.0f}"),
            ("answer after, p50 / p95 / p99 / max", summary_ms(delivered.latencies)),
        ],
        usage=usage,
    )


@contextmanager
def running(**settings: str) -> Generator[Bench]:
    """NATS, Redis and one gateway with these settings."""
    started: list[Child] = []
    with running_servers() as system, ended_at_last(started):
        environment = {**services.environment(GATEWAY, system.settings, system.servers), **settings}
        started.append(Child(GATEWAY.name, GATEWAY.command, environment, system.folder))
        system.roots[GATEWAY.name] = started[0].pid
        port = GATEWAY.port(system.settings)
        wait_until_ready(started[0], port)
        yield Bench(system, port)


async def measure(console: Console) -> list[Outcome]:
    """All sections, shown as they are done."""
    outcomes: list[Outcome] = []

    def done(outcome: Outcome) -> None:
        outcomes.append(outcome)
        tables.show_outcome(console, outcome)

    with running(RATE_LIMIT_PER_ADDRESS=_HIGH, RATE_LIMIT_PER_USER=_HIGH) as bench:
        many = f"{CONNECTIONS} connections"
        done(await bench.measured(f"Back ends' tokens, no limit, {many}", scope=ANY, users=USERS))
        done(await bench.measured(f"Users' own tokens, counted in Redis, {many}", users=USERS))
        done(
            await bench.measured(
                f"Arrays of {ARRAY}, back ends' tokens", ARRAY, scope=ANY, users=USERS, connections=8
            )
        )
    with running() as bench:
        title = f"{REFUSED:,} requests from one address that may send 100 a minute"
        done(await refusals(bench, f"{title}: a bad token", {"401", "429"}, token="nonsense"))  # noqa: S106 - it is none
        done(await refusals(bench, f"{title}: good tokens", {"202", "429"}, users=USERS))
    return outcomes


def main() -> None:
    """Measures, prints, records."""
    parser = argparse.ArgumentParser(prog="python -m bench.actions", description=__doc__)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-write", action="store_true", help="only print the results")
    given = parser.parse_args()
    console = Console(width=150)
    os.environ["JWT_SECRET"] = secrets.token_hex(32)
    facts = machine.facts(shlex.join(("python", "-m", "bench.actions", *sys.argv[1:])))
    outcomes = asyncio.run(measure(console))
    tables.show_verdicts(console, [verdict for outcome in outcomes for verdict in outcome.verdicts])
    if not given.no_write:
        sections = {outcome.title: outcome for outcome in outcomes}
        given.output.write_text(markdown.document(facts, sections, [], heading=_HEADING))
        console.print(f"written to {given.output}", highlight=False)


if __name__ == "__main__":
    main()
