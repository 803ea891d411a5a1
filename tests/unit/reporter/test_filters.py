from datetime import UTC, datetime

import pytest

from pipeline.chassis.problems import Problem
from pipeline.events.vocabulary import SourceVocabulary, Vocabulary
from reporter.filters import Filters, parse_filters
from reporter.query import QueryProblem
from reporter.ranges import TimeRange

VOCABULARY = Vocabulary(
    {
        "facebook": SourceVocabulary(
            {"top": ("comment", "page.like"), "bottom": ("ad.click",)}, {"age": None}
        ),
        "tiktok": SourceVocabulary({"top": ("comment", "share"), "bottom": ("follow",)}, {"country": None}),
        "social": SourceVocabulary({"engagement": ("post",)}, {}, ("unknown.",)),
    }
)
SOURCES = ("facebook", "tiktok", "social")
ALL = ("from", "to", "source", "funnelStage", "eventType", "campaignId")


def parse(
    *query: tuple[str, str], allowed: tuple[str, ...] = ALL, sources: tuple[str, ...] = SOURCES
) -> Filters:
    return parse_filters(query, allowed, VOCABULARY, sources)


def refusals(*query: tuple[str, str], **how: tuple[str, ...]) -> list[QueryProblem]:
    with pytest.raises(Problem) as raised:
        parse(*query, **how)
    assert raised.value.status == 400
    return raised.value.errors


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


def test_no_filter_restricts_nothing() -> None:
    assert parse() == Filters(TimeRange(), SOURCES)
    assert parse(("source", ""), ("from", "")) == Filters(TimeRange(), SOURCES)


@pytest.mark.parametrize(
    ("text", "as_from", "as_to"),
    [
        ("2026-05-14", at(2026, 5, 14), at(2026, 5, 15)),
        ("20260514", at(2026, 5, 14), at(2026, 5, 15)),
        ("2026-12-31", at(2026, 12, 31), at(2027, 1, 1)),
        (
            "2026-05-14T10:46:28.214Z",
            at(2026, 5, 14, 10, 46, 28, 214_000),
            at(2026, 5, 14, 10, 46, 28, 214_000),
        ),
        ("2026-05-14T10:46", at(2026, 5, 14, 10, 46), at(2026, 5, 14, 10, 46)),
        ("2026-05-14 10:46:28", at(2026, 5, 14, 10, 46, 28), at(2026, 5, 14, 10, 46, 28)),
        ("2026-05-14T12:46:28+02:00", at(2026, 5, 14, 10, 46, 28), at(2026, 5, 14, 10, 46, 28)),
        ("2026-05-14T12:46:28 02:00", at(2026, 5, 14, 10, 46, 28), at(2026, 5, 14, 10, 46, 28)),
        ("2026-05-14T00:00:00Z", at(2026, 5, 14), at(2026, 5, 14)),
    ],
)
def test_instants(text: str, as_from: datetime, as_to: datetime) -> None:
    assert parse(("from", text)).time_range == TimeRange(as_from, None)
    assert parse(("to", text)).time_range == TimeRange(None, as_to)


def test_a_day_from_and_to_the_same_date_is_that_day() -> None:
    assert parse(("from", "2026-05-14"), ("to", "2026-05-14")).time_range == TimeRange(
        at(2026, 5, 14), at(2026, 5, 15)
    )


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-13-01",
        "2026-02-30",
        "1715683588",
        "2026-05-14T25:00",
        "9999-12-31",
        "0001-01-01T00:00+14:00",
    ],
)
@pytest.mark.parametrize("name", ["from", "to"])
def test_bad_dates_are_told_what_a_date_looks_like(name: str, text: str) -> None:
    (problem,) = refusals((name, text))
    assert problem.parameter == name
    assert "ISO 8601" in problem.detail
    assert text in problem.detail


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2026-05-15", "2026-05-14"),
        ("2026-05-14T10:00:00Z", "2026-05-14T10:00:00Z"),
        ("2026-05-14T10:00:00Z", "2026-05-14T11:30:00+02:00"),
    ],
)
def test_from_must_lie_before_to(starts: str, ends: str) -> None:
    (problem,) = refusals(("from", starts), ("to", ends))
    assert "must lie before" in problem.detail


@pytest.mark.parametrize(
    ("query", "parameter", "valid"),
    [
        ({"source": "myspace"}, "source", SOURCES),
        ({"source": "Facebook"}, "source", SOURCES),
        ({"funnelStage": "middle"}, "funnelStage", ("top", "bottom", "engagement")),
        ({"source": "social", "funnelStage": "top"}, "funnelStage", ("engagement",)),
        ({"source": "facebook", "eventType": "share"}, "eventType", ("comment", "page.like", "ad.click")),
        ({"funnelStage": "bottom", "eventType": "comment"}, "eventType", ("ad.click", "follow", "unknown.*")),
        (
            {"eventType": "nap"},
            "eventType",
            ("comment", "page.like", "share", "ad.click", "follow", "post", "unknown.*"),
        ),
    ],
)
def test_unknown_values_are_told_the_valid_ones(
    query: dict[str, str], parameter: str, valid: tuple[str, ...]
) -> None:
    (problem,) = refusals(*query.items())
    assert problem.parameter == parameter
    assert sorted(problem.valid) == sorted(valid)
    assert all(value in problem.detail for value in valid)


def test_a_report_without_a_source_knows_nothing_of_it() -> None:
    (problem,) = refusals(("source", "social"), sources=("facebook", "tiktok"))
    assert problem.valid == ("facebook", "tiktok")


def test_unknown_and_repeated_parameters_are_refused() -> None:
    unknown, repeated = refusals(("form", "2026-05-14"), ("source", "tiktok"), ("source", "facebook"))
    assert unknown.valid == ALL
    assert unknown.parameter == "form"
    assert "more than once" in repeated.detail
    (foreign,) = refusals(("campaignId", "camp-1"), allowed=("from", "to"))
    assert foreign.valid == ("from", "to")


def test_all_violations_are_told_at_once() -> None:
    found = refusals(("from", "x"), ("to", "y"), ("source", "z"), ("eventType", "nap"), ("campaignId", "\0"))
    assert [problem.parameter for problem in found] == ["from", "to", "source", "eventType", "campaignId"]


def test_the_source_restricts_which_progress_is_asked() -> None:
    assert parse(("source", "tiktok")).sources == ("tiktok",)


def test_a_type_that_nobody_can_list_is_accepted_where_its_source_has_such() -> None:
    assert parse(("eventType", "unknown.x_y")).event_type == "unknown.x_y"
    assert parse(("source", "social"), ("eventType", "unknown.x")).event_type == "unknown.x"


@pytest.mark.parametrize(
    ("source", "event_type"),
    [
        ("facebook", "unknown.x"),
        ("social", "known.x"),
        ("social", "unknown.\0"),
        ("social", "unknown." + "x" * 128),
    ],
)
def test_a_type_that_no_source_can_have_is_refused_with_what_is_valid(source: str, event_type: str) -> None:
    [problem] = refusals(("source", source), ("eventType", event_type))
    assert problem.parameter == "eventType"
    assert ("unknown.*" in problem.valid) == (source == "social")
