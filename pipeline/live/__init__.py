"""The only door to Redis. What it holds is derived: Postgres can always rebuild it (DESIGN D8).

    store ──▶ live_updates (in the transaction of the events) ──▶ APPLY ──▶ counters
       └────▶ one snapshot of all totals ──▶ ADD, a piece at a time ──▶ REPLACE ──▶ counters

`event_keys.py` and `post_keys.py` say which counters there are, `layout.py` which of them a source has. `counters.py`
changes them by updates, each exactly once; `building.py` builds all of them anew. `rebuild.py` and `comparison.py` hold
the updates back while they look at one snapshot of Postgres. `posts.py` reads what the counters say of posts.

What makes it exactly once is one value in Redis, the mark. Every change of a source's counters draws a new one and
names the one that it has seen *before* it read from Postgres what to change; if that is no longer there, somebody else
was faster, or Redis has forgotten something, and nothing is changed. The ids of the updates that are in the counters
but perhaps still in Postgres are kept beside it. A build also notes the epoch of the database and which run of Redis it
was: after a restart Redis may have lost its last second, so the counters are built anew.

`rate_limits.py` is the one thing here of which Postgres knows nothing: who has made how many requests lately.
"""

import pipeline.live.redis_import  # noqa: F401 # pyright: ignore[reportUnusedImport] - before anything of redis
from pipeline.live.comparison import Comparison, Difference, compare
from pipeline.live.connection import LiveConnection
from pipeline.live.counters import LiveCounters
from pipeline.live.posts import PostCounters, Window
from pipeline.live.rate_limits import Decision, RateLimits, RateLimitSettings
from pipeline.live.rate_windows import Quota, Room
from pipeline.live.rebuild import LiveStore, Rebuilt, rebuild
from pipeline.live.settings import LiveSettings

__all__ = [
    "Comparison",
    "Decision",
    "Difference",
    "LiveConnection",
    "LiveCounters",
    "LiveSettings",
    "LiveStore",
    "PostCounters",
    "Quota",
    "RateLimitSettings",
    "RateLimits",
    "Rebuilt",
    "Room",
    "Window",
    "compare",
    "rebuild",
]
