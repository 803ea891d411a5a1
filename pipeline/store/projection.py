"""What the events of a source change beside themselves, in the statement that stores them.

Facebook's and TikTok's events change nothing else. A social action also makes posts, likes and follows.
"""

from typing import LiteralString

import msgspec


class Projection(msgspec.Struct, frozen=True):
    """Fragments of the statements in `event_store.py` and `live_updates.py`; empty where there is nothing to add.

    `columns` are further columns of `stored`, which `write` reads: common table expressions that are derived from
    `stored` alone. `changed_facts` and `total_facts` are further members of the JSON that live counters are told: of
    what a batch changed, and of all that there is.
    """

    columns: LiteralString = ""
    write: LiteralString = ""
    changed_facts: LiteralString = ""
    total_facts: LiteralString = ""


EVENTS_ONLY = Projection()
