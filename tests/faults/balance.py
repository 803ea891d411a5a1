"""The reckoning: the load rests, the stream drains, and every sum must come out even."""

import time
from dataclasses import dataclass, field

import asyncpg

from tests.faults import questions
from tests.faults.ledger import Balance
from tests.faults.load import SPREAD_SECONDS, Load
from tests.faults.system import System, wait_for

_DRAIN_SECONDS = 60.0
_READ_SECONDS = 120.0
_COUNTERS_SECONDS = 20.0

# Everything that is derived in the same transaction as the events must tell the same number.
_SUMS = """
SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM event_ledger) AS ledger,
       (SELECT array_agg(sum) FROM (
            SELECT sum(events)::bigint FROM event_rollups GROUP BY bucket_seconds) AS sizes) AS rollups
"""


@dataclass
class Reckoning:
    """`problems` is empty when everything holds."""

    balance: Balance
    dead_letters: int
    drained_seconds: float
    left_in_stream: int
    """Batches, after everything was compared."""
    problems: list[str] = field(default_factory=list[str])


def reckon(system: System, load: Load) -> Reckoning:
    """Stops the load, waits until everything that was accepted is stored, and compares. The load stays stopped."""
    load.stop()
    drained = wait_for("an empty stream", lambda: _waiting(system), _DRAIN_SECONDS)
    start_ms = load.began_ms - int(SPREAD_SECONDS * 1000) - 2000
    end_ms = int(time.time() * 1000) + 2000
    stored = questions.in_postgres(
        system.postgres.url, lambda look: questions.stored_between(look, start_ms, end_ms), _READ_SECONDS
    )
    balance = load.ledger.compare(stored)
    letters = questions.in_nats(system.nats.url, questions.read_letters, _READ_SECONDS)
    reckoning = Reckoning(balance, letters.by_reason.total(), drained, system.backlog())
    problems = reckoning.problems
    if reckoning.left_in_stream:
        problems.append(f"{reckoning.left_in_stream} batches came into the stream while nothing was sent")
    if not balance.holds:
        problems.append(f"the ledger does not balance: {balance}")
    if load.account.offenders:
        problems.append(f"wrong answers: {load.account.offenders[:5]}")
    if load.unasked:
        problems.append(f"answers that no fault excuses: {load.unasked[:5]}")
    unkept = load.rejected.keys() - letters.digests
    if unkept:
        problems.append(f"{len(unkept)} events were rejected and not kept as dead letters")
    poison = load.expected_letters
    if poison - letters.raws.keys():
        problems.append(f"{len(poison - letters.raws.keys())} poison events are no dead letters")
    given_up = [reason for raw, reason in letters.raws.items() if questions.is_own(raw) and raw not in poison]
    if given_up:
        problems.append(f"{len(given_up)} accepted events were dead-lettered: {given_up[:5]}")
    problems += _sums(system) + _consumers(system) + _counters(system)
    return reckoning


def _waiting(system: System) -> str | None:
    waiting = system.backlog()
    return f"{waiting} batches" if waiting else None


def _sums(system: System) -> list[str]:
    async def ask(connection: asyncpg.Connection) -> asyncpg.Record:
        return (await connection.fetch(_SUMS))[0]

    row = questions.in_postgres(system.postgres.url, ask, _READ_SECONDS)
    figures = {row["events"], row["ledger"], *row["rollups"]}
    return [] if len(figures) == 1 else [f"events, ledger and rollups differ: {dict(row)}"]


def _consumers(system: System) -> list[str]:
    """No outage may use a delivery limit up, so there is none."""
    problems: list[str] = []
    for source, info in questions.in_nats(system.nats.url, questions.consumers).items():
        if info is None:
            problems.append(f"{source} has no consumer")
        elif info.config.max_deliver != -1:
            problems.append(f"the consumer of {source} gives up after {info.config.max_deliver} deliveries")
        elif (info.num_redelivered or 0) > 0 or (info.num_ack_pending or 0) > 0:
            problems.append(
                f"{source}: {info.num_redelivered} redelivered, {info.num_ack_pending} not acknowledged"
            )
    return problems


def _counters(system: System) -> list[str]:
    """The live counters in Redis follow by themselves, a moment later: what an operator would ask for is asked."""

    sources = [argument for source in questions.SOURCES for argument in ("--source", source)]
    check = system.services.program("counters", "console", "counters", "check", *sources)

    def problem() -> str | None:
        before = len(check.log.read_bytes()) if check.log.exists() else 0
        check.launch()
        status = check.wait(_READ_SECONDS)
        return None if status == 0 else check.log.read_bytes()[before:].decode(errors="replace")

    try:
        wait_for("live counters that agree with Postgres", problem, _COUNTERS_SECONDS)
    except AssertionError as error:
        return [str(error)]
    return []
