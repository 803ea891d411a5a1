"""The benchmark: what the pipeline does on one machine, what the machine could do, and what a textbook peer does.

    python -m bench                                  # everything; writes bench/RESULTS.md
    python -m bench --seconds 10 --only firehose --no-write

The way of a run, file by file:

1. `options.py` reads the command line, `sections/` holds what can be measured, one module each.
2. Each section gets servers and services of its own (`system.py`, `children.py`), on free ports and in a
   temporary folder, with the configuration of a local start. Nothing outlives the section (`guard.py`: not even if
   we are killed).
3. The load is a process of its own (`load.py`; `stamped.py` for latencies), so that its CPU time is counted by itself.
4. `watching.py` asks the reporter how much it shows, `snapshots.py` notes when a transaction became visible,
   `metering.py` reads CPU time and memory of every process from `/proc` (`procfs.py`).
5. `outcome.py` is what a section finds, `targets.py` what it is held against.
6. `tables.py` shows it to people, `markdown.py` writes it down with the machine (`machine.py`) that it is true for.

`peer/` is the peer: one JetStream message per event, one INSERT per event.
"""
