# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""The connection to NATS: found again for ever, its topology kept in place, its loss noticed at once."""

import asyncio
import ssl
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import msgspec
import nats
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import StreamInfo

from pipeline.chassis.settings import ByteSize
from pipeline.chassis.tls import client_context
from pipeline.errors import ConfigurationError, StreamUnavailable
from pipeline.stream.client import ImpatientClient
from pipeline.stream.topology import check_topology, differing, ensure_topology

log = structlog.get_logger()

_CHECK_INTERVAL_SECONDS = 5.0
_FIRST_CHECK_INTERVAL_SECONDS = 0.2


class StreamSettings(msgspec.Struct, frozen=True):
    nats_url: str = "nats://127.0.0.1:4222"
    """Comma-separated servers; credentials may be part of the URL."""
    nats_tls_ca: str = ""
    """The authority by which the servers' certificates are verified. With it nothing is said or heard before TLS is
    established; the servers must allow that (`handshake_first`)."""
    nats_tls_cert: str = ""
    """This program's own certificate, where the servers want one. It may be all that says who it is."""
    nats_tls_key: str = ""
    """The key of that certificate."""
    nats_ping_interval_seconds: int = 5
    """A connection whose peer misses two pings counts as lost."""
    nats_request_timeout_seconds: float = 2.0
    """How long JetStream may take to answer, an acknowledgement from disk included."""
    publish_window: int = 32
    """Batches that may wait for their acknowledgement at the same time."""
    events_max_bytes: ByteSize = ByteSize(4 * 1024**3)
    """Size of the EVENTS stream; when it is full the gateway answers 503."""
    dead_letters_max_bytes: ByteSize = ByteSize(1024**3)
    """Size of the DEAD_LETTERS stream; when it is full the oldest go."""
    dead_letters_max_age_days: int = 30
    """How long a dead letter is kept."""
    notifications_max_bytes: ByteSize = ByteSize(1024**3)
    """Size of the NOTIFICATIONS stream; when it is full the oldest go."""
    notifications_max_age_hours: int = 24
    """How long somebody may be away and still be told everything on their return."""
    stream_replicas: int = 1
    """Copies of each stream; 3 on a cluster."""
    stream_manage: bool = True
    """Whether this program puts the streams in place. Otherwise it only looks whether they are."""

    def __post_init__(self) -> None:
        if self.nats_tls_cert and not self.nats_tls_ca:
            raise ValueError("NATS_TLS_CA: set it together with NATS_TLS_CERT")


