"""The filters of a report over events, from its query string. What is wrong becomes a 400 that says what is valid."""

from collections.abc import Iterable, Mapping

import msgspec

from pipeline.events.vocabulary import Vocabulary
from reporter.query import Query
from reporter.ranges import TimeRange

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


def parse_filters(
    pairs: Iterable[tuple[str, str]],
    allowed: tuple[str, ...],
    vocabulary: Vocabulary,
    sources: tuple[str, ...],
) -> Filters:
    """The filters in a query string, given as (name, value) pairs.

    `allowed` are the parameters of the report at hand, `sources` the sources that it can tell of. Raises Problem (400)
    with all violations at once.
    """
    query = Query(pairs, allowed)
    filters = read_filters(query, vocabulary, sources)
    query.check()
    return filters


def read_filters(query: Query, vocabulary: Vocabulary, sources: tuple[str, ...]) -> Filters:
    """The filters in a query that may hold more than these. What is wrong is told by the query's `check`."""
    time_range = query.time_range()
    source = query.one_of("source", sources)
    concerned = (source,) if source else sources
    stages = _stages(vocabulary, concerned)
    funnel_stage = query.one_of("funnelStage", tuple(stages))
    chosen = [stages[funnel_stage]] if funnel_stage else list(stages.values())
    # Two sources may share a type: each is listed once, in the order of the vocabulary.
    event_types = tuple(dict.fromkeys(name for types in chosen for name in types))
    open_types = tuple(
        dict.fromkeys(prefix for name in concerned for prefix in vocabulary.sources[name].open_event_types)
    )
    event_type = query.one_of("eventType", event_types, open_types, MAX_EVENT_TYPE_LENGTH)
    campaign_id = query.text("campaignId", MAX_CAMPAIGN_LENGTH, "a campaign id")
    return Filters(time_range, concerned, source, funnel_stage, event_type, campaign_id)


def _stages(vocabulary: Vocabulary, sources: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """The funnel stages of some sources, each with the event types of all of them."""
    stages: dict[str, tuple[str, ...]] = {}
    for source in sources:
        for stage, types in vocabulary.sources[source].event_types.items():
            stages[stage] = (*stages.get(stage, ()), *types)
    return stages
