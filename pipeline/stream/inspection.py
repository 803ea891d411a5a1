# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""Looks at the streams from outside, for the console: it asks and changes nothing."""

import json
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

import msgspec
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from pipeline.errors import StreamUnavailable
from pipeline.stream.connection import StreamConnection, StreamSettings
from pipeline.stream.state import Backlog, StreamFill, fill_of, read_backlog
from pipeline.stream.topology import EVENTS, consumer_name, deviations, stream_configs


class Deviation(msgspec.Struct, frozen=True):
    """Something about a stream that is not as it should be. `field` is empty when the whole stream is missing."""

    stream: str
    field: str
    found: str
    wanted: str


class StreamInspection:
    """Questions to a server. Every one raises StreamUnavailable when it does not answer in time."""

    def __init__(self, connection: StreamConnection) -> None:
        self.connection = connection
        self._settings = connection.settings

    @property
    def version(self) -> str:
        """The server's version, as `2.11.4`."""
        version = self.connection.client.connected_server_version
        return f"{version.major}.{version.minor}.{version.patch}"

    async def fills(self) -> Mapping[str, StreamFill]:
        """How full each of our streams is, by name. One that is missing is missing here."""
        found: dict[str, StreamFill] = {}
        for wanted in stream_configs(self._settings):
            name = wanted.name or ""
            with _refusals():
                try:
                    found[name] = fill_of(await self.connection.jetstream.stream_info(name))
                except NotFoundError:
                    continue
        return found

    async def backlog(self, source: str) -> Backlog:
        """What of a source waits for its collectors."""
        return await read_backlog(self.connection.jetstream, source, consumer_name(source))

    async def deviations(self) -> Sequence[Deviation]:
        """What of the streams differs from what the settings ask for."""
        found: list[Deviation] = []
        for wanted in stream_configs(self._settings):
            name = wanted.name or ""
            with _refusals():
                try:
                    config = (await self.connection.jetstream.stream_info(name)).config
                except NotFoundError:
                    found.append(Deviation(name, "", "missing", "there"))
                    continue
            for field, value in deviations(config, wanted).items():
                found.append(Deviation(name, field, _shown(getattr(config, field)), _shown(value)))
            for field in ("retention", "storage"):
                value, actual = getattr(wanted, field), getattr(config, field)
                if actual != value:
                    found.append(Deviation(name, field, _shown(actual), _shown(value)))
        return found

    async def server_time(self) -> datetime:
        """The server's clock. Needs the stream EVENTS."""
        with _refusals():
            timeout = self._settings.nats_request_timeout_seconds
            answer = await self.connection.client.request(
                f"$JS.API.STREAM.INFO.{EVENTS}", b"", timeout=timeout
            )
            try:
                body: dict[str, Any] = json.loads(answer.data)
                return msgspec.convert(body.get("ts"), datetime)
            except (ValueError, msgspec.ValidationError) as error:
                raise StreamUnavailable(f"NATS: no time in its answer: {error}") from error


@asynccontextmanager
async def inspect_streams(settings: StreamSettings, name: str) -> AsyncGenerator[StreamInspection]:
    """A connection for some questions. Raises StreamUnavailable when there is none to be had."""
    connection = StreamConnection(settings, name)
    await connection.open()
    try:
        yield StreamInspection(connection)
    finally:
        await connection.close()


@contextmanager
def _refusals() -> Generator[None]:
    try:
        yield
    except (NatsError, TimeoutError) as error:
        raise StreamUnavailable(f"NATS: {str(error) or type(error).__name__}") from error


def _shown(value: object) -> str:
    """A value of a stream's configuration, as a person would write it."""
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    return str(getattr(value, "value", value))
