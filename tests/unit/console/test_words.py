"""Figures as people read them."""

import pytest

from console.words import UNKNOWN, count, duration, share, size


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, UNKNOWN),
        (0.0, "0.0 s"),
        (0.42, "0.4 s"),
        (12.4, "12 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7_500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, UNKNOWN), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 kB"), (5 * 1024**3, "5.0 GB")],
)
def test_sizes(number: int | None, shown: str) -> None:
    assert size(number) == shown


def test_counts_and_shares() -> None:
    assert (count(None), count(1_234_567.4)) == (UNKNOWN, "1,234,567")
    assert [share(each) for each in (0, 0.0004, 0.031, 0.5, 1)] == ["0 %", "0.0 %", "3.1 %", "50 %", "100 %"]
