"""The operator API: what operators do from afar. `./sluice` does the same at a terminal.

access.py    the key
selection.py which dead letters a request means
service.py   counts, lists, replays and discards them, a bounded number with each request
route.py     the routes
"""
