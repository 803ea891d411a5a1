"""Sliding windows: never more than the limit in any window, room that comes back, and bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.live.rate_windows import SLOTS, Quota, Windows, slot_width_ms

WINDOW_MS = 60_000
ADA = Quota("user", "ada", 3)
HOME = Quota("address", "home", 5)


def test_the_limit_is_exact_and_all_of_it_comes_back() -> None:
    windows = Windows(WINDOW_MS, 100)

    taken = [windows.take([ADA], 1000 * second) for second in range(5)]

    assert [admitted for admitted, _ in taken] == [True, True, True, False, False]
    assert [rooms[0].remaining for _, rooms in taken] == [2, 1, 0, 0, 0]
    last_refused = taken[-1][1][0]
    at = 4000 + last_refused.reset_ms
    assert windows.take([ADA], at - 1)[0] is False
    assert windows.take([ADA], at)[0] is True
    assert windows.take([ADA], at + 10 * WINDOW_MS)[1][0].remaining == 2


def test_a_request_that_one_quota_refuses_uses_up_none() -> None:
    windows = Windows(WINDOW_MS, 100)
    for _ in range(3):
        windows.take([HOME, ADA], 0)

    admitted, rooms = windows.take([HOME, ADA], 0)

    assert not admitted
    assert [(room.quota.name, room.remaining) for room in rooms] == [("address", 2), ("user", 0)]
    assert windows.take([HOME], 0)[1][0].remaining == 1


def test_only_the_last_used_are_remembered() -> None:
    windows = Windows(WINDOW_MS, 10)
    for number in range(100):
        windows.take([Quota("address", str(number), 1)], number)

    assert len(windows) == 10
    assert windows.take([Quota("address", "99", 1)], 100)[0] is False
    assert windows.take([Quota("address", "5", 1)], 100)[0] is True


@given(
    st.lists(st.integers(0, 30_000), max_size=80), st.integers(1, 10), st.sampled_from([1000, 7777, 60_000])
)
def test_no_window_ever_holds_more_than_the_limit(pauses: list[int], limit: int, window_ms: int) -> None:
    windows = Windows(window_ms, 10)
    quota = Quota("user", "u", limit)
    now, admitted = 0, list[int]()
    for pause in pauses:
        now += pause
        was_admitted, [room] = windows.take([quota], now)
        in_window = sum(now - at < window_ms for at in admitted)
        in_longest = sum(now - at <= window_ms + slot_width_ms(window_ms) + SLOTS for at in admitted)
        if was_admitted:
            admitted.append(now)
            assert in_window < limit
            assert room.remaining == limit - sum(
                at // slot_width_ms(window_ms) >= now // slot_width_ms(window_ms) - SLOTS for at in admitted
            )
        else:
            assert in_longest >= limit, "refused although a window and a slot hold fewer"
            assert room.reset_ms > 0
