"""From POST to visible: single events at a steady rate, each followed to the transaction that shows it to readers."""

import msgspec

from bench import load
from bench.metering import Meter
from bench.options import Options
from bench.outcome import Outcome
from bench.percentiles import percentile, summary_ms
from bench.postgres import connected
from bench.snapshots import SnapshotWatch, visible_at
from bench.stamped import Stamp
from bench.system import System, running_system
from bench.targets import LATENCY_RATE, visible
from bench.watching import ReportWatch
from ops.local import services

SECONDS = 20.0
_HOW = (
    "visible with the first Postgres snapshot that shows the event's transaction, of which the report's rollups are "
    "a part; figures are too high by up to the time between two snapshots,"
)
_TRANSACTIONS = "SELECT event_id, xmin::text::bigint AS transaction FROM events"


async def measure(options: Options) -> Outcome:
    seconds = options.seconds_at_most(SECONDS)
    with running_system() as system:
        environment = services.environment(services.PUBLISHER, system.settings, system.servers)
        watch, meter = ReportWatch(system), Meter(system.roots)
        snapshots = SnapshotWatch(system.database_url)
        async with meter.watching(), snapshots.watching():
            sent = await load.run(environment, "bench.stamped", str(LATENCY_RATE), f"{seconds:g}")
            stamps = msgspec.json.decode(sent.output, type=list[Stamp])
            accepted = [stamp for stamp in stamps if stamp.status == 202]
            await watch.until_visible(len(accepted))
            meter.add(sent.cost)
            usage = meter.usage(len(accepted))
        await watch.close()
        transactions = await _transactions(system)
    shown = [visible_at(snapshots.snapshots, transactions[stamp.event_id]) for stamp in accepted]
    delays = [at - stamp.due_at for at, stamp in zip(shown, accepted, strict=True) if at is not None]
    assert len(delays) == len(accepted), "the last snapshot was taken after the report was complete"
    rate = len(accepted) / seconds
    p99_ms = percentile(sorted(delays), 99) * 1000
    intervals = sorted(snapshots.intervals())
    return Outcome(
        f"Latency: {LATENCY_RATE} single-event POSTs/s, open loop",
        rows=[
            ("POSTs", f"{len(stamps):,} in {seconds:.0f} s, {len(accepted):,} accepted"),
            (
                "due to acknowledged, p50 / p95 / p99 / max",
                summary_ms(s.answered_at - s.due_at for s in accepted),
            ),
            ("due to visible, p50 / p95 / p99 / max", summary_ms(delays)),
            ("events per transaction", f"{len(accepted) / len(set(transactions.values())):.1f}"),
            (
                "how",
                f"{_HOW} {percentile(intervals, 50) * 1000:.1f} ms (p99 {percentile(intervals, 99) * 1000:.1f} ms)",
            ),
        ],
        usage=usage,
        verdicts=[visible(p99_ms, rate)],
        values={"p99_ms": p99_ms},
    )


async def _transactions(system: System) -> dict[str, int]:
    """Which transaction wrote each event."""
    async with connected(system.database_url) as postgres:
        return dict(await postgres.rows(_TRANSACTIONS))
