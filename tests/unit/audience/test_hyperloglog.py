import numpy as np
import pytest

from pipeline.audience.hyperloglog import REGISTERS, STANDARD_ERROR, Registers, estimate, index_and_rank


def registers_of(hashes: "np.ndarray") -> Registers:
    registers = np.zeros(REGISTERS, np.uint8)
    index, rank = index_and_rank(hashes)
    np.maximum.at(registers, index, rank)
    return registers


@pytest.mark.parametrize("users", [0, 1, 10, 1_000, 30_000, 100_000, 300_000, 1_000_000])
def test_the_error_is_what_theory_says_from_zero_up(users: int) -> None:
    rng = np.random.default_rng(users)
    errors = [
        estimate(registers_of(rng.integers(0, 2**64, users, dtype=np.uint64))) / max(users, 1) - (users > 0)
        for _ in range(6)
    ]
    assert np.sqrt(np.mean(np.square(errors))) < 1.8 * STANDARD_ERROR
    assert abs(np.mean(errors)) < 1.8 * STANDARD_ERROR


def test_consecutive_hashes_count_as_well_as_random_ones() -> None:
    assert estimate(registers_of(np.arange(500_000, dtype=np.uint64))) == pytest.approx(500_000, rel=0.01)


def test_seeing_somebody_again_changes_nothing() -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, 10_000, dtype=np.uint64)
    assert np.array_equal(registers_of(hashes), registers_of(np.concatenate([hashes, hashes[::-1]])))


def test_ranks_count_leading_zeros() -> None:
    hashes = np.random.default_rng(2).integers(0, 2**64, 400_000, dtype=np.uint64)
    index, rank = index_and_rank(hashes)
    assert index.min() >= 0
    assert index.max() < REGISTERS
    shares = np.bincount(rank, minlength=5)[1:5] / len(hashes)
    assert shares == pytest.approx([1 / 2, 1 / 4, 1 / 8, 1 / 16], rel=0.02)
