"""Distinct users, exact and beyond that approximate. Pure: numpy and msgspec, no input or output.

Distinct users do not add up over time, so the rollups cannot tell them. How they are told instead:

1. A collector writes one segment per stored batch (`segment.py`): 18 bytes per event, the user's hash, the
   time and the facets (age bucket, country, …).
2. The fold (`reporter/folding.py`) splits segments by minute (`buckets.py`) and keeps per minute the distinct
   pairs of user and facets (`pairs.py`), and rolls minutes up into hours and days.
3. Up to `MAX_PAIRS` pairs a bucket stays exact; beyond, it becomes a sketch (`sketch.py`): HyperLogLog registers
   per facet value (`hyperloglog.py`). `blob.py` is how either is stored.
4. A report gathers the buckets and segments of its range and counts them (`counting.py`): exactly with pairs,
   or estimated with a sketch.

Merging is a union throughout: it is idempotent and commutes, so folding twice or in any order is harmless, and
what was merged once never has to be taken out again.
"""
