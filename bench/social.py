# pyright: reportUnknownMemberType=false
# redis-py leaves the parameters that it passes on untyped.
"""`python -m bench.social`: how fast collectors store social actions and count them, in batches.

A backlog of actions waits in JetStream, so batches are full. Collectors are started and drain it: one, then two. What
is measured goes from the first action that is stored to the last one that the counters in Redis show. After each run
every counter is compared with Postgres. Then the counters of very many posts are built anew, while somebody keeps
asking Redis how it is.
"""

import argparse
import asyncio
import os
import shlex
import sys
import time
from pathlib import Path

from redis.asyncio import Redis
from rich.console import Console

from bench import machine, markdown, tables
from bench.children import Child, ended_at_last
from bench.metering import Meter
from bench.outcome import Outcome, Verdict
from bench.percentiles import summary_ms
from bench.postgres import Postgres, connected
from bench.procfs import sizes
from bench.social_actions import Audience
from bench.system import System, running_servers
from ops.local import prisma_cli, services
from ops.local.ports import choose_free
from ops.local.services import SERVICES
from pipeline.live import Comparison, LiveConnection, LiveCounters, LiveSettings, compare, rebuild
from pipeline.store import Database, StoreSettings
from pipeline.store.live_updates import LiveUpdates
from pipeline.store.projections import PROJECTIONS
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings

RESULTS = Path(__file__).with_name("RESULTS-social.md")
ACTIONS = 300_000
POSTS = 1_000_000
PER_SECOND = 15_000
GIVE_UP_SECONDS = 300.0
_COLLECTOR = next(service for service in SERVICES if service.source == "social")
_STORED = "SELECT coalesce(sum(events), 0)::bigint FROM event_rollups WHERE bucket_seconds = 86400"
_MANY_POSTS = """
INSERT INTO social_post_days (post_id, day, shard, likes, comments, shares)
SELECT 'p-' || post, current_date - (post * day) % 90, 7, 1 + post % 5, post % 3, post % 2
FROM generate_series(1, {posts}) AS post CROSS JOIN generate_series(1, 2) AS day
ON CONFLICT DO NOTHING
"""
_HEADING = (
    "# Results: social actions",
    "",
    "Made by `python -m bench.social`, which says what each figure means.",
    "",
)


async def drain(actions: int, collectors: int) -> Outcome:
    """A backlog is drained by so many collectors."""
    started: list[Child] = []
    with running_servers() as system, ended_at_last(started):
        await publish(system, actions)
        async with connected(system.database_url) as postgres:
            started += [start(system, number) for number in range(collectors)]
            meter = Meter({**system.roots, **{child.name: child.pid for child in started}})
            begun_at, begun_with = await first_stored(postgres)
            async with meter.watching():
                await until_counted(system, actions)
                ended_at = time.monotonic()
                usage = meter.usage(actions - begun_with)
            stored = await postgres.value(_STORED)
        comparison = await compared(system)
    assert stored == actions, f"{stored:,} of {actions:,} actions are stored"
    assert comparison.condition == "good"
    assert not comparison.differences, comparison.differences[:5]
    per_second = (actions - begun_with) / (ended_at - begun_at)
    cost = usage.per_thousand(usage.total)
    many = f"{collectors} collector{'s' * (collectors > 1)}"
    return Outcome(
        f"A backlog of {actions:,} actions, {many}",
        rows=[
            ("first stored to all counted", f"{ended_at - begun_at:.1f} s"),
            ("actions/s, stored and counted", f"{per_second:,.0f}"),
            ("CPU s per 1,000 actions", f"{cost:.4f}; two cores could carry {2000 / cost:,.0f} actions/s"),
            ("counters compared with Postgres afterwards", f"{comparison.compared:,}, all equal"),
        ],
        usage=usage,
        verdicts=[
            Verdict(
                f"{many}: at least {PER_SECOND:,} actions/s in batches on two cores",
                f"{per_second:,.0f}/s; others took {usage.elsewhere_share:.0%} of a core meanwhile",
                per_second >= PER_SECOND,
            )
        ],
    )


def start(system: System, number: int) -> Child:
    """A collector with a port of its own."""
    environment = services.environment(_COLLECTOR, system.settings, system.servers)
    own = {**environment, "PORT": str(choose_free())}
    return Child(f"collector {number + 1}", _COLLECTOR.command, own, system.folder)


async def publish(system: System, actions: int) -> None:
    """Puts the backlog on the stream."""
    connection = StreamConnection(StreamSettings(nats_url=system.nats_url), "bench")
    stop = asyncio.Event()
    running = asyncio.create_task(connection.run(stop))
    await connection.ready()
    publisher = StreamPublisher(connection)
    for batch in Audience(seed=7).batches(actions):
        await publisher.publish_batch(batch)
    stop.set()
    await running
    await connection.close()


