"""One update of a provider, and the record that it must become.

What must become of it is written down here from what docs/webhooks/ promises, not taken from the code that does it: so
a verification checks the mapping as well.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the database must show of an update. `at_ms` None: it has no time of its own, so that of sending counts."""

    event_type: str
    stage: str = "top"
    user: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    campaign: str | None = None
    at_ms: int | None = None
    is_new_each_time: bool = False
    """It has neither an id nor a time, so what is sent at another time is another event."""


Content = dict[str, Any] | str
"""What a provider writes of one update."""


class Update(msgspec.Struct, frozen=True):
    """`token` is its own id, which is found in its payload and nowhere else. `expected` None: a dead letter.

    `content` is what its provider writes, `shape` how that lies in a body, and `account` whose it is.
    """

    token: str
    content: Content
    expected: Expected | None
    shape: str = ""
    account: str = ""


class Delivery(msgspec.Struct, frozen=True):
    """One POST, to be sent once or several times: `write` gives its body at a time of sending (s since 1970).

    So many `lost_answers` count as if they had not come: then a provider sends again what was taken already.
    """

    updates: tuple[Update, ...]
    write: Callable[[int], bytes]
    sent_at: int
    lost_answers: int = 0
    repeats: int = 0
    """How many of the updates were in an earlier delivery, too."""
    webhook_id: str = ""
    content_type: str = "application/json"

    @property
    def good(self) -> int:
        """How many of the updates can be stored."""
        return sum(update.expected is not None for update in self.updates)
