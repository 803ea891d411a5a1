"""`sluice backup` and `sluice restore`: the streams and the database, as one consistent pair.

An accepted event is in the stream until it is stored, and only then leaves it. So the streams are saved first and
the database after them: what left the stream meanwhile is in the database by then, and what is in both is stored once
all the same, because the ledger comes back with the database. `taking.py` and `restoring.py` have the order of things.
"""
