"""Who may say what to the NATS server of production: nobody without a certificate, and each no more than its work."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import nats as nats_py
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

from collectors.registry import SOURCES
from console.streams import users_conf
from pipeline.chassis.settings import load_settings
from pipeline.errors import StreamUnavailable
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings
from tests.integration.production.servers import OPS, Certificates, Nats
from tests.processes import eventually

COLLECTORS = [f"{source}-collector" for source in SOURCES]
Join = Callable[..., Awaitable["Member"]]


class Member:
    """A plain client with the certificate of a program, and what the server has refused it."""

    def __init__(self, client: Client, refusals: list[str]) -> None:
        self.client = client
        self.refusals = refusals

    async def is_refused(self, subject: str) -> bool:
        """Whether the server says that it may not publish there. Nothing is left behind in either case but that."""
        self.refusals.clear()
        await self.client.publish(subject, b"{}")
        await self._answered()
        return any("publish" in refusal and subject.lower() in refusal for refusal in self.refusals)

    async def is_deaf_to(self, subject: str) -> bool:
        self.refusals.clear()
        await self.client.subscribe(subject)
        await self._answered()
        return any("subscription" in refusal for refusal in self.refusals)

    async def _answered(self) -> None:
        # The ping of a flush may overtake what is still to be sent; that of a second one comes after it.
        await self.client.flush()
        await self.client.flush()


@pytest.fixture
async def join(streams: Nats) -> AsyncIterator[Join]:
    async with AsyncExitStack() as stack:

        async def join(name: str, authority: Certificates | None = None) -> Member:
            refusals: list[str] = []

            async def remember(error: Exception) -> None:
                refusals.append(str(error).lower())

            certificates = authority or streams.certificates
            context = ssl.create_default_context(cafile=streams.certificates.authority)
            context.load_cert_chain(*certificates.issue(name))
            client = await nats_py.connect(
                streams.url,
                tls=context,
                tls_handshake_first=True,
                allow_reconnect=False,
                connect_timeout=5,
                error_cb=remember,
                inbox_prefix=f"_INBOX.{name}",
            )
            stack.push_async_callback(client.close)
            return Member(client, refusals)

        yield join


def test_the_users_in_the_repository_are_those_of_the_code() -> None:
    assert (OPS / "nats" / "users.conf").read_text() == users_conf(), (
        "./sluice streams rights > ops/nats/users.conf"
    )


async def test_without_a_certificate_nobody_comes_in(streams: Nats) -> None:
    context = ssl.create_default_context(cafile=streams.certificates.authority)
    with pytest.raises((NatsError, OSError)):
        await nats_py.connect(
            streams.url,
            tls=context,
            tls_handshake_first=True,
            allow_reconnect=False,
            max_reconnect_attempts=1,
        )


async def test_without_tls_nobody_comes_in(streams: Nats) -> None:
    with pytest.raises((NatsError, OSError, TimeoutError)):
        await nats_py.connect(
            streams.url.replace("tls://", "nats://"),
            allow_reconnect=False,
            max_reconnect_attempts=1,
            connect_timeout=1,
        )


async def test_a_certificate_of_another_authority_is_refused(
    join: Join, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises((NatsError, OSError)):
        await join("gateway", Certificates(tmp_path_factory.mktemp("others")))


async def test_a_name_that_the_server_does_not_know_is_refused(join: Join) -> None:
    with pytest.raises(NatsError):
        await join("reporter")


@pytest.mark.parametrize("name", [*COLLECTORS, "alerts", "topology", "backup"])
async def test_only_the_gateway_and_the_operator_publish_events(join: Join, name: str) -> None:
    member = await join(name)
    for source in SOURCES:
        assert await member.is_refused(f"events.{source}")


@pytest.mark.parametrize("name", ["gateway", "console"])
async def test_the_gateway_and_the_operator_do(join: Join, name: str) -> None:
    assert not await (await join(name)).is_refused("events.facebook")


async def test_a_collector_takes_nothing_of_another_source(join: Join) -> None:
    jetstream = (await join("tiktok-collector")).client.jetstream()
    await jetstream.add_consumer(
        "EVENTS",
        ConsumerConfig(
            name="tiktok-collector",
            durable_name="tiktok-collector",
            filter_subject="events.tiktok",
            ack_policy=AckPolicy.EXPLICIT,
        ),
    )
    other = await join("facebook-collector")
    for subject in (
        "$JS.API.CONSUMER.MSG.NEXT.EVENTS.tiktok-collector",
        "$JS.API.CONSUMER.CREATE.EVENTS",
        "$JS.API.CONSUMER.CREATE.EVENTS.own.events.tiktok",
        "$JS.API.CONSUMER.CREATE.EVENTS.facebook-collector.events.tiktok",
        "$JS.API.CONSUMER.CREATE.EVENTS.facebook-collector",
        "$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.facebook-collector",
        "$JS.API.CONSUMER.DELETE.EVENTS.tiktok-collector",
        "$JS.API.CONSUMER.PAUSE.EVENTS.tiktok-collector",
        "$JS.ACK.EVENTS.tiktok-collector.1.1.1.1.1",
        "$JS.API.STREAM.MSG.DELETE.EVENTS",
        "$JS.API.STREAM.PURGE.EVENTS",
        "dead.tiktok.schema_violation.1-0",
    ):
        assert await other.is_refused(subject), subject


async def test_a_collector_cannot_hide_another_filter_in_its_own_request(join: Join) -> None:
    client = (await join("facebook-collector")).client
    subject = "$JS.API.CONSUMER.CREATE.EVENTS.facebook-collector.events.facebook"
    config = {"name": "facebook-collector", "durable_name": "facebook-collector", "ack_policy": "explicit"}
    for filters in (
        {"filter_subject": "events.tiktok"},
        {"filter_subjects": ["events.facebook", "events.tiktok"]},
    ):
        request = {"stream_name": "EVENTS", "config": {**config, **filters}}
        answer = await client.request(subject, json.dumps(request).encode())
        assert b'"error"' in answer.data


@pytest.mark.parametrize("name", ["gateway", *COLLECTORS, "alerts", "console"])
async def test_nobody_changes_a_stream_but_the_one_that_is_there_for_it(join: Join, name: str) -> None:
    member = await join(name)
    for request in ("CREATE", "UPDATE", "DELETE", "PURGE", "RESTORE", "SNAPSHOT"):
        assert await member.is_refused(f"$JS.API.STREAM.{request}.EVENTS")


async def test_only_who_may_tells_people_something(join: Join) -> None:
    may = {
        name
        for name in [*COLLECTORS, "alerts"]
        if not await (await join(name)).is_refused("notifications.user.u")
    }
    assert may == {"social-collector", "alerts"}


@pytest.mark.parametrize("name", ["gateway", *COLLECTORS, "alerts", "console", "topology", "backup"])
async def test_nobody_hears_the_system_or_anothers_answers(join: Join, name: str) -> None:
    member = await join(name)
    for subject in ("$SYS.>", "_INBOX.>", "_INBOX.other.>", "events.>", "dead.>", "notifications.>", ">"):
        assert await member.is_deaf_to(subject), subject
    assert await member.is_refused("$SYS.REQ.SERVER.PING")


async def test_the_system_account_hears_who_comes(join: Join) -> None:
    system = await join("system")
    heard = await system.client.subscribe("$SYS.ACCOUNT.*.CONNECT")
    await system.client.flush()
    await join("gateway")
    assert (await heard.next_msg(timeout=5)).data


async def test_what_the_system_account_publishes_reaches_no_stream(join: Join) -> None:
    system, gateway = await join("system"), await join("gateway")
    await system.client.publish("events.facebook", b"[]")
    await system.client.flush()
    await gateway.client.jetstream().publish("events.tiktok", b"[]")
    assert (await gateway.client.jetstream().stream_info("EVENTS")).state.messages == 1


async def test_a_program_of_ours_publishes_with_its_certificate(streams: Nats) -> None:
    connection = StreamConnection(load_settings(StreamSettings, streams.settings("gateway")), "gateway")
    await connection.open()
    await StreamPublisher(connection).publish("events.facebook", b"[]", {})
    with pytest.raises(NatsError):
        await connection.jetstream.delete_stream("EVENTS")
    await connection.close()


async def test_why_a_program_is_refused_is_told(streams: Nats) -> None:
    settings = load_settings(StreamSettings, streams.settings("reporter"))
    with pytest.raises(StreamUnavailable, match=r"(?i)authorization"):
        await StreamConnection(settings, "reporter").open()


async def test_missing_streams_are_named_by_who_may_not_make_them(nats: Nats) -> None:
    connection = StreamConnection(load_settings(StreamSettings, nats.settings("gateway")), "gateway")
    stop = asyncio.Event()
    running = asyncio.create_task(connection.run(stop))

    async def told() -> None:
        with pytest.raises(StreamUnavailable, match="not in place"):
            await connection.check()

    await eventually(told)
    stop.set()
    await running
    await connection.close()


async def test_limits_that_differ_are_told_and_nothing_is_changed(
    streams: Nats, join: Join, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = streams.settings("gateway") | {"EVENTS_MAX_BYTES": "64mb"}
    connection = StreamConnection(load_settings(StreamSettings, environ), "gateway")
    stop = asyncio.Event()
    running = asyncio.create_task(connection.run(stop))
    await asyncio.wait_for(connection.ready(), 20)
    assert await connection.check()

    member = await join("console")
    assert (await member.client.jetstream().stream_info("EVENTS")).config.max_bytes == 4 * 1024**3
    stop.set()
    await running
    await connection.close()
    assert "streams_differ" in capsys.readouterr().out
