"""The one HTTP front of Sluice.

Providers that sign what they deliver have doors of their own: `webhooks/` tells about them. A POST to `/events` goes
through five rooms, and the first that refuses it ends its way:

1. `admission.py`: is there room for it? If not, 503 before its bytes are read.
2. `body.py`: read it within its size (the server has limits for its time), inflate it if it is gzip.
3. `events/intake.py`: cut it into events and judge each one by itself.
4. `commit.py`: splice the good ones into record batches, alone or together with other requests', and publish.
5. `events/route.py`: answer once JetStream has them all on disk: 202, or 400 when there was nothing good in it.

What can go wrong with a request, and the only place that says so:

| | answer |
|---|---|
| no or a wrong API key, where keys are set | 401 `unauthorized` |
| content type or encoding that is not understood | 415 `unsupported-media-type` |
| more bytes than BODY_SIZE_LIMIT, inflated or not | 413 `too-large` |
| slower than HEADER_TIMEOUT_SECONDS or BODY_TIMEOUT_SECONDS | 408 `head-too-slow`, `body-too-slow` |
| no event in it that can be accepted | 400 `nothing-acceptable` |
| too many bytes or requests in flight, or JetStream away, slow or full | 503 `unavailable` with `Retry-After` |
"""
