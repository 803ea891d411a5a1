"""The doors for providers that deliver by themselves. One implementation for all of them, and it knows none.

What a provider signs, and how its updates lie in a body, is a `Webhook` of its source (`pipeline/events/webhook.py`).
A delivery goes through these rooms, cheap ones first, so that a forged one costs next to nothing:

1. `doors.py`: which webhook is that, and has it a secret?
2. `reception.py`: the size, the headers, the body, and then the signature over the raw bytes. Until here nothing is
   counted but refusals, and nothing of a sender's quota is used up (`rate.py`).
3. `updates.py`: cut the body into updates and judge each one by itself.
4. `service.py`: publish the good ones, keep the others as dead letters (`quarantine.py`), all on disk before the
   answer.
5. `answers.py`: what the provider wants to hear.

`handshake.py` and `permission.py` answer the questions that are asked before the first delivery.

| | a provider's door | the door for any sender |
|---|---|---|
| signed, whatever is in it | 200 | 202 |
| not signed, or wrongly, or too long ago | 401 `unauthorized`, always the same | the same |
| no secret is configured | 503 `not-configured` | 404 `unknown-sender` |
| compressed | 415 `unsupported-media-type` | the same |
| more bytes than WEBHOOK_BODY_LIMIT | 413 `too-large` | the same |
| more deliveries than WEBHOOK_RATE_PER_SECOND | 503 `rate-limited` with `Retry-After` | 429 with `Retry-After` |
| too many bytes in flight, or JetStream away, slow or full | 503 `unavailable` with `Retry-After` | the same |
"""
