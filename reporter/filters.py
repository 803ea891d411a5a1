"""The filters of a report, from its query string. What is wrong becomes a 400 that says what is valid."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from pipeline.chassis.problems import Problem
from pipeline.events.vocabulary import Vocabulary
from reporter.ranges import TimeRange

_SPACE_OFFSET = re.compile(r" (?=\d{2}:?\d{2}$)")
_LAST_YEAR = 9998  # a range must be able to end after it: Python's datetime knows no year 10000
_DATE_HELP = "an ISO 8601 date or time such as 2026-05-14, 2026-05-14T10:46:28Z or 2026-05-14T12:46:28+02:00"

MAX_CAMPAIGN_LENGTH = 512
"""Longer than any campaign id that a source sends."""

MAX_EVENT_TYPE_LENGTH = 128
"""Longer than any event type that a source makes of what it does not know."""


class Filters(msgspec.Struct, frozen=True):
    """What a report is restricted to; None restricts nothing. `sources` are the names that are concerned."""

    time_range: TimeRange
    sources: tuple[str, ...]
    source: str | None = None
    funnel_stage: str | None = None
    event_type: str | None = None
    campaign_id: str | None = None


class QueryProblem(msgspec.Struct, frozen=True):
    """One violation of a query string. `valid` lists what may stand there, where that is a closed set."""

    parameter: str
    detail: str
    valid: tuple[str, ...] = ()


def parse_filters(
    query: Iterable[tuple[str, str]],
    allowed: tuple[str, ...],
    vocabulary: Vocabulary,
    sources: tuple[str, ...],
) -> Filters:
    """The filters in a query string, given as (name, value) pairs.

    `allowed` are the parameters of the report at hand, `sources` the sources that it can tell of. An empty value
    counts as absent, as forms send it. Raises Problem (400) with all violations at once.
    """
    violations: list[QueryProblem] = []
    values = _single_values(query, allowed, violations)
    time_range = _time_range(values, violations)
    source = _one_of(values, "source", sources, violations)
    concerned = (source,) if source else sources
    stages = _stages(vocabulary, concerned)
    funnel_stage = _one_of(values, "funnelStage", tuple(stages), violations)
    chosen = [stages[funnel_stage]] if funnel_stage else list(stages.values())
    # Two sources may share a type: each is listed once, in the order of the vocabulary.
    event_types = tuple(dict.fromkeys(name for types in chosen for name in types))
    open_types = tuple(
        dict.fromkeys(prefix for name in concerned for prefix in vocabulary.sources[name].open_event_types)
    )
    event_type = _one_of(values, "eventType", event_types, violations, open_types)
    campaign_id = values.get("campaignId")
    if campaign_id and (len(campaign_id) > MAX_CAMPAIGN_LENGTH or "\0" in campaign_id):
        detail = f"a campaign id has at most {MAX_CAMPAIGN_LENGTH} characters and no null character"
        violations.append(QueryProblem("campaignId", detail))
    if violations:
        raise Problem(400, "invalid-filter", violations[0].detail, errors=violations)
    return Filters(
        time_range, (source,) if source else sources, source, funnel_stage, event_type, campaign_id
    )


def _single_values(
    query: Iterable[tuple[str, str]], allowed: tuple[str, ...], violations: list[QueryProblem]
) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for name, value in query:
        if name not in allowed:
            detail = f"unknown parameter {name!r}; valid are: {', '.join(allowed)}"
            violations.append(QueryProblem(name, detail, allowed))
        elif name in values:
            violations.append(QueryProblem(name, f"{name} is given more than once"))
        elif value:
            values[name] = value
    return values


def _time_range(values: Mapping[str, str], violations: list[QueryProblem]) -> TimeRange:
    ends: dict[str, datetime] = {}
    for name in ("from", "to"):
        if text := values.get(name):
            try:
                ends[name] = parse_instant(text, whole_day=name == "to")
            except (ValueError, OverflowError):
                violations.append(QueryProblem(name, f"{name}: expected {_DATE_HELP}, got {text!r}"))
    time_range = TimeRange(ends.get("from"), ends.get("to"))
    if time_range.starts and time_range.ends and time_range.starts >= time_range.ends:
        detail = f"from ({time_range.starts.isoformat()}) must lie before to ({time_range.ends.isoformat()}, exclusive)"
        violations.append(QueryProblem("from", detail))
    return time_range


def parse_instant(text: str, *, whole_day: bool) -> datetime:
    """An instant in UTC; `whole_day` takes a bare date to its end. Raises ValueError or OverflowError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        # An offset's `+` that was not percent-encoded arrives as a space: it is taken for what was meant.
        instant = datetime.fromisoformat(_SPACE_OFFSET.sub("+", text) if "T" in text else text)
    else:
        instant = datetime.combine(day, time.min, UTC) + timedelta(days=whole_day)
    if instant.year > _LAST_YEAR:
        raise ValueError("too far in the future")
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


def _stages(vocabulary: Vocabulary, sources: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """The funnel stages of some sources, each with the event types of all of them."""
    stages: dict[str, tuple[str, ...]] = {}
    for source in sources:
        for stage, types in vocabulary.sources[source].event_types.items():
            stages[stage] = (*stages.get(stage, ()), *types)
    return stages


def _one_of(
    values: Mapping[str, str],
    name: str,
    valid: tuple[str, ...],
    violations: list[QueryProblem],
    open_prefixes: tuple[str, ...] = (),
) -> str | None:
    """A value of the closed set, or one that begins like those that nobody can list."""
    value = values.get(name)
    if value is None or value in valid:
        return value
    if value.startswith(open_prefixes) and len(value) <= MAX_EVENT_TYPE_LENGTH and "\0" not in value:
        return value
    valid += tuple(f"{prefix}*" for prefix in open_prefixes)
    detail = f"{name} {value!r} is unknown here; valid are: {', '.join(valid)}"
    violations.append(QueryProblem(name, detail, valid))
    return None
