from decimal import Decimal

import pytest

from publisher import comparison
from publisher.comparison import compare_demographics, compare_events, compare_revenue
from publisher.generator import Generator, Mix, Span
from publisher.truth import Truth
from tests.unit.publisher.fake_reporter import demographics_report, events_report, revenue_report


@pytest.fixture
def truth() -> Truth:
    generator = Generator(9, Mix(returning_users=0.3, user_pool=200))
    truth = Truth(generator.crowd)
    truth.add(generator.batch(20_000, Span(1_778_760_000_000_000_000)).facts)
    return truth


def subjects(offenders) -> list[str]:
    return [offender.subject for offender in offenders]


def test_reports_that_equal_the_truth_have_no_offenders(truth: Truth):
    assert subjects(compare_events(events_report(truth), truth)) == []
    assert subjects(compare_revenue(revenue_report(truth), truth)) == []
    assert subjects(compare_demographics(demographics_report(truth), truth)) == []


def test_one_event_too_few_is_found(truth: Truth):
    report = events_report(truth)
    report[3]["count"] -= 1
    kind = "/".join(report[3][field] for field in ("source", "funnelStage", "eventType"))
    [offender] = compare_events(report, truth)
    assert offender.subject == f"events {kind}"
    assert offender.detail == f"report {report[3]['count']}, truth {report[3]['count'] + 1}"


def test_a_missing_row_and_a_row_too_many_are_found(truth: Truth):
    report = events_report(truth)
    report[0] = {"source": "facebook", "funnelStage": "top", "eventType": "like", "count": 1}
    assert len(list(compare_events(report, truth))) == 2


def test_a_cent_is_found(truth: Truth):
    report = revenue_report(truth)
    report[0]["totalRevenue"] = str(Decimal(report[0]["totalRevenue"]) + Decimal("0.01"))
    assert subjects(compare_revenue(report, truth)) == [f"revenue {report[0]['source']}"]


def test_a_transaction_too_many_is_found(truth: Truth):
    report = revenue_report(truth)
    report[1]["transactionCount"] += 1
    assert subjects(compare_revenue(report, truth)) == [f"transactions {report[1]['source']}"]


def test_sources_without_transactions_may_be_rows_of_zeros_or_left_out():
    nothing = Truth([])
    zeros = [{"source": "tiktok", "totalRevenue": "0.00", "transactionCount": 0}]
    assert subjects(compare_revenue(zeros, nothing)) == subjects(compare_revenue([], nothing)) == []


@pytest.mark.parametrize(
    ("source", "facet"),
    [
        ("facebook", "age"),
        ("facebook", "gender"),
        ("facebook", "location"),
        ("tiktok", "followers"),
        ("tiktok", "device"),
    ],
)
def test_one_user_too_many_is_found_in_every_facet(truth: Truth, source: str, facet: str):
    report = demographics_report(truth)
    value = next(iter(report[source][facet]))
    report[source][facet][value] += 1
    assert subjects(compare_demographics(report, truth)) == [f"demographics {source} {facet} {value}"]


def test_a_wrong_total_is_found(truth: Truth):
    report = demographics_report(truth)
    report["tiktok"]["totalUsers"] -= 1
    assert subjects(compare_demographics(report, truth)) == ["demographics tiktok totalUsers"]


def test_a_country_pushed_out_by_a_smaller_one_is_found(truth: Truth):
    report = demographics_report(truth)
    countries = report["facebook"]["location"]
    first = next(iter(countries))
    countries["other"] += countries.pop(first)
    assert f"demographics facebook location {first}" in subjects(compare_demographics(report, truth))


def test_users_missing_from_other_are_found(truth: Truth):
    report = demographics_report(truth)
    report["tiktok"]["country"]["other"] = 0
    assert subjects(compare_demographics(report, truth)) == ["demographics tiktok country other"]


def test_a_source_that_is_missing_altogether_is_found(truth: Truth):
    report = demographics_report(truth)
    del report["tiktok"]
    assert "demographics tiktok totalUsers" in subjects(compare_demographics(report, truth))


def test_beyond_the_exact_range_distinct_users_may_be_estimates(
    truth: Truth, monkeypatch: pytest.MonkeyPatch
):
    report = demographics_report(truth)
    facebook = report["facebook"]
    facebook["totalUsers"] = round(facebook["totalUsers"] * 1.01)
    assert subjects(compare_demographics(report, truth)) == ["demographics facebook totalUsers"]
    monkeypatch.setattr(comparison, "_EXACT_UP_TO_EVENTS", 1_000)
    assert subjects(compare_demographics(report, truth)) == ["demographics facebook totalUsers"]
    facebook |= {"approximate": True, "standardErrorPercent": 0.8}
    assert subjects(compare_demographics(report, truth)) == []
    facebook["totalUsers"] = round(facebook["totalUsers"] * 1.05)
    assert subjects(compare_demographics(report, truth)) == ["demographics facebook totalUsers"]


def test_an_estimate_where_exact_figures_are_promised_is_found(truth: Truth):
    report = demographics_report(truth)
    report["tiktok"] |= {"approximate": True, "standardErrorPercent": 0.8}
    [offender] = compare_demographics(report, truth)
    assert offender.detail == f"estimated for {truth.events_of('tiktok')} events"


@pytest.mark.parametrize("name", ["averageWatchSeconds", "averagePercentageWatched"])
def test_a_wrong_average_is_found(truth: Truth, name: str):
    report = demographics_report(truth)
    report["tiktok"][name] = round(report["tiktok"][name] + 0.01, 2)
    assert subjects(compare_demographics(report, truth)) == [f"demographics tiktok {name}"]


def test_without_a_view_there_is_no_average_to_compare():
    nothing = Truth([])
    assert subjects(compare_demographics(demographics_report(nothing), nothing)) == []
