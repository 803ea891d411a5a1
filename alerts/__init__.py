"""Raises alerts: milestones of posts, likes that were not given by people, sources that fall silent or fail.

The way of an alert:

1. The statement that stores social actions writes what the rules are to know of likes
   (`pipeline/store/like_facts.py`), one row per batch. `facts.py` folds these rows into sums by post and minute, once
   each, and tells which posts changed.
2. `rules.py` is what a rule may say, `rules.toml` what they say by default; `rule_file.py` reads them, and again when
   the file changes.
3. `series.py` holds the sums of one post by minute. `suspicion.py` compares the likes of a window with what is usual
   here, `judging.py` makes a reading of that for a rule, and `episodes.py` turns readings into openings and clearings:
   once each. All of that is pure, and `simulation/` measures it on days of made-up traffic.
4. `evaluation.py` is the loop of the one evaluator that holds the lease. `likes.py`, `milestones.py` and `sources.py`
   find what is to be judged. `raising.py` writes an alert together with the state that it follows from and with its
   deliveries, so that a restart, a redelivery or a second evaluator raise nothing twice.
5. `delivering.py` takes the deliveries to the stream NOTIFICATIONS, to a webhook (`webhook.py`) and to people by e-mail
   (`mail.py`), each with retries and an end.
"""