async def first_stored(postgres: Postgres) -> tuple[float, int]:
    """When the first transaction is seen, and how many actions it holds: from then on everything has started."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not (stored := int(await postgres.value(_STORED))):
        if time.monotonic() > deadline:
            raise RuntimeError("no collector stores anything")
        await asyncio.sleep(0.02)
    return time.monotonic(), stored


async def until_counted(system: System, actions: int) -> None:
    """Returns when the counters in Redis have been told of all."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    async with Redis.from_url(system.redis_url, decode_responses=True) as redis:
        while (counted := sum(map(int, await redis.hvals("events:social")))) < actions:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{counted:,} of {actions:,} actions were counted, and no more")
            await asyncio.sleep(0.05)


async def compared(system: System) -> Comparison:
    """Every counter against Postgres."""
    live = LiveSettings(redis_url=system.redis_url, redis_timeout_seconds=10)
    connection = LiveConnection(live, "bench")
    async with Database(StoreSettings(database_url=system.database_url)) as database:
        updates = LiveUpdates(database, "social", PROJECTIONS["social"])
        comparison = await compare(
            LiveCounters(connection, "social", "social"), updates, live.live_hold_seconds
        )
    await connection.close()
    assert comparison is not None
    return comparison


async def rebuilding(posts: int) -> Outcome:
    """All counters of so many posts, each with two days."""
    pings: list[float] = []
    with running_servers(("postgres", "redis")) as system:
        async with connected(system.database_url) as postgres:
            await postgres.execute(_MANY_POSTS.format(posts=posts))
        live = LiveSettings(redis_url=system.redis_url)
        connection, asking = LiveConnection(live, "bench"), LiveConnection(live, "ping")
        async with Database(StoreSettings(database_url=system.database_url)) as database:
            updates = LiveUpdates(database, "social", PROJECTIONS["social"])
            counters = LiveCounters(connection, "social", "social")
            rows: list[tuple[str, str]] = []
            for title in ("for the first time", "anew"):
                pings.clear()
                pinging = asyncio.create_task(keep_pinging(asking, pings))
                made = await rebuild(counters, updates, live.live_hold_seconds)
                pinging.cancel()
                await asyncio.wait({pinging})
                assert made is not None
                rows.append((f"{made.keys:,} keys, {title}", f"{made.seconds:.1f} s"))
                rows.append(("answers of Redis meanwhile, p50 / p95 / p99 / max", summary_ms(pings)))
            began = time.monotonic()
            comparison = await compare(counters, updates, live.live_hold_seconds)
            took = time.monotonic() - began
        await connection.close()
        await asking.close()
    assert comparison is not None
    assert not comparison.differences, comparison.differences[:5]
    rows.append((f"{comparison.compared:,} counters compared with Postgres, all equal", f"{took:.1f} s"))
    rows.append(("memory of this process, at most", f"{sizes(os.getpid()).get('VmHWM', 0) / 1e6:,.0f} MB"))
    return Outcome(f"The counters of {posts:,} posts", rows=rows)


async def keep_pinging(connection: LiveConnection, seconds: list[float]) -> None:
    """How long Redis takes to answer, every few milliseconds."""
    while True:
        began = time.perf_counter()
        await connection.ping()
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(0.005)


async def measure(actions: int, posts: int, console: Console) -> list[Outcome]:
    """All sections, shown as they are done."""
    outcomes: list[Outcome] = []
    for measuring in (rebuilding(posts), drain(actions, 1), drain(actions, 2)):
        outcomes.append(await measuring)
        tables.show_outcome(console, outcomes[-1])
    return outcomes


def main() -> None:
    """Measures, prints, records."""
    parser = argparse.ArgumentParser(prog="python -m bench.social", description=__doc__)
    parser.add_argument("--actions", type=int, default=ACTIONS)
    parser.add_argument("--posts", type=int, default=POSTS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-write", action="store_true", help="only print the results")
    given = parser.parse_args()
    os.environ |= prisma_cli.environment()
    console = Console(width=150)
    facts = machine.facts(shlex.join(("python", "-m", "bench.social", *sys.argv[1:])))
    outcomes = asyncio.run(measure(given.actions, given.posts, console))
    tables.show_verdicts(console, [verdict for outcome in outcomes for verdict in outcome.verdicts])
    if not given.no_write:
        sections = {outcome.title: outcome for outcome in outcomes}
        given.output.write_text(markdown.document(facts, sections, [], heading=_HEADING))
        console.print(f"written to {given.output}", highlight=False)


if __name__ == "__main__":
    main()
