"""The publisher in the part of a provider: signed deliveries to the gateway's webhooks, without an account of anybody.

The way of a run, file by file:

1. `options.py` adds to the command line and finds the secrets; `providers.py` has a row for each provider, and
   `settings.py` what a run has beyond the usual.
2. `draft.py` gives each update an id of its own. `meta/`, `tiktok.py`, `shop.py` and `standard.py` hold the kinds: what
   is sent, beside the record that must come of it (`update.py`). `spoiling.py` damages a few.
3. `meta/maker.py` and `single.py` make deliveries of them, some to be sent twice.
4. `delivering.py` sends one, signed anew each time (`signing.py`), until it is taken or given up.
5. `verify.py` finds the ids in the stored payloads (`stored.py`), and `sent.py` compares: each exactly once, in the
   right fields. Nothing here knows how a receiver cuts and maps, so that is checked as well.

`runner.py` ties the steps together. Pacing, connections, progress and the summary are those of every run.
"""

from publisher.senders.runner import SenderRun
from publisher.senders.settings import SenderSettings

__all__ = ["SenderRun", "SenderSettings"]
