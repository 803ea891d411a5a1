"""Single-event POSTs, as many as are answered: each acknowledged on disk."""

from bench.load import publish
from bench.metering import Meter
from bench.options import Options
from bench.outcome import Outcome
from bench.system import running_system
from bench.targets import single_posts
from bench.watching import ReportWatch

CONNECTIONS = 64
SECONDS = 15.0


async def measure(options: Options) -> Outcome:
    seconds = options.seconds_at_most(SECONDS)
    load = (
        "--rate",
        "0",
        "--batch-size",
        "1",
        "--concurrency",
        str(CONNECTIONS),
        "--duration",
        f"{seconds:g}",
    )
    with running_system() as system:
        watch, meter = ReportWatch(system), Meter(system.roots)
        async with meter.watching():
            published = await publish(system, *load)
            summary = published.summary
            shown_at = await watch.until_visible(summary.accepted)
            meter.add(published.cost)
            usage = meter.usage(summary.accepted)
        await watch.close()
    per_second = summary.answers.get("202", 0) / summary.elapsed_seconds
    answers = ", ".join(f"{status}: {count:,}" for status, count in summary.answers.items())
    return Outcome(
        f"Single-event POSTs: closed loop over {CONNECTIONS} kept-alive connections",
        rows=[
            ("POSTs", f"{summary.posts:,} in {summary.elapsed_seconds:.1f} s; answers {answers}"),
            ("POSTs/s acknowledged on disk", f"{per_second:,.0f}"),
            (
                "answer after, p50 / p95 / p99",
                f"{summary.latency_p50_ms} / {summary.latency_p95_ms} / {summary.latency_p99_ms} ms",
            ),
            ("last answer to all in the report", f"{shown_at - published.last_answer_at:.1f} s"),
        ],
        usage=usage,
        verdicts=[single_posts(per_second)],
        values={"per_second": per_second},
    )
