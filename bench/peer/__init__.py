"""A textbook peer: the same task as one would solve it after reading the manuals, and no more.

`gateway.py` decodes and validates a POST and publishes each event as a message of its own, waiting for JetStream's
acknowledgement. `consumer.py` fetches a hundred messages at a time, inserts each event with a statement of its own
and acknowledges it. It loses nothing and stores nothing twice (by its primary key): this is correct code, and the
usual way.

It runs on the same servers with the same configuration, one consumer per source as in Sluice, without reports,
dead letters, metrics or retries.
"""
