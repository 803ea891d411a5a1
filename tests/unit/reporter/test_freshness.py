from datetime import UTC, datetime, timedelta

from reporter.freshness import COMPLETE_HEADER, LAG_HEADER, Freshness, Progress, judge, that_count

NOW = datetime(2026, 5, 14, 10, tzinfo=UTC)
STARTED = NOW - timedelta(hours=2)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def freshness(progress: dict[str, Progress], *sources: str) -> Freshness:
    return judge(progress, sources or ("a", "b"), NOW, STARTED, tolerance_seconds=3.0)


def test_collectors_that_have_stored_everything_have_no_lag() -> None:
    found = freshness({"a": Progress(ago(1), ago(1)), "b": Progress(ago(2.5), ago(2.5))})
    assert found == Freshness(0.0, ago(2.5))


def test_the_lag_is_the_age_of_the_oldest_event_that_waits() -> None:
    found = freshness({"a": Progress(ago(40), ago(1)), "b": Progress(ago(1), ago(1))})
    assert found == Freshness(40.0, ago(40))


def test_a_silent_collector_makes_the_lag_grow() -> None:
    found = freshness({"a": Progress(ago(600), ago(600)), "b": Progress(ago(1), ago(1))})
    assert found == Freshness(600.0, ago(600))


def test_a_source_that_never_reported_is_behind_since_the_start_and_has_no_bound() -> None:
    found = freshness({"a": Progress(ago(1), ago(1))})
    assert found == Freshness(7200.0, None)
    assert COMPLETE_HEADER not in found.headers()


def test_only_the_sources_of_the_report_count() -> None:
    assert freshness({"a": Progress(ago(1), ago(1))}, "a").lag_seconds == 0.0


def test_a_source_that_need_not_be_collected_counts_once_somebody_collects_it() -> None:
    some = {"a": Progress(ago(1), ago(1))}
    assert that_count(("a", "b", "c"), some, optional=("c",)) == ("a", "b")
    assert that_count(("a", "b", "c"), {**some, "c": Progress(ago(9), ago(9))}, optional=("c",)) == (
        "a",
        "b",
        "c",
    )


def test_who_asks_for_such_a_source_alone_learns_that_nobody_collects_it() -> None:
    assert that_count(("c",), {}, optional=("c",)) == ("c",)


def test_headers() -> None:
    assert Freshness(1.23456, NOW).headers() == {LAG_HEADER: "1.235", COMPLETE_HEADER: "2026-05-14T10:00:00Z"}
