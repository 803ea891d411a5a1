import random

import pytest

from publisher.latency import Latencies


def test_without_a_value_there_is_no_percentile():
    assert Latencies().percentile(50) is None


def test_percentiles_are_within_half_a_percent_of_the_nearest_rank():
    rng = random.Random(1)
    values = [rng.lognormvariate(-5, 2) for _ in range(20_001)]
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    values.sort()
    assert latencies.percentile(50) == pytest.approx(values[10_000], rel=0.005)
    assert latencies.percentile(95) == pytest.approx(values[19_000], rel=0.005)
    assert latencies.percentile(99) == pytest.approx(values[19_800], rel=0.005)
    assert latencies.percentile(100) == pytest.approx(values[-1], rel=0.005)


def test_a_single_value_is_every_percentile():
    latencies = Latencies()
    latencies.add(0.25)
    assert {round(latencies.percentile(p) or 0, 2) for p in (0, 1, 50, 99, 100)} == {0.25}


def test_no_time_at_all_is_a_value_too():
    latencies = Latencies()
    latencies.add(0.0)
    latencies.add(-0.001)  # a body that was answered before its due moment has passed
    assert len(latencies) == 2
    assert latencies.percentile(99) == pytest.approx(1e-6, rel=0.005)


def test_memory_does_not_grow_with_the_number_of_values():
    latencies = Latencies()
    for index in range(100_000):
        latencies.add(0.001 + index % 1_000 / 1e6)
    assert len(latencies) == 100_000
    assert len(latencies._buckets) < 150
