"""The words that filters of reports understand: sources, stages, event types, facets."""

from collections.abc import Mapping

import msgspec

from pipeline.events.source import Source


class SourceVocabulary(msgspec.Struct, frozen=True):
    """One source's words. `facets` maps a facet to its closed set of values, None where it is open.

    `open_event_types` are prefixes of event types that nobody can list beforehand. `always_collected` is false for a
    source that only gets what its own webhooks bring: where nobody uses them, its collector need not run.
    """

    event_types: Mapping[str, tuple[str, ...]]
    facets: Mapping[str, tuple[str, ...] | None]
    open_event_types: tuple[str, ...] = ()
    always_collected: bool = True


class Vocabulary(msgspec.Struct, frozen=True):
    """All sources' words, by source name."""

    sources: Mapping[str, SourceVocabulary]


def vocabulary_of(sources: Mapping[str, Source]) -> Vocabulary:
    """What the registered sources can say."""
    return Vocabulary(
        {
            name: SourceVocabulary(
                source.event_types,
                source.facets,
                source.open_event_types,
                always_collected=source.event_format is not None,
            )
            for name, source in sources.items()
        }
    )
