"""A page to see the social feed move: `GET /feed`.

page/         the page as it is served: HTML, CSS, and JavaScript modules that need no building
assets.py     reads those files once, and says with which headers each is answered
counters.py   what the page shows of posts, from Redis, kept for a fraction of a second
route.py      the routes of both

The page does what any app could do: it sends actions to `POST /api/events`, listens at `WS /ws`, and reads counters
from `/feed/data/…`, which is open to everybody and holds ids and numbers only. What people wrote is in Postgres, which
the gateway never reads: the page shows the texts of posts that were written in it, and ids otherwise.
"""
