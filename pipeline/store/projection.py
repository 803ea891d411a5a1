"""What the events of a source change beside themselves, in the statement that stores them.

Facebook's and TikTok's events change nothing else. A social action also makes posts, likes and follows.
"""

from typing import LiteralString

import msgspec


class Projection(msgspec.Struct, frozen=True):
    """Parts of what `event_store.py` and `live_updates.py` ask of Postgres; empty where there is nothing to add.

    `columns` are further columns of `stored`, which `write` reads: common table expressions that are derived from
    `stored` alone. `changed_facts` are further members of the JSON that live counters are told of what a batch changed.
    `total_facts` is a statement that says the same of all that there is, a piece at a time: of the things after $1, at
    most $2 of them, and all that there is of each. Its one row is `last`, the last of them or NULL, and `changes`, the
    JSON of a `Changes`. The empty text is before all things. `notifies` says that `write` fills `notification_outbox`,
    `has_audience` that reports tell of the people behind the events: where nothing is known of them, they do not.
    """

    columns: LiteralString = ""
    write: LiteralString = ""
    changed_facts: LiteralString = ""
    total_facts: LiteralString = ""
    notifies: bool = False
    has_audience: bool = True


EVENTS_ONLY = Projection()
