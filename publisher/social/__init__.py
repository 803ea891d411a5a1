"""The publisher as a whole society that uses an app: people who post, like, comment, share and follow.

The way of a run, file by file:

1. `options.py` adds to the command line and finds the secret that tokens are signed with; `settings.py` is what a run
   has beyond the usual.
2. `society.py` makes the actions (`action.py`): who does something (`people.py`), and to which post (`popularity.py`).
   A society has a past: people who came days ago, and the posts and likes of the last hours. `spoiling.py` damages
   a few.
3. `requests.py` puts actions into requests: most by the app's back end in arrays, some by a user alone.
4. `delivering.py` sends a request with its token (`tokens.py`), again and again as an app does, with the same ids, and
   keeps to the limits of requests (`answers.py` reads what the gateway says).
5. `attack.py` adds bots that like one post, and `alarm.py` waits for the alert that must follow.
6. `verify.py` reads back what is stored (`stored.py`), holds it against the `ledger.py` of every action and its
   verdict, and the reports on posts against the truth (`truth.py`, `comparison.py`).

`books.py` enters every outcome, and `runner.py` ties the steps together. Pacing, connections, progress and the summary
are those of every run. The format of social actions knows no views, so nobody only looks.
"""

from publisher.social.runner import SocialRun
from publisher.social.settings import SocialSettings

__all__ = ["SocialRun", "SocialSettings"]
