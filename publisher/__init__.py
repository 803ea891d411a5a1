"""The publisher: a seeded firehose of Facebook and TikTok events, and the check that each was stored once.

The way of a run, file by file:

1. `options.py` turns the command line (`command_line.py`) and the environment into `Settings`; programs fill
   `settings.py` in.
2. `pacing.py` plans which body is due when: the firehose of one POST a second, a steady rate, or as fast as
   possible.
3. `generator.py` makes batches of events in columns (`batch.py`, `columns.py`, `people.py`, `places.py`) and
   has them put into the templates of their kind (`templates.py`, `rendering.py`). What is remembered of an
   event is in `facts.py`.
4. `bodies.py` makes request bodies of them, with repeats, and with corrupted events from `corruption.py`.
5. `client.py` delivers a body over a connection of `pool.py` (`connection.py`), retrying in verify mode;
   `answers.py` reads what became of it.
6. `account.py` enters every outcome: totals, `latency.py`, the `truth.py` that reports must show
   (`audience.py`), and the `ledger.py` of every id and its verdict.
7. `verify.py` waits until the reports are complete, and holds the ledger against the database (`stored.py`)
   and the truth against the reports (`comparison.py`).
8. `progress.py` and `report.py` show all that to people, `summary.py` to programs. `runner.py` ties the steps
   together.

`senders/` plays a provider that delivers webhooks in place of all that: `--as facebook-webhook` and its like;
`social/` a whole society that uses an app: `--as social`.

From a test or a benchmark:

    settings = Settings(endpoint=url, rate=25_500, batch_size=1_000, count=1_000_000, keep_truth=True)
    summary = await run(settings)
    assert summary.accepted == 1_000_000
    event = Generator(seed=7).event(at_ms=1_778_755_588_214)

The same seed, settings and start give the same bytes.
"""

from publisher.batch import GeneratedEvent
from publisher.generator import Generator, Mix, Span
from publisher.runner import Run, run
from publisher.settings import Settings
from publisher.summary import Summary
from publisher.truth import Truth

__all__ = ["GeneratedEvent", "Generator", "Mix", "Run", "Settings", "Span", "Summary", "Truth", "run"]
