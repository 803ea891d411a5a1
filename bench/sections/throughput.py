"""The whole pipeline under load: accepted, on disk, committed, and shown by the events report."""

import os

from bench.load import Published, publish
from bench.metering import Meter
from bench.options import Options
from bench.outcome import Outcome
from bench.system import running_system
from bench.targets import end_to_end
from bench.watching import ReportWatch, lag_rows

STEADY_BATCH = 5_000
CLOSED_SECONDS = 20.0
CLOSED_CONCURRENCY = 8
_SMALLEST_POST = 1_000
_SEED = "11"
"""Fixed, so that every run of the same length sends bodies of the same sizes; over 60 s they come to 26,100 a
second on average."""


async def firehose(options: Options) -> Outcome:
    """One POST a second of uniformly 1,000 to 50,000 events, answered or not."""
    largest = 2 * options.rate - _SMALLEST_POST
    sizes = ("--firehose", "--min", str(_SMALLEST_POST), "--max", str(largest), "--seed", _SEED)
    title = f"Firehose: one POST a second of {_SMALLEST_POST:,} to {largest:,} events"
    return await _open_loop("firehose", title, options.seconds, *sizes)


async def steady(options: Options) -> Outcome:
    """The same rate in POSTs of one size."""
    load = ("--rate", str(options.rate), "--batch-size", str(STEADY_BATCH))
    title = f"Steady: {options.rate:,} events/s in POSTs of {STEADY_BATCH:,}"
    return await _open_loop("steady", title, options.seconds, *load)


async def closed(options: Options) -> Outcome:
    """As fast as answers come back: what drains when the load is more than can be followed."""
    load = ("--rate", "0", "--batch-size", str(STEADY_BATCH), "--concurrency", str(CLOSED_CONCURRENCY))
    title = f"Closed loop: {CLOSED_CONCURRENCY} senders with POSTs of {STEADY_BATCH:,}, as fast as they are answered"
    return await _run(title, options.seconds_at_most(CLOSED_SECONDS), load)


async def _open_loop(name: str, title: str, seconds: float, *load: str) -> Outcome:
    outcome = await _run(title, seconds, load)
    refused = {status: count for status, count in _answers(outcome).items() if status != "202"}
    outcome.verdicts += end_to_end(
        name,
        outcome.values["per_second"],
        outcome.values["drain_seconds"],
        seconds,
        ", ".join(f"{count:.0f} POSTs with {status}" for status, count in refused.items()),
    )
    return outcome


async def _run(title: str, seconds: float, load: tuple[str, ...]) -> Outcome:
    with running_system() as system:
        watch, meter = ReportWatch(system), Meter(system.roots)
        await watch.until_visible(0)
        async with meter.watching():
            async with watch.sampling():
                published = await publish(system, *load, "--duration", f"{seconds:g}")
            shown_at = await watch.until_visible(published.summary.accepted)
            meter.add(published.cost)
            usage = meter.usage(published.summary.accepted)
        await watch.close()
    # The first of N bodies, one a second, carries the events of the second before: N seconds' worth in N - 1.
    took = max(shown_at - published.first_post_at, seconds)
    outcome = Outcome(title, usage=usage)
    outcome.values = {
        "per_second": published.summary.accepted / took,
        "drain_seconds": shown_at - published.last_answer_at,
        "cpu_per_thousand": usage.per_thousand(usage.total),
        **{f"answer {status}": float(count) for status, count in published.summary.answers.items()},
    }
    outcome.rows = [*_rows(published, took, outcome), *lag_rows(watch.samples)]
    return outcome


def _rows(published: Published, took: float, outcome: Outcome) -> list[tuple[str, str]]:
    summary, cost = published.summary, outcome.values["cpu_per_thousand"]
    answers = ", ".join(f"{status}: {count:,}" for status, count in summary.answers.items())
    cores = len(os.sched_getaffinity(0))
    acknowledged = published.last_answer_at - published.first_post_at
    return [
        ("sent", f"{summary.sent:,} events in {summary.posts:,} POSTs, {summary.bytes / 1e6:,.0f} MB"),
        ("accepted", f"{summary.accepted:,}; rejected {summary.rejected:,}; answers {answers}"),
        ("first POST to all in the report", f"{took:.1f} s"),
        ("events/s, accepted to shown by the report", f"{outcome.values['per_second']:,.0f}"),
        ("events/s, acknowledged by the gateway", f"{summary.accepted / acknowledged:,.0f}"),
        ("last answer to all in the report", f"{outcome.values['drain_seconds']:.1f} s"),
        (
            f"CPU s per 1,000 events; what {cores} cores could carry at most",
            f"{cost:.4f}; {cores * 1000 / cost:,.0f} events/s, publisher included",
        ),
        (
            "answer after, p50 / p95 / p99",
            f"{summary.latency_p50_ms} / {summary.latency_p95_ms} / {summary.latency_p99_ms} ms",
        ),
    ]


def _answers(outcome: Outcome) -> dict[str, float]:
    return {
        name.removeprefix("answer "): v for name, v in outcome.values.items() if name.startswith("answer ")
    }
