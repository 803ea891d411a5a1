"""Faults, injected into the real processes under load, and the ledger that shows what came of every event.

1. `system.py` starts servers of its own, the services, and the proxies (`proxy.py`) between them and NATS.
2. `load.py` sends events of both sources to every gateway, seeded and at a set rate, and enters every answer into
   the ledger (`ledger.py`): 16 bytes of id, the verdict, and the fault during which it was given.
3. A `Fault` (`fault.py`) does something to the running system, says what it saw, and names the moment from which on
   the system has to recover by itself. All of them are in `catalogue.py`, by theme in the modules beside it.
4. `runner.py` injects one after another, waits until events flow again, and holds the ledger against the database,
   the dead letters and the rollups (`balance.py`).

`python -m tests.faults --seconds 600 --seed 7` runs a seeded random mix, `tests/faults/test_faults.py` each fault
once. What the results mean is in docs/reliability.md.
"""