class StreamConnection:
    """One connection of one process. `run` is a supervised loop; until it has connected, users get
    StreamUnavailable. `streams` is what the last look at the topology found, at most some seconds old.

    Answers come to subjects that begin with its name, so that a server can keep programs from hearing each other's.
    Raises ConfigurationError when a file of certificates is missing or not usable.
    """

    def __init__(self, settings: StreamSettings, name: str) -> None:
        self.settings = settings
        self._name = name
        self._client: Client | None = None
        self._topology_ready = asyncio.Event()
        self._lost: set[asyncio.Timeout] = set()
        self._reconnects = 0
        self._tls = _tls(settings)
        self._refusal = ""
        self._differing: dict[str, list[str]] = {}
        self.streams: Sequence[StreamInfo] = ()

    async def run(self, stop: asyncio.Event) -> None:
        """Connects and keeps the topology in place until told to stop.

        It leaves the connection open: others are still finishing what they hold. `close` is the process's last call.
        """
        stopping = asyncio.create_task(stop.wait())
        connecting = asyncio.create_task(self._connect())
        await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            connecting.cancel()
            return
        await connecting
        while not stop.is_set():
            await self._check_topology()
            pause = (
                _CHECK_INTERVAL_SECONDS if self._topology_ready.is_set() else _FIRST_CHECK_INTERVAL_SECONDS
            )
            await asyncio.wait({stopping}, timeout=pause)

    async def open(self) -> None:
        """Connects once, for a program that asks and goes: in place of `run`. It puts nothing in place.

        Raises StreamUnavailable when nobody answers within the request timeout.
        """
        last: list[Exception] = []  # nats-py itself says no more than that there is no server

        async def remember(error: Exception) -> None:
            last[:] = [error]

        try:
            async with asyncio.timeout(self.settings.nats_request_timeout_seconds):
                self._client = await nats.connect(
                    self.settings.nats_url.split(","),
                    name=self._name,
                    inbox_prefix=self._inbox_prefix,
                    tls=self._tls,
                    tls_handshake_first=self._tls is not None,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0.05,
                    error_cb=remember,
                )
        except TimeoutError:
            raise StreamUnavailable("no answer from NATS in time") from None
        except (NatsError, OSError) as error:
            cause = last[0] if last else error
            raise StreamUnavailable(f"NATS: {str(cause) or type(cause).__name__}") from error

    async def close(self) -> None:
        """Sends what is buffered (acknowledgements above all) and closes. Ends in any case, also without NATS."""
        if self._client is None or self._client.is_closed:
            return
        try:
            async with asyncio.timeout(self.settings.nats_request_timeout_seconds):
                if self._client.is_connected:
                    await self._client.flush()
                await self._client.close()
        except (NatsError, OSError, TimeoutError) as error:
            # Whatever was not sent is delivered again, or was never acknowledged to its sender.
            log.warning("not_closed_in_order", dependency="nats", error=str(error) or type(error).__name__)

    @property
    def client(self) -> Client:
        """The connected client. Raises StreamUnavailable while there is none: callers fail fast."""
        if self._client is None or not self._client.is_connected:
            raise StreamUnavailable(f"not connected to NATS{self._refusal}")
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        """Raises StreamUnavailable as `client`."""
        return self.client.jetstream(timeout=self.settings.nats_request_timeout_seconds)

    @property
    def reconnects(self) -> int:
        """Grows with every reconnection: what waited on the server before is forgotten there."""
        return self._reconnects

    async def ready(self) -> None:
        """Waits until the streams exist."""
        await self._topology_ready.wait()

    @contextmanager
    def answer_expected(self, already_waited_seconds: float = 0.0) -> Generator[asyncio.Timeout]:
        """A scope for waiting on the server: TimeoutError after the request timeout, at once on a lost connection.

        A future of nats-py would wait for an answer that can no longer come.
        """
        scope = asyncio.timeout(self.settings.nats_request_timeout_seconds - already_waited_seconds)
        self._lost.add(scope)
        try:
            yield scope
        finally:
            self._lost.discard(scope)

    async def check(self) -> str:
        """A readiness check: connected, all streams were seen in place, and JetStream answers for them."""
        jetstream = self.jetstream
        if not self._topology_ready.is_set():
            raise StreamUnavailable("the streams are not in place yet")
        info = await jetstream.stream_info("EVENTS")
        return f"EVENTS holds {info.state.messages} batches, {info.state.bytes} bytes"

    @property
    def _inbox_prefix(self) -> str:
        return inbox_prefix(self._name)

    async def _connect(self) -> None:
        log.info("waiting_for", dependency="nats")
        client = ImpatientClient()
        await client.connect(
            self.settings.nats_url.split(","),
            name=self._name,
            inbox_prefix=self._inbox_prefix,
            tls=self._tls,  # pyright: ignore[reportArgumentType] - None is what it takes for no TLS
            tls_handshake_first=self._tls is not None,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # pyright: ignore[reportArgumentType] - it only sleeps so long
            ping_interval=self.settings.nats_ping_interval_seconds,
            max_outstanding_pings=2,
            # What is published while disconnected would be sent later, after its sender was told 503.
            pending_size=8 * 1024**2,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            error_cb=self._on_error,
        )
        self._client = client
        log.info("connected", dependency="nats")

    async def _check_topology(self) -> None:
        try:
            if self.settings.stream_manage:
                # Limits are changed by whoever starts last. An older process beside a newer one, as in a rolling
                # update, would otherwise take them back every few seconds.
                change = not self._topology_ready.is_set()
                self.streams = await ensure_topology(self.jetstream, self.settings, change=change)
            else:
                self.streams = await check_topology(self.jetstream, self.settings)
        except (StreamUnavailable, NatsError, TimeoutError) as error:
            log.warning("topology_not_ready", error=str(error) or type(error).__name__)
        else:
            self._topology_ready.set()
            if (found := differing(self.streams, self.settings)) != self._differing:
                self._differing = found
                log.warning("streams_differ", streams=found, remedy="sluice streams ensure")

    async def _on_disconnected(self) -> None:
        log.warning("disconnected", dependency="nats")
        now = asyncio.get_running_loop().time()
        for scope in self._lost:
            # One that has just timed out refuses, and nats-py would not survive the exception: it never reconnected.
            if not scope.expired():
                scope.reschedule(now)

    async def _on_reconnected(self) -> None:
        self._reconnects += 1
        self._refusal = ""
        log.info("reconnected", dependency="nats")

    async def _on_error(self, error: Exception) -> None:
        """A server that is away is heard of many times a second. One that refuses needs somebody to look at it."""
        said = str(error) or type(error).__name__
        if "permissions violation" in said:
            log.warning("not_permitted", dependency="nats", error=said)
        elif isinstance(error, ssl.SSLError) or "authorization violation" in said.lower():
            if f": {said}" != self._refusal:
                log.warning("refused", dependency="nats", error=said)
            self._refusal = f": {said}"
        else:
            log.debug("nats_error", error=said)


def inbox_prefix(name: str) -> str:
    """What the subjects begin with to which a program of this name is answered."""
    return f"_INBOX.{name}"


def _tls(settings: StreamSettings) -> ssl.SSLContext | None:
    """Raises ConfigurationError."""
    if not settings.nats_tls_ca:
        if any(url.startswith("tls://") for url in settings.nats_url.split(",")):
            raise ConfigurationError("NATS_TLS_CA: required by the tls:// in NATS_URL, but not set")
        return None
    return client_context("NATS_TLS", settings.nats_tls_ca, settings.nats_tls_cert, settings.nats_tls_key)
