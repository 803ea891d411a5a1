"""How much flows, from the metrics of the services at two moments."""

import pytest

from console.status.flow import PROCESSED, REFUSED, Reading, counts_of, rate

EXPOSITION = """\
# HELP events_processed Events committed
# TYPE events_processed counter
events_processed_total{service="facebook-collector",source="facebook"} 1200.0
events_processed_created{service="facebook-collector",source="facebook"} 1.7e+09
# HELP dead_letters Events kept as dead letters
# TYPE dead_letters counter
dead_letters_total{reason="schema_violation",source="facebook"} 3.0
dead_letters_total{reason="storage_rejected",source="facebook"} 2.0
# HELP consumer_lag_seconds Age
# TYPE consumer_lag_seconds gauge
consumer_lag_seconds{source="facebook"} NaN
# EOF
"""


def test_counters_are_added_up_by_source() -> None:
    assert counts_of(EXPOSITION) == {(PROCESSED, "facebook"): 1200.0, (REFUSED, "facebook"): 5.0}


def test_what_is_no_exposition_is_refused() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its texts are prometheus_client's
        counts_of("<html>not found</html>")


def reading(at_seconds: float, processed: float) -> Reading:
    return Reading(at_seconds, {(PROCESSED, "facebook"): processed})


def test_a_rate_is_what_came_between_the_readings() -> None:
    assert rate(PROCESSED, "facebook", [(reading(10, 1_000), reading(12, 1_500))]) == 250.0


def test_several_processes_add_up_each_over_its_own_time() -> None:
    pairs = [(reading(10, 0), reading(11, 100)), (reading(10, 500), reading(12, 700))]

    assert rate(PROCESSED, "facebook", pairs) == 200.0


def test_a_process_that_was_started_anew_counts_from_zero() -> None:
    assert rate(PROCESSED, "facebook", [(reading(10, 90_000), reading(11, 40))]) == 40.0


def test_a_source_that_was_never_counted_stands_still_and_without_a_process_it_is_unknown() -> None:
    assert rate(PROCESSED, "tiktok", [(reading(10, 1), reading(11, 2))]) == 0.0
    assert rate(PROCESSED, "facebook", []) is None
