"""Answers what was stored: events, revenue, demographics. How a report comes about:

1. `answering.py` takes the request. `filters.py` parses the query string, and refuses with what is valid.
2. `freshness.py` reads how far the collectors are, before any figure is read: the `X-Data-…` headers.
3. `ranges.py` covers the range with the fewest rollup buckets; what they leave over at the two ends, less than a
   second each, is read from the events. So a report is exact, and costs as much as its answer is large.
4. `events.py` and `revenue.py` sum the rollups. Each holds its SQL, its row type and its route.
5. `demographics.py` needs distinct users, which do not add up over buckets (`pipeline/audience/`).
   `audience_parts.py` finds the buckets and segments of the range, `audience_data.py` and `audience_loading.py` read
   and decode them beside the event loop, `audience.py` counts, and keeps the range for the next time (`cache.py`).

Beside the reports runs the fold (`fold_loop.py`): `folding.py` puts new segments into their minutes, `rolling.py`
makes hours and days of them. A report needs no fold: it takes what is not folded from the segments themselves.
"""
