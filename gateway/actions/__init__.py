"""The door for apps that have Sluice as their back end: social actions at `POST /api/events`, with a token.

A request goes through these rooms, cheap ones first:

1. `route.py`: the announced size, the token (`bearer.py`), and then the limits of requests (`limits.py`): of the
   address that it comes from (`origin.py`) and of the user. Only then is the body read.
2. `cutting.py`: one action or an array of them. `judging.py`: each action by itself, and whether the token's bearer may
   say it for that user.
3. `service.py`: what is good is enveloped and published, what is bad is kept as a dead letter, all of it on disk before
   the answer. What was forbidden is not kept: nobody shall be able to replay it into somebody else's name.
4. `answers.py`: what became of each action.

| | |
|---|---|
| at least one action is on disk | 202, with an answer for each |
| none is acceptable, or the body is not JSON | 400 `nothing-acceptable` |
| no token, or one that is not accepted | 401 `unauthorized`, `WWW-Authenticate` says why |
| every action is somebody else's, and the scope is missing | 403 `forbidden` |
| more bytes than ACTION_BODY_LIMIT, more actions than ACTIONS_PER_REQUEST | 413 `too-large` |
| not application/json | 415 `unsupported-media-type` |
| more requests than the limits admit, with a good token or with a bad one | 429 `rate-limited` with `Retry-After` |
| no key for tokens is configured | 503 `not-configured` |
| too much is in flight, or JetStream is away, slow or full | 503 `unavailable` with `Retry-After` |

**Sending again is safe** when an action has an `id`, or the request an `Idempotency-Key`, from which each action
without an id gets one by its place. The same id of the same user is stored once, whatever came with it; ids of
different users have nothing to do with each other.

**Limits of requests** slide over RATE_LIMIT_WINDOW_SECONDS and are shared by all replicas through Redis. Every answer
to a request that was counted names them, in the two fields of draft-ietf-httpapi-ratelimit-headers-10
(`RateLimit-Policy: "address";q=100;w=60` and `RateLimit: "address";r=99;t=60`, where `t` is when room comes back) and
in the three of its earlier versions, which tell of the limit that is closest. While Redis is away each replica counts
by itself, and the policies are named `address-local` and `user-local`. A holder of the scope `events:write:any` speaks
for many users from one address: only RATE_LIMIT_PER_BACKEND counts for it, which is off by default. A request with a
bad token counts for its address.

**The client's address** is the peer's, unless that is in TRUSTED_PROXIES: then `X-Forwarded-For` is read from its end
up to the first address that is in none of them. What a client writes there itself is left of that and means nothing.
"""
