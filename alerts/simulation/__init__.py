"""How good are the rules? `python -m alerts.simulation` answers with days of made-up traffic, and attacks on them.

`traffic.py` makes a normal day: hours that are busy and hours that are not, a few posts with most of the likes, one
that goes viral, and a school class that likes a post from one address. `attacks.py` adds what bots do. `scoring.py`
judges the day minute by minute with the same `alerts.judging` and `alerts.episodes` as live traffic, and compares the
alerts with what was done. The same seed makes the same day.
"""
