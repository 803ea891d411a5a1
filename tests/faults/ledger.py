"""Every id that was sent, what was answered about it, and during which fault: against what is stored, exactly.

18 bytes an entry. The publisher's ledger says *whether* something was lost; this one says in whose window it was, and
how the sums come about. An id that is sent again gets another entry, and the verdict that binds most is the one that
counts: accepted before unknown before rejected.
"""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.ledger import Stored

_KEY_BYTES = 16
_SHOWN = 20
_NOT_SENT = -1


@dataclass(frozen=True)
class Balance:
    """Events, unless said otherwise. `accepted` counts answers: an id that was accepted three times counts three.

    By window, in which the binding answer was given: `lost` (accepted, but not stored), `doubled` (stored more than
    once), `leaked` (rejected, but stored).
    """

    sent: int
    accepted: int
    accepted_ids: int
    unknown_ids: int
    rejected_ids: int
    stored: int
    stored_of_unknown: int
    foreign: int
    lost: Counter[int] = field(default_factory=Counter[int])
    doubled: Counter[int] = field(default_factory=Counter[int])
    leaked: Counter[int] = field(default_factory=Counter[int])
    offenders: list[str] = field(default_factory=list[str])

    @property
    def duplicates(self) -> int:
        """Accepted, and known already: sent again on purpose."""
        return self.accepted - self.accepted_ids

    @property
    def holds(self) -> bool:
        """accepted = stored + duplicates (what was stored without an answer apart), and nothing else is there."""
        exact = self.accepted == self.stored - self.stored_of_unknown + self.duplicates
        return exact and not self.foreign and not (self.lost or self.doubled or self.leaked)


class Ledger:
    """The entries of a run. `window` is where new ones go: the number of the fault that is being injected."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._verdicts = bytearray()
        self._windows = bytearray()
        self.window = 0

    def __len__(self) -> int:
        return len(self._verdicts)

    def record(self, ids: bytes, codes: bytes, verdicts: bytes) -> None:
        """Events of one body: 16 bytes of id and one verdict each, as the publisher's account enters them."""
        assert len(ids) == _KEY_BYTES * len(codes) == _KEY_BYTES * len(verdicts)
        self._ids += ids
        self._verdicts += verdicts
        self._windows += bytes([self.window]) * len(verdicts)

    def compare(self, stored: Stored) -> Balance:
        """What the database holds, against what was answered."""
        rows = b"".join(stored.keys.values())
        keys = np.frombuffer(bytes(self._ids) + rows, dtype=">u8").reshape(-1, 2).astype(np.uint64)
        verdicts = np.frombuffer(bytes(self._verdicts), dtype=np.uint8).astype(np.int64)
        windows = np.frombuffer(bytes(self._windows), dtype=np.uint8).astype(np.int64)
        is_row = np.zeros(len(keys), dtype=np.int64)
        is_row[len(verdicts) :] = 1
        # The binding verdict, and among equal ones the earliest window, is the greatest of these.
        weights = np.full(len(keys), _NOT_SENT, dtype=np.int64)
        weights[: len(verdicts)] = verdicts * 256 + (255 - windows)
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        keys, is_row, weights = keys[order], is_row[order], weights[order]
        changes = np.any(keys[1:] != keys[:-1], axis=1)
        starts = np.concatenate(([0], np.flatnonzero(changes) + 1)) if len(keys) else np.zeros(0, dtype=int)
        if not len(starts):
            return Balance(0, 0, 0, 0, 0, 0, 0, 0)
        times = np.add.reduceat(is_row, starts)
        weight = np.maximum.reduceat(weights, starts)
        verdict, window = np.where(weight < 0, _NOT_SENT, weight // 256), 255 - weight % 256
        keys = keys[starts]

        offenders: list[str] = []

        def offences(mask: np.ndarray, what: str) -> Counter[int]:
            for index in np.flatnonzero(mask)[: max(0, _SHOWN - len(offenders))]:
                high, low = (int(part) for part in keys[index])
                offenders.append(f"{UUID(int=high << 64 | low)} {what}, stored {times[index]} times")
            return Counter(int(number) for number in window[mask])

        return Balance(
            sent=len(verdicts),
            accepted=int((verdicts == ACCEPTED).sum()),
            accepted_ids=int((verdict == ACCEPTED).sum()),
            unknown_ids=int((verdict == UNKNOWN).sum()),
            rejected_ids=int((verdict == REJECTED).sum()),
            stored=int(is_row.sum()),
            stored_of_unknown=int(times[verdict == UNKNOWN].sum()),
            foreign=stored.foreign + int((verdict == _NOT_SENT).sum()),
            lost=offences((verdict == ACCEPTED) & (times == 0), "accepted"),
            doubled=offences((verdict != REJECTED) & (times > 1), "doubled"),
            leaked=offences((verdict == REJECTED) & (times > 0), "rejected"),
            offenders=offenders,
        )
