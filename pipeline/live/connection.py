# pyright: reportUnknownMemberType=false
# redis-py leaves the values of commands and the parameters that it passes on untyped.
"""The connection to Redis: every call is bounded in time, and fails as LiveUnavailable."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from pipeline.chassis import tracing
from pipeline.chassis.tls import client_context
from pipeline.errors import ConfigurationError, LiveUnavailable
from pipeline.live.settings import LiveSettings

ResultT = TypeVar("ResultT")

_SCAN_COUNT = 5000
_WILDCARDS = frozenset("*?[\\")
_IN_REDIS = {"db.system.name": "redis"}


class LiveConnection:
    """The connections of one process to Redis. They are made when they are needed, and again when they are lost.

    Raises ConfigurationError when the URL makes no sense, or the file of the authority is missing.
    """

    def __init__(self, settings: LiveSettings, name: str) -> None:
        self._timeout_seconds = settings.redis_timeout_seconds
        try:
            self._client = Redis.from_url(
                settings.redis_url,
                client_name=name,
                decode_responses=True,
                encoding_errors="replace",  # somebody else's key may hold anything
                protocol=2,
                socket_timeout=settings.redis_timeout_seconds,
                socket_connect_timeout=settings.redis_timeout_seconds,
                # Whoever calls knows better whether, and when, to try again.
                retry=Retry(NoBackoff(), 0),
                **_tls(settings),
            )
        except ValueError as error:
            raise ConfigurationError(f"REDIS_URL: {error}") from None
        self._scripts: dict[str, AsyncScript] = {}

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def ping(self) -> str:
        """A readiness check. Raises LiveUnavailable."""
        await self._bounded("PING", lambda: cast("Awaitable[Any]", self._client.ping()))
        return "answers"

    async def run(self, script: str, keys: Sequence[str], *arguments: str | int) -> Any:
        """What a Lua script returns. Raises LiveUnavailable: then it is unknown whether it was run."""
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        registered = self._scripts[script]
        return await self._bounded("EVALSHA", lambda: registered(keys=list(keys), args=list(arguments)))

    async def together(self, fill: Callable[[Pipeline], object]) -> list[Any]:
        """The answers to the commands that `fill` puts into a pipeline; a command that fails answers its error.

        Raises LiveUnavailable when Redis does not answer.
        """
        pipeline = self._client.pipeline(transaction=False)
        fill(pipeline)
        return await self._bounded("PIPELINE", lambda: pipeline.execute(raise_on_error=False))

    async def key_pages(self, pattern: str) -> AsyncGenerator[list[str]]:
        """All keys that match, some of them more than once. Goes through all of Redis. Raises LiveUnavailable.

        A pattern without wildcards is a key, whether or not it is there.
        """
        if _WILDCARDS.isdisjoint(pattern):
            yield [pattern]
            return
        cursor = 0
        while True:
            cursor, names = await self._scan(cursor, pattern)
            if names:
                yield names
            if cursor == 0:
                return

    async def _scan(self, cursor: int, pattern: str) -> tuple[int, list[str]]:
        answer = await self._bounded(
            "SCAN", lambda: self._client.scan(cursor, match=pattern, count=_SCAN_COUNT)
        )
        return cast("tuple[int, list[str]]", answer)

    async def _bounded(self, operation: str, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        cancelled_before = _cancellations()
        with tracing.child(operation, "client", _IN_REDIS):
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await call()
            except TimeoutError as error:
                raise LiveUnavailable(f"no answer from Redis within {self._timeout_seconds:g} s") from error
            except (RedisError, OSError) as error:
                raise LiveUnavailable(f"{type(error).__name__}: {error}") from error
            finally:
                # redis-py may swallow the cancellation of a task that waits for an answer, and the task would live on.
                if _cancellations() > cancelled_before:
                    raise asyncio.CancelledError


def _cancellations() -> int:
    """How often the running task was told to end, apart from timeouts that have ended."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _tls(settings: LiveSettings) -> dict[str, Any]:
    """What the client needs to know. Raises ConfigurationError."""
    if not settings.redis_tls_ca:
        return {}
    if not settings.redis_url.startswith("rediss://"):
        raise ConfigurationError("REDIS_TLS_CA: REDIS_URL must begin with rediss:// then")
    # The client reads the file with its first connection: here it is noticed at the start.
    client_context("REDIS_TLS", settings.redis_tls_ca)
    return {"ssl_ca_certs": settings.redis_tls_ca}


def argument(value: object) -> str:
    """A value as a script reads it, by cjson."""
    return msgspec.json.encode(value).decode()
