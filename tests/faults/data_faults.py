"""What is in the stream, or is no longer: poison, a full disk, a deleted stream, locks and refusals of Postgres."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg
from nats.aio.client import Client
from nats.js.errors import ServiceUnavailableError

from publisher.answers import ACCEPTED, REJECTED
from tests.faults import questions
from tests.faults.fault import Fault, Scene
from tests.faults.poison import FORMAT, SOURCE, neighbours, no_batches, poisons
from tests.faults.questions import SOURCES
from tests.faults.recovery import wait_until_recovered
from tests.faults.system import wait_for

_BLOCKED_AT_MOST_SECONDS = 2.0
_NEIGHBOURS = 20
_MAX_KEPT_BYTES = 256 * 1024
_BALLAST = "events.ballast"
_BALLAST_BYTES = 1024**2
_RECREATED_WITHIN_SECONDS = 10.0


def _poison(scene: Scene) -> None:
    """Each kind in the middle of a batch of its own; they are merged with each other and with the load."""
    seed = scene.rng.getrandbits(32)
    bad, other = list(poisons(seed)), list(no_batches(seed))
    good = neighbours(seed, _NEIGHBOURS * len(bad))
    received_at = datetime.now(UTC).isoformat()
    headers = {
        "Sluice-Format": FORMAT,
        "Sluice-Received-At": received_at,
        "Sluice-Correlation": "poison*1000",
    }

    async def publish(client: Client) -> None:
        jetstream = client.jetstream()
        for number, poison in enumerate(bad):
            around = [raw for raw, _ in good[_NEIGHBOURS * number : _NEIGHBOURS * (number + 1)]]
            around.insert(_NEIGHBOURS // 2, poison.raw)
            await jetstream.publish(f"events.{SOURCE}", b"[" + b",".join(around) + b"]", headers=headers)
        for _, payload, its_headers in other:
            await jetstream.publish(f"events.{SOURCE}", payload, headers=its_headers or None)

    load = scene.load
    load.enter(b"".join(key for _, key in good), ACCEPTED)
    load.enter(b"".join(poison.key for poison in bad), REJECTED)
    load.expected_letters |= {poison.raw[:_MAX_KEPT_BYTES] for poison in bad}
    load.expected_letters |= {
        payload[:_MAX_KEPT_BYTES] for kind, payload, _ in other if kind != "an unknown format"
    }
    load.expected_letters |= {payload[1:-1] for kind, payload, _ in other if kind == "an unknown format"}
    questions.in_nats(scene.system.nats.url, publish, 20)
    scene.over()
    gap = _longest_gap(scene, 3.0)
    scene.note(f"{len(bad) + len(other)} kinds; good events were stored at least every {gap:.1f} s")
    assert gap < _BLOCKED_AT_MOST_SECONDS, f"nothing was stored for {gap:.1f} s"


def _longest_gap(scene: Scene, seconds: float) -> float:
    """The longest time in which no event of the source was stored."""
    until = time.monotonic() + seconds
    longest, count, grew_at = 0.0, -1, time.monotonic()
    while time.monotonic() < until:
        now = scene.system.stored().get(SOURCE, 0)
        if now != count:
            count, grew_at = now, time.monotonic()
        longest = max(longest, time.monotonic() - grew_at)
    return longest


def _stream_full(scene: Scene) -> None:
    """Another program's messages take up most of the room, and the collectors, who would make some, are stopped."""
    system = scene.system
    collectors = system.all_collectors

    async def fill(client: Client) -> None:
        jetstream = client.jetstream()
        info = await jetstream.stream_info("EVENTS")
        room = (info.config.max_bytes or 0) - info.state.bytes - _BALLAST_BYTES
        with suppress(ServiceUnavailableError):  # the load was quicker
            for _ in range(room // _BALLAST_BYTES):
                await jetstream.publish(_BALLAST, bytes(_BALLAST_BYTES - 200), timeout=10)

    async def clear_away(client: Client) -> None:
        await client.jetstream().purge_stream("EVENTS", subject=_BALLAST)

    scene.afterwards.append(lambda: questions.in_nats(system.nats.url, clear_away, 20))
    for collector in collectors:
        collector.pause()
    try:
        questions.in_nats(system.nats.url, fill, 60)
        seconds = wait_for("a full stream", lambda: None if scene.answers["503"] > 5 else "no 503 yet", 30)
        scene.last(2)
    finally:
        for collector in collectors:
            collector.resume()
    scene.over()
    seen = scene.answers
    assert seen.keys() <= {"202", "400", "503"}, f"a full stream is told by 503 alone: {seen}"
    scene.note(f"full after {seconds:.1f} s")


def _stream_deleted(scene: Scene) -> None:
    """Whoever deletes a stream deletes what is in it, so it is empty here: the load rests until it is gone."""
    system, load = scene.system, scene.load
    load.stop()
    wait_for("an empty stream", lambda: None if system.backlog() == 0 else "not yet", 30)

    async def delete(client: Client) -> None:
        await client.jetstream().delete_stream("EVENTS")

    questions.in_nats(system.nats.url, delete)
    scene.over()
    load.start()
    seconds = wait_until_recovered(scene, _RECREATED_WITHIN_SECONDS)
    scene.note(f"there again, and everything flows, after {seconds:.1f} s")


def _consumers_deleted(scene: Scene) -> None:
    async def delete(client: Client) -> None:
        for source in SOURCES:
            await client.jetstream().delete_consumer("EVENTS", f"{source}-collector")

    questions.in_nats(scene.system.nats.url, delete)
    scene.over()

    def problem() -> str | None:
        found = questions.in_nats(scene.system.nats.url, questions.consumers)
        missing = [source for source, info in found.items() if info is None]
        return f"no consumer of {missing}" if missing else None

    seconds = wait_for("new consumers", problem, _RECREATED_WITHIN_SECONDS)
    scene.note(f"there again after {seconds:.1f} s")


def _locked(scene: Scene) -> None:
    seconds = 4 * scene.scale

    async def hold(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute("LOCK TABLE event_ledger IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(seconds)

    questions.in_postgres(scene.system.postgres.url, hold, seconds + 10)
    scene.over()
    _no_storm(scene)


def _slow_collectors(scene: Scene) -> None:
    collectors = scene.system.all_collectors
    until = time.monotonic() + 5 * scene.scale
    try:
        while time.monotonic() < until:
            for collector in collectors:
                collector.pause()
            time.sleep(0.8)  # the duty cycle is the fault
            for collector in collectors:
                collector.resume()
            time.sleep(0.2)  # and so is this half of it
    finally:
        for collector in collectors:
            collector.resume()
    scene.over()
    _no_storm(scene)


def _no_storm(scene: Scene) -> None:
    """What waits is kept alive by those who hold it: it is not delivered again and again."""
    found = questions.in_nats(scene.system.nats.url, questions.consumers)
    redelivered = {source: info.num_redelivered or 0 for source, info in found.items() if info}
    pending = {source: info.num_ack_pending or 0 for source, info in found.items() if info}
    scene.note(
        f"{sum(pending.values())} batches in hand, {sum(redelivered.values())} of them delivered again"
    )
    assert sum(redelivered.values()) == 0, f"delivered again: {redelivered}"
    assert all(count <= 512 for count in pending.values()), f"more in hand than MAX_ACK_PENDING: {pending}"


def _read_only(scene: Scene) -> None:
    url = scene.system.postgres.url

    async def switch(connection: asyncpg.Connection, state: str) -> None:
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {state}")
        await connection.execute("SELECT pg_reload_conf()")

    questions.in_postgres(url, lambda connection: switch(connection, "on"))
    try:
        scene.last(3)
    finally:
        questions.in_postgres(url, lambda connection: switch(connection, "off"))
    scene.over()
    seen = scene.answers
    assert seen.keys() <= {"202", "400"}, f"the gateways noticed: {seen}"


def _no_connections_left(scene: Scene) -> None:
    """We take all connections that Postgres has, those of the collectors and the reporter too."""
    url, seconds = scene.system.postgres.url, 3 * scene.scale

    async def take_all() -> int:
        held: list[asyncpg.Connection] = []
        try:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                try:
                    held.append(await asyncpg.connect(url, timeout=2))
                except (asyncpg.TooManyConnectionsError, TimeoutError, ConnectionError):
                    ours = [connection.get_server_pid() for connection in held]
                    await held[0].execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE backend_type = 'client backend' AND NOT pid = ANY($1::int[])",
                        ours,
                    )
                    await asyncio.sleep(0.02)
            return len(held)
        finally:
            await asyncio.gather(*(connection.close(timeout=2) for connection in held))

    count = asyncio.run(take_all())
    scene.over()
    seen = scene.answers
    assert seen.keys() <= {"202", "400"}, f"the gateways noticed: {seen}"
    scene.note(f"{count} connections taken")


FAULTS = [
    Fault(
        "poison in the middle of merged batches",
        "published past the gateway: NUL, halves of surrogate pairs, 1e400, digits by the hundred, ids of 10 kB, "
        "malformed and bottomless JSON, the years 9999 and 0, what an index refuses, messages that are no batch",
        "good neighbours stored, the poison kept with its reason, nothing held up by it",
        _poison,
    ),
    Fault(
        "stream full",
        "another program fills EVENTS to its limit while the collectors are stopped",
        "202 or 503 with Retry-After and nothing else; recovers by itself",
        _stream_full,
        limit_seconds=30,
    ),
    Fault(
        "stream deleted by hand",
        "EVENTS, empty, is deleted",
        f"503, there again within {_RECREATED_WITHIN_SECONDS:g} s",
        _stream_deleted,
    ),
    Fault(
        "consumers deleted by hand",
        "the durable consumers of both sources are deleted at load",
        f"there again within {_RECREATED_WITHIN_SECONDS:g} s; what was in hand is delivered again",
        _consumers_deleted,
    ),
    Fault(
        "table locked",
        "another session holds the ledger's table exclusively for some seconds",
        "bounded in hand, kept alive, not delivered again",
        _locked,
    ),
    Fault(
        "slow collectors",
        "stopped 80 % of the time, in turns of a second",
        "bounded in hand, kept alive, not delivered again",
        _slow_collectors,
    ),
    Fault(
        "Postgres read-only", "default_transaction_read_only for some seconds", "ingest goes on", _read_only
    ),
    Fault(
        "Postgres out of connections",
        "another program takes every connection that there is",
        "ingest goes on",
        _no_connections_left,
    ),
]
