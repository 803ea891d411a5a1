"""What `POST /events` answers."""

from collections.abc import Sequence

import msgspec

from gateway.events.intake import BadEvent

MAX_LISTED_ERRORS = 100


class EventError(msgspec.Struct, frozen=True, rename="camel"):
    """One refused event: its index in the body, its id as far as it could be read, and why it was refused."""

    index: int
    event_id: str | None
    reason: str
    path: str
    detail: str


class EventsAccepted(msgspec.Struct, frozen=True):
    """All accepted events are on disk. `errors` lists at most 100 of the rejected ones."""

    accepted: int
    rejected: int
    errors: Sequence[EventError]


def list_errors(rejected: Sequence[BadEvent]) -> list[EventError]:
    """The first of the refused events, as the answer shows them."""
    return [
        EventError(
            index=bad.index,
            event_id=bad.event_id,
            reason=bad.rejection.reason.value,
            path=bad.rejection.path,
            detail=bad.rejection.detail,
        )
        for bad in rejected[:MAX_LISTED_ERRORS]
    ]
