"""Connections that fall silent: nothing arrives any more, and nobody says so."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from gateway.commit import GroupCommit
from ops.local.servers import RunningServer
from pipeline.errors import StreamUnavailable
from pipeline.stream import StreamPublisher
from tests.faults.background import Background
from tests.faults.proxy import Proxy
from tests.integration.stream.conftest import Connect
from tests.integration.stream.messages import SUBJECT, batch, numbered
from tests.processes import eventually, pause

pytestmark = pytest.mark.exhaustive

_BODY = b'"' + b"x" * 250_000 + b'"'


@pytest.fixture
def proxy(empty_nats: RunningServer) -> Iterator[Proxy]:
    """The way to the session's NATS."""
    with Background() as background:
        proxy = Proxy(background, int(empty_nats.url.rpartition(":")[2]))
        yield proxy
        proxy.close()


async def test_a_stranded_connection_is_given_up_also_with_a_backlog_to_send(
    empty_nats: RunningServer, connect: Connect, proxy: Proxy
) -> None:
    connection = await connect(proxy.url(empty_nats.url), nats_ping_interval_seconds=1)
    publisher = StreamPublisher(connection, window=128)
    await publisher.publish_batch(batch(b"1"))

    proxy.strand()
    stranded_at = time.monotonic()
    # More than the kernel takes from us: the rest waits in this process for a peer that will never read.
    outcomes = await asyncio.gather(
        *(publisher.publish(SUBJECT, _BODY, {}) for _ in range(128)), return_exceptions=True
    )
    assert all(isinstance(outcome, StreamUnavailable) for outcome in outcomes)

    async def publishes() -> None:
        try:
            await publisher.publish_batch(batch(b"2"))
        except StreamUnavailable as error:
            raise AssertionError(str(error)) from None

    await eventually(publishes, within_seconds=30)
    assert time.monotonic() - stranded_at < 8, "two missed pings, a second each, and some time to connect"


async def test_who_waits_for_the_window_is_refused_as_soon_as_who_is_in_it(
    own_nats: RunningServer, connect: Connect
) -> None:
    publisher = StreamPublisher(await connect(own_nats.url, nats_request_timeout_seconds=0.5), window=4)
    pause(own_nats)
    try:
        started = time.monotonic()
        outcomes = await asyncio.gather(*map(publisher.publish_batch, numbered(40)), return_exceptions=True)
        assert all(isinstance(outcome, StreamUnavailable) for outcome in outcomes)
        assert time.monotonic() - started < 1.5
    finally:
        own_nats.resume()


async def test_who_joins_others_in_a_batch_is_refused_as_soon_as_they_are(
    own_nats: RunningServer, connect: Connect
) -> None:
    """The second batch forms while the first is on its way to nowhere; it is not tried for as long again."""
    commit = GroupCommit(StreamPublisher(await connect(own_nats.url, nats_request_timeout_seconds=0.6)))
    pause(own_nats)
    try:
        started = time.monotonic()

        async def one() -> float:
            with pytest.raises(StreamUnavailable):
                await commit.commit("facebook", "f.v1", [msgspec.Raw(b"{}")], datetime.now(UTC), "c")
            return time.monotonic() - started

        first = asyncio.create_task(one())
        await asyncio.sleep(0.05)
        assert max(await asyncio.gather(first, one(), one())) < 0.95
    finally:
        own_nats.resume()


async def test_who_waits_for_the_window_waits_on_as_long_as_others_are_acknowledged(
    own_nats: RunningServer, connect: Connect
) -> None:
    """A large body on a slow disk is no outage."""
    publisher = StreamPublisher(await connect(own_nats.url, nats_request_timeout_seconds=0.4), window=1)
    publishing = asyncio.gather(*map(publisher.publish_batch, numbered(8)))
    while not publishing.done():
        own_nats.pause()
        await asyncio.sleep(0.1)
        own_nats.resume()
        await asyncio.sleep(0.001)
    await publishing
