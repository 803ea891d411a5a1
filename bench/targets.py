"""What the results are held against."""

from bench.outcome import Outcome, Verdict

END_TO_END_PER_SECOND = 20_000
AIM_PER_SECOND = 25_500
SUSTAINED_SECONDS = 60
DRAIN_SECONDS = 3.0
"""A run is sustained when the report is complete so soon after the last answer: nothing has piled up."""
SINGLE_PER_SECOND = 3_000
VISIBLE_P99_MS = 100
LATENCY_RATE = 500
GATEWAY_BYTES = 400 * 1000**2
TIMES_THE_PEER = 10


def end_to_end(
    load: str, per_second: float, drain_seconds: float, seconds: float, refused: str
) -> list[Verdict]:
    """Firehose or steady `load`: fast enough, and for long enough without falling behind."""
    sustained = drain_seconds <= DRAIN_SECONDS and not refused
    how = "sustained" if sustained else f"not sustained: {drain_seconds:.1f} s behind at the end"
    how += f", refused: {refused}" if refused else ""
    how += f"; {seconds:.0f} s are too short to tell" if seconds < SUSTAINED_SECONDS else ""
    measured = f"{per_second:,.0f} events/s over {seconds:.0f} s, {how}"
    enough = sustained and seconds >= SUSTAINED_SECONDS
    return [
        Verdict(
            f"{load}: at least {END_TO_END_PER_SECOND:,} events/s end to end, sustained for {SUSTAINED_SECONDS} s",
            measured,
            enough and per_second >= END_TO_END_PER_SECOND,
        ),
        # The sizes of the firehose are random: what counts is that it was followed, not the last event.
        Verdict(
            f"{load}: aim at {AIM_PER_SECOND:,}", measured, enough and per_second >= 0.99 * AIM_PER_SECOND
        ),
    ]


def single_posts(per_second: float) -> Verdict:
    return Verdict(
        f"at least {SINGLE_PER_SECOND:,} single-event POSTs/s, each acknowledged on disk",
        f"{per_second:,.0f}/s",
        per_second >= SINGLE_PER_SECOND,
    )


def visible(p99_ms: float, rate: float) -> Verdict:
    return Verdict(
        f"p99 from POST to visible in the report under {VISIBLE_P99_MS} ms at {LATENCY_RATE} single POSTs/s",
        f"{p99_ms:,.1f} ms at {rate:,.0f}/s",
        p99_ms < VISIBLE_P99_MS and rate >= LATENCY_RATE,
    )


def gateway_memory(peak_bytes: int, strange: str) -> Verdict:
    measured = f"{peak_bytes / 1e6:,.0f} MB" + (
        f"; answers other than 202 and 503: {strange}" if strange else ""
    )
    return Verdict(
        f"gateway memory under {GATEWAY_BYTES / 1e6:.0f} MB while overlapping 21.5 MB POSTs arrive",
        measured,
        peak_bytes < GATEWAY_BYTES and not strange,
    )


def ratios(outcomes: dict[str, Outcome]) -> list[Verdict]:
    """What takes two sections: our closed loop against the peer's, and against the limit."""
    verdicts: list[Verdict] = []
    ours = _value(outcomes, "closed", "per_second")
    if ours and (peer := _value(outcomes, "peer", "per_second")):
        measured = f"{ours / peer:,.1f}x ({ours:,.0f} against {peer:,.0f} events/s, both in a closed loop)"
        target = f"at least {TIMES_THE_PEER}x the textbook peer on the same fsynced JetStream"
        verdicts.append(Verdict(target, measured, ours >= TIMES_THE_PEER * peer))
    mine, theirs = (
        _value(outcomes, "closed", "cpu_per_thousand"),
        _value(outcomes, "peer", "cpu_per_thousand"),
    )
    if mine and theirs:
        measured = f"{theirs / mine:,.1f}x less ({mine:.4f} against {theirs:.4f})"
        verdicts.append(Verdict("CPU s per 1,000 events, against the peer", measured, None))
    mine, theirs = _value(outcomes, "single", "per_second"), _value(outcomes, "peer", "single_per_second")
    if mine and theirs:
        measured = f"{mine / theirs:,.1f}x ({mine:,.0f} against {theirs:,.0f} POSTs/s)"
        verdicts.append(Verdict("single-event POSTs, against the peer", measured, None))
    if ours and (limit := _value(outcomes, "copy", "per_second")):
        measured = f"{ours / limit:.0%} ({ours:,.0f} events/s against {limit:,.0f} rows/s)"
        verdicts.append(Verdict("the whole pipeline against COPY alone into the same table", measured, None))
    return verdicts


def _value(outcomes: dict[str, Outcome], section: str, name: str) -> float | None:
    return outcomes[section].values.get(name) if section in outcomes else None
