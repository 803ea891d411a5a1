"""Memory of the gateway while the largest bodies of the firehose overlap."""

from bench.load import publish
from bench.metering import Meter
from bench.options import Options
from bench.outcome import Outcome
from bench.procfs import sizes
from bench.system import running_system
from bench.targets import gateway_memory
from ops.local.services import GATEWAY

CONNECTIONS = 6
EVENTS = 50_000
SECONDS = 20.0
_HARMLESS = ("202", "503")


async def measure(options: Options) -> Outcome:
    seconds = options.seconds_at_most(SECONDS)
    load = ("--rate", "0", "--batch-size", str(EVENTS), "--concurrency", str(CONNECTIONS))
    with running_system() as system:
        meter = Meter(system.roots)
        before = sizes(system.roots[GATEWAY.name]).get("VmRSS", 0)
        async with meter.watching():
            published = await publish(system, *load, "--duration", f"{seconds:g}", "--timeout", "120")
            meter.add(published.cost)
            usage = meter.usage(published.summary.accepted)
    summary = published.summary
    peak = next(cost.peak_bytes for cost in usage.costs if cost.process == GATEWAY.name)
    mean_mb = summary.bytes / max(1, summary.posts) / 1e6
    answers = ", ".join(f"{status}: {count:,}" for status, count in summary.answers.items())
    strange = [f"{count} x {status}" for status, count in summary.answers.items() if status not in _HARMLESS]
    return Outcome(
        f"Memory: {CONNECTIONS} POSTs of {EVENTS:,} events at a time",
        rows=[
            (
                "POSTs",
                f"{summary.posts:,} of {mean_mb:.1f} MB in {summary.elapsed_seconds:.1f} s; answers {answers}",
            ),
            (
                "not waited for",
                "what the collectors had not stored yet: the costs below are those of taking in",
            ),
            ("gateway before", f"{before / 1e6:,.0f} MB resident"),
            ("gateway at most", f"{peak / 1e6:,.0f} MB resident"),
        ],
        usage=usage,
        verdicts=[gateway_memory(peak, ", ".join(strange))],
        values={"peak_bytes": float(peak)},
    )
