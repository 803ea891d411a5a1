"""Which dead letters a request means: the same filters in a query string and in a body."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from pipeline.chassis.instants import INSTANT_HELP, parse_instant
from pipeline.chassis.problems import Problem
from pipeline.events.reasons import Reason
from pipeline.stream import DeadLetterFilter

MAX_BULK_LETTERS = 5000
"""What one request works at: about a second, in which others have their turns."""

IdPrefix = Annotated[str, Meta(min_length=4, max_length=64)]


class Selection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is meant. What is not given restricts nothing; `ids` may be the beginnings of ids."""

    source: str | None = None
    reason: Reason | None = None
    starts: Annotated[str | None, Meta(description=f"Failed at or after: {INSTANT_HELP}")] = msgspec.field(
        default=None, name="from"
    )
    ends: Annotated[str | None, Meta(description="Failed before; a bare date is the whole day")] = (
        msgspec.field(default=None, name="to")
    )
    correlation_id: str | None = None
    ids: Annotated[tuple[IdPrefix, ...], Meta(max_length=100)] = ()

    def as_filter(self) -> DeadLetterFilter:
        """Raises Problem 400."""
        try:
            return DeadLetterFilter(
                source=self.source or None,
                reason=self.reason,
                failed_from=_instant("from", self.starts, whole_day=False),
                failed_before=_instant("to", self.ends, whole_day=True),
                correlation_id=self.correlation_id or None,
                ids=self.ids,
            )
        except ValueError as error:
            raise Problem(400, "invalid-filter", str(error)) from None


class BulkRequest(Selection, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is to be done with what is meant, oldest first. `all` must be true where nothing restricts it."""

    limit: Annotated[int, Meta(ge=1, le=MAX_BULK_LETTERS)] = 1000
    dry_run: bool = False
    all: bool = False

    def as_bulk_filter(self) -> DeadLetterFilter:
        """Raises Problem 400."""
        wanted = self.as_filter()
        if not (wanted.restricts or self.all):
            detail = 'say which dead letters: with a filter, or with {"all": true} for every one there is'
            raise Problem(400, "invalid-filter", detail)
        return wanted


def _instant(name: str, text: str | None, *, whole_day: bool) -> datetime | None:
    if not text:
        return None
    try:
        return parse_instant(text, whole_day=whole_day)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
