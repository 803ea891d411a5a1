"""Percentiles, visibility and lag, from numbers that can be checked by hand."""

import pytest

from bench.percentiles import percentile, summary_ms
from bench.snapshots import parse_snapshot, visible_at
from bench.watching import Sample, thirds


def test_percentiles_are_values_that_occurred():
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 99) == 7.0


def test_no_values_have_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
    assert summary_ms([]) == "-"


def test_latencies_are_shown_in_milliseconds():
    assert summary_ms([0.002, 0.001, 0.004, 0.003]) == "2.0 / 4.0 / 4.0 / 4.0 ms"


def test_a_running_transaction_is_not_visible_and_its_finished_neighbour_is():
    snapshot = parse_snapshot("10:15:10,12", seen_at=1.0)
    assert [number for number in range(8, 17) if snapshot.shows(number)] == [8, 9, 11, 13, 14]


def test_an_empty_list_of_running_transactions_is_understood():
    assert parse_snapshot("10:10:", seen_at=1.0).running == frozenset()


def test_an_event_is_visible_from_the_first_snapshot_that_shows_its_transaction():
    texts = ["10:10:", "10:12:10,11", "10:13:10", "13:13:"]
    snapshots = [parse_snapshot(text, float(number)) for number, text in enumerate(texts)]
    assert visible_at(snapshots, 9) == 0.0
    assert visible_at(snapshots, 11) == 2.0
    assert visible_at(snapshots, 10) == 3.0
    assert visible_at(snapshots, 13) is None


def test_a_growing_lag_shows_in_the_thirds_of_the_run():
    samples = [Sample(100, 90, float(second)) for second in range(9)]
    assert thirds(samples) == [1.0, 4.0, 7.0]
    assert thirds(samples[:1]) == [0.0, 0.0, 0.0]
    assert samples[0].lag_events == 10
