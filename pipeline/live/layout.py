"""Which counters a source has, by what its events change. Pure."""

import msgspec

from pipeline.events.changes import Changes
from pipeline.events.source import ProjectionName
from pipeline.live import event_keys, post_keys
from pipeline.live.operations import Operation


def state_key(source: str) -> str:
    """The hash that says how the counters of a source stand. What else is kept of that has names that begin with it."""
    return f"live:{source}"


class Layout(msgspec.Struct, frozen=True):
    """The keys of one source's counters. Those of its projection are nobody else's: no two sources have the same."""

    source: str
    projection: ProjectionName = ""

    def hashes(self) -> list[str]:
        """Patterns of the keys that are hashes."""
        return event_keys.patterns(self.source)

    def sorted_sets(self) -> list[str]:
        """Patterns of the keys that are sorted sets."""
        return post_keys.set_patterns() if self.projection == "social" else []

    def strings(self) -> list[str]:
        """Patterns of the keys that are strings, and of others: `number_of` tells them apart."""
        return [post_keys.NUMBERS_PATTERN] if self.projection == "social" else []

    def numbers(self) -> tuple[str, ...]:
        """The common names of its strings, each with a `*` for what tells them apart."""
        return post_keys.NUMBERS if self.projection == "social" else ()

    def number_of(self, key: str) -> tuple[str, str] | None:
        """The common name of a string, and what stands in place of its `*`; None when the key is none of ours."""
        return post_keys.number_of(key) if self.projection == "social" else None

    def operations_of(self, changes: Changes) -> list[Operation]:
        """What the facts change, at most one operation for each key, and for each day of a trend."""
        posts = post_keys.operations_of(changes.posts) if changes.posts else []
        return [*event_keys.operations_of(self.source, changes.events), *posts]
