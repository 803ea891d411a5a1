"""The one screen, as a person sees it."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from console.status.findings import findings_of
from console.status.screen import show
from console.status.snapshot import Snapshot
from tests.unit.console.snapshots import dead_letters, server, service, snapshot, source


def screen(found: Snapshot, width: int = 80, *, terminal: bool = False) -> str:
    file = io.StringIO()
    show(Console(file=file, width=width, highlight=False, force_terminal=terminal), found, findings_of(found))
    return file.getvalue()


def line(text: str, beginning: str) -> Sequence[str]:
    (found,) = [each for each in text.splitlines() if each.startswith(beginning)]
    return found.split()


def test_it_begins_with_the_verdict() -> None:
    assert screen(snapshot()).splitlines()[0] == "Sluice at 2026-05-01 12:00:00 UTC: all is well"
    away = snapshot(servers=[server("nats", away="refused")])
    assert screen(away).splitlines()[0].endswith("1 wrong")


def test_a_source_is_one_line() -> None:
    text = screen(snapshot())

    assert line(text, "facebook ") == [
        "facebook",
        "1,250",
        "1,248",
        "1,500",
        "0.2",
        "s",
        "0.0",
        "s",
        "0.2",
        "s",
    ]


def test_canaries_are_told_where_there_are_any() -> None:
    sources = [
        source("facebook", canary_seconds=3.24),
        source("tiktok", canary_seconds=75.0),
        source("custom"),
    ]

    text = screen(snapshot(sources=sources), width=110)

    assert "youngest canary that came through: facebook 3.2 s ago, tiktok 1 min 15 s ago\n" in text
    assert "canary" not in screen(snapshot())


def test_what_is_unknown_is_a_dash() -> None:
    unknown = source("facebook", accepted_per_second=None, events=None, batches=None, catch_up_seconds=None)

    assert line(screen(snapshot(sources=[unknown])), "facebook ")[:4] == ["facebook", "-", "1,248", "-"]


def test_without_a_collector_the_batches_are_told_that_wait() -> None:
    waiting = source("facebook", events=None, batches=132)

    assert "132 batches" in screen(snapshot(sources=[waiting]))


@pytest.mark.parametrize("width", [80, 110])
def test_it_fits(width: int) -> None:
    busy = snapshot(
        sources=[
            source(
                name,
                accepted_per_second=123_456,
                stored_per_second=123_456,
                events=98_765_432,
                oldest_seconds=7_199,
                catch_up_seconds=None,
                report_lag_seconds=7_199,
            )
            for name in ("facebook", "tiktok", "custom")
        ],
        services=[
            service("facebook-collector", "away", detail="no answer in time, " * 9),
            service("gateway"),
        ],
    )

    assert max(len(each) for each in screen(busy, width).splitlines()) <= width
    assert "98,765,432" in screen(busy, width)
    assert "1 h 59 min" in screen(busy, width)


def test_dead_letters_are_counted_by_source_and_reason() -> None:
    kept = dead_letters(("facebook", "schema_violation", 1_204), ("tiktok", "storage_rejected", 2))

    assert line(screen(kept), "facebook      schema_v") == ["facebook", "schema_violation", "1,204"]


def test_many_kinds_of_dead_letters_end_in_a_sum() -> None:
    kept = dead_letters(*((f"source-{number}", "schema_violation", 10) for number in range(12)))

    assert line(screen(kept), "and others")[-1] == "40"


def test_dead_letters_that_could_not_be_counted_are_told_of() -> None:
    assert "too many to count" in screen(snapshot(dead_letters=None))
    away = snapshot(dead_letters=None, servers=[server("nats", away="refused")])
    assert "too many to count" not in screen(away)


def test_a_finding_ends_with_what_to_do() -> None:
    text = screen(snapshot(servers=[server("postgres", away="refused")]))

    assert "problem: Postgres is not reachable: refused" in text
    assert "  Events are accepted and wait in the stream" in text


def test_colours_are_for_terminals() -> None:
    assert "\x1b[" not in screen(snapshot())
    assert "\x1b[" in screen(snapshot(), terminal=True)
