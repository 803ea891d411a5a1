"""The sources and the runtime that collects them.

A source folder knows everything about its source and nothing else: pure code, no server, broker or database
(DESIGN D4). `registry.py` lists the sources; `_runtime/` is the collector process and knows none of them.
"""
