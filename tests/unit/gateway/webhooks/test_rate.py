"""The token bucket: bursts, the long run, and how long to wait."""

import pytest

from gateway.webhooks.rate import DeliveryRates


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_the_rate() -> None:
    clock = Clock()
    rates = DeliveryRates(2.0, 3, clock)

    assert [rates.wait_seconds("w", "s") for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    clock.now += 0.5
    assert rates.wait_seconds("w", "s") == 0
    assert rates.wait_seconds("w", "s") == pytest.approx(0.5)
    clock.now += 3600
    assert [rates.wait_seconds("w", "s") > 0 for _ in range(4)] == [False, False, False, True]


def test_senders_do_not_share() -> None:
    rates = DeliveryRates(0.1, 1, Clock())
    assert [rates.wait_seconds("w", name) for name in ("a", "b")] == [0, 0]
    assert rates.wait_seconds("w", "a") > 0


def test_no_rate_is_no_limit() -> None:
    rates = DeliveryRates(0.0, 1, Clock())
    assert not any(rates.wait_seconds("w", "s") for _ in range(1000))
    assert rates.per_minute is None
