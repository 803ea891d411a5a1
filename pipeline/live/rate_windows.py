"""Sliding windows in this process, for as long as there is no Redis to share them. Pure, and of bounded size."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

SLOTS = 60
"""A window is counted in so many slots. A request counts until its whole slot is out of the window, so there are
never more than the limit in any window, and room comes back up to one slot late."""


class Quota(NamedTuple):
    """So many requests of somebody in a window. `name` is what the limit is called, `key` whose it is."""

    name: str
    key: str
    limit: int


class Room(NamedTuple):
    """What a quota has left, and in how many milliseconds some of what is used comes back."""

    quota: Quota
    remaining: int
    reset_ms: int


class Windows:
    """The windows of the `capacity` quotas that were used last. `now_ms` never runs backwards."""

    def __init__(self, window_ms: int, capacity: int) -> None:
        self._width_ms = slot_width_ms(window_ms)
        self._capacity = capacity
        self._windows: OrderedDict[tuple[str, str], dict[int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, quotas: Sequence[Quota], now_ms: int) -> tuple[bool, list[Room]]:
        """Counts a request when every quota has room for it. Returns whether it is admitted, and what is left."""
        slot = now_ms // self._width_ms
        used = [self._used(quota, slot) for quota in quotas]
        admitted = all(number < quota.limit for quota, number in zip(quotas, used, strict=True))
        if admitted:
            self.note(quotas, now_ms)
        rooms = [
            Room(quota, max(0, quota.limit - number - admitted), self._reset_ms(quota, now_ms))
            for quota, number in zip(quotas, used, strict=True)
        ]
        return admitted, rooms

    def note(self, quotas: Sequence[Quota], now_ms: int) -> None:
        """Counts a request that was admitted elsewhere."""
        slot = now_ms // self._width_ms
        for name, key, _ in quotas:
            window = self._windows.setdefault((name, key), {})
            while window and (oldest := next(iter(window))) < slot - SLOTS:
                del window[oldest]
            window[slot] = window.get(slot, 0) + 1
            self._windows.move_to_end((name, key))
        while len(self._windows) > self._capacity:
            self._windows.popitem(last=False)

    def _used(self, quota: Quota, slot: int) -> int:
        window = self._windows.get((quota.name, quota.key))
        return sum(number for at, number in window.items() if at >= slot - SLOTS) if window else 0

    def _reset_ms(self, quota: Quota, now_ms: int) -> int:
        window = self._windows.get((quota.name, quota.key), {})
        earliest = now_ms // self._width_ms - SLOTS
        oldest = next((slot for slot in window if slot >= earliest), None)
        return 0 if oldest is None else (oldest + SLOTS + 1) * self._width_ms - now_ms


def slot_width_ms(window_ms: int) -> int:
    """The slots of a window, rounded up, so that they never cover less than it."""
    return -(-window_ms // SLOTS)
