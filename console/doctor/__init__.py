"""`sluice doctor`: looks for what will cause trouble, before it does, and says what to do.

`checks.py` is the table. A check is a small function from the surroundings (the environment and open connections,
`surroundings.py`) to results; what it decides by is a pure function beside it. Nothing is changed by looking.

    configuration.py   settings, unknown variables, secrets, permissions of .env
    versions.py        Python and its packages, Node, NATS, Postgres, Redis
    machine.py         ports, disk, clock, open files
    database.py        encoding, time zone, durability
    schema.py          migrations, drift, indexes, partitions
    streams.py         the streams' limits, durability of NATS
"""
