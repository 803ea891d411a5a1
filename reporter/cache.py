"""What was decoded or counted before, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Anything that knows how much memory its arrays take."""

    @property
    def nbytes(self) -> int: ...


ValueT = TypeVar("ValueT", bound=Sized)

_OVERHEAD_BYTES = 1_000  # of a key, an entry and the objects around the arrays


class ByteBoundedCache(Generic[ValueT]):
    """Forgets what was used longest ago once its values exceed `max_bytes`. For one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, tuple[ValueT, int]] = OrderedDict()
        self.nbytes = 0

    def get(self, key: Hashable) -> ValueT | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: ValueT) -> None:
        """Keeps a value, or takes note of its new size. One that is larger than the whole cache is not kept."""
        self.discard(key)
        size = value.nbytes + _OVERHEAD_BYTES
        if size > self._max_bytes:
            return
        self._entries[key] = (value, size)
        self.nbytes += size
        while self.nbytes > self._max_bytes:
            _, (_, freed) = self._entries.popitem(last=False)
            self.nbytes -= freed

    def discard(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.nbytes -= entry[1]

    def clear(self) -> None:
        self._entries.clear()
        self.nbytes = 0
