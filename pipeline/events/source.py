"""What a source is: the plug-in type that a folder under `collectors/` fills in.

A source is data and pure functions. The gateway, the collector runtime and the tests all reach it through
`collectors/registry.py` and judge events with the same function, `Format.judge`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

import msgspec

from pipeline.events.reasons import Reason, Rejected, Rejection, rejection_of
from pipeline.events.record import EventRecord
from pipeline.events.webhook import Webhook

MAX_CLOCK_AHEAD = timedelta(hours=24)
"""How far in the future an event's own timestamp may lie (EVENTS §1)."""


EARLIEST = datetime.min.replace(tzinfo=UTC)
"""The past is unlimited, but the calendar is not: east of Greenwich year 1 begins in a year that UTC does not have."""


class Event(Protocol):
    """What every decoded event has, whatever its source."""

    @property
    def event_id(self) -> str: ...

    @property
    def timestamp(self) -> datetime: ...


class Format(msgspec.Struct, frozen=True):
    """One way in which a source's events are written.

    `decode` takes the raw JSON of one event and raises what msgspec raises, or `Rejected`. `to_record` takes the
    decoded event, its raw bytes and the time at which the gateway received it.
    """

    name: str
    decode: Callable[[Any], Any]
    to_record: Callable[[Any, msgspec.Raw, datetime], EventRecord]

    def judge(self, raw: bytes | msgspec.Raw, now: datetime) -> Event | Rejection:
        """The decoded event, or why it is refused. Never raises for anything that a sender can write.

        Text that cannot be stored is `text_rejection`'s business: it is looked for in many events at once.
        """
        try:
            event: Event = self.decode(raw)
            if event.timestamp > now + MAX_CLOCK_AHEAD:
                detail = "more than 24 hours in the future"
                raise Rejected(Reason.TIMESTAMP_OUT_OF_RANGE, "$.timestamp", detail)
            if event.timestamp < EARLIEST:
                raise Rejected(Reason.TIMESTAMP_OUT_OF_RANGE, "$.timestamp", "before the calendar begins")
        except (msgspec.MsgspecError, Rejected, RecursionError, UnicodeDecodeError) as error:
            return rejection_of(error)
        return event


ProjectionName = Literal["", "social"]


class Source(msgspec.Struct, frozen=True):
    """A sender of events, such as Facebook.

    `event_types` maps each funnel stage to its event types. `facets` names the demographic values of
    `EventRecord.facets`, in order, with the closed set of each value or None where it is open (a country).
    `formats` maps a format's name to it; `event_format` is the one that `POST /events` accepts, None where it
    accepts none. `webhooks` are the ways in which its provider delivers. `open_event_types` are prefixes of event
    types that nobody can list beforehand, such as `unknown.`; the empty prefix means that all are open. `projection`
    names what its events change beside themselves in the store (`pipeline/store/projections.py`) and in the live
    counters; empty where they change nothing else. No two sources have the same one.
    """

    name: str
    event_types: Mapping[str, tuple[str, ...]]
    facets: Mapping[str, tuple[str, ...] | None]
    formats: Mapping[str, Format]
    event_format: str | None
    webhooks: tuple[Webhook, ...] = ()
    open_event_types: tuple[str, ...] = ()
    projection: ProjectionName = ""
