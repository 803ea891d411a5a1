"""What every stage of the pipeline agrees on, and the way of one event through it.

1. A sender POSTs events. `gateway/events/` reads the body within its limits, cuts it into the raw bytes of
   single events without decoding the whole (`pipeline/events/splitting.py`), finds each event's source in the
   registry and has its format validate it (`pipeline/events/source.py`). A bad event becomes a `Rejection`
   with a reason of the closed set in `pipeline/events/reasons.py`, and a dead letter.
2. The good events of a source are spliced, still as raw bytes, into record batches
   (`pipeline/events/batch.py`) and published (`pipeline/stream/publisher.py`). The answer leaves only when
   JetStream has every batch on disk.
3. A collector (`collectors/_runtime/`) pulls the batches of its source (`pipeline/stream/consumer.py`), has the
   same format validate them again and map them to `EventRecord`s (`pipeline/events/record.py`), and merges
   several batches into one transaction (`pipeline/store/event_store.py`): ledger, events, rollups and audience
   together or not at all. Then it acknowledges. What can never be stored is bisected out and dead-lettered.
4. The same transaction says what the live counters must be told; a loop beside collecting
   (`collectors/_runtime/counting.py`) tells Redis, exactly once (`pipeline/live/`).
5. With social actions it says, too, whom to tell of them: the notification outbox. Another loop
   (`collectors/_runtime/notifying.py`) publishes its rows to the stream of notifications
   (`pipeline/stream/notifications.py`), each whole and once, and the gateways hand them to whoever is connected
   (`gateway/notifications/`). And it says what alert rules must know of likes, which `alerts/` judges.
6. The reporter answers from the rollups and the audience (`pipeline/audience/`), never from the stream.

A provider's webhook comes in by another door (`gateway/webhooks/`): its source verifies the signature over the raw
bytes and cuts the body into updates (`pipeline/events/webhook.py`); from there on an update is an event like any other.

Every few seconds a canary (`pipeline/events/canary.py`) goes that way to each source, from the reporter through the
gateway, the stream and the collector to the reporter: a message that is no event, and shows that the way is open.

What was refused on the way is a dead letter (`pipeline/stream/dead_letters.py`), from which it can be shown, replayed
(`pipeline/stream/replay.py`) or discarded. What is older than the retention is removed (`pipeline/store/retention.py`).

`pipeline/chassis/` is the frame around all of that and knows nothing about events. `pipeline/errors.py` draws
the line that decides everything that fails: transient or permanent.
"""
