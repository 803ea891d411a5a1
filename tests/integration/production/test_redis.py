"""The users of Redis: each does its work, and nothing of the others'."""

from collections.abc import Sequence

import pytest
from redis.asyncio import Redis as Client
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from pipeline.chassis.settings import load_settings
from pipeline.errors import LiveUnavailable
from pipeline.live import LiveConnection, LiveSettings
from tests.integration.production.servers import PASSWORDS, Certificates, Redis

pytestmark = pytest.mark.exhaustive

Command = Sequence[str]


async def answer(redis: Redis, user: str, *command: str) -> object:
    async with Client.from_url(redis.plain_url(user), decode_responses=True) as client:
        return await client.execute_command(*command)


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("collector", ("HSET", "events:facebook", "ad.view", "1")),
        ("collector", ("ZINCRBY", "top_posts:20261121", "1", "p-1")),
        ("collector", ("EVAL", "return redis.call('INFO', 'server')", "0")),
        ("gateway", ("HINCRBY", "rate:60000:user:u-1", "1", "1")),
        ("gateway", ("MGET", "post:p-1:likes")),
        ("gateway", ("ZRANGE", "trending_posts", "0", "-1")),
        ("console", ("SCAN", "0")),
        ("grafana", ("HGETALL", "events:facebook")),
        ("exporter", ("INFO",)),
    ],
)
async def test_each_does_its_work(redis: Redis, user: str, command: Command) -> None:
    await answer(redis, user, *command)


@pytest.mark.parametrize(
    ("user", "command"),
    [
        *((user, ("FLUSHALL",)) for user in ("collector", "gateway", "console", "grafana", "exporter")),
        *((user, ("ACL", "LIST")) for user in ("collector", "gateway", "console", "grafana", "exporter")),
        *(
            (user, ("CONFIG", "GET", "*"))
            for user in ("collector", "gateway", "console", "grafana", "exporter")
        ),
        ("collector", ("HINCRBY", "rate:60000:user:u-1", "1", "1")),
        ("collector", ("SET", "something", "else")),
        ("collector", ("EVAL", "return redis.call('DEL', 'rate:60000:user:u-1')", "0")),
        ("gateway", ("HSET", "events:facebook", "ad.view", "1000000")),
        ("gateway", ("ZADD", "top_posts", "1000000", "p-1")),
        ("gateway", ("SET", "post:p-1:likes", "1000000")),
        ("gateway", ("SCAN", "0")),
        ("grafana", ("SET", "post:p-1:likes", "1000000")),
        ("grafana", ("DEL", "events:facebook")),
        ("exporter", ("GET", "post:p-1:likes")),
        ("exporter", ("HGETALL", "events:facebook")),
    ],
)
async def test_and_nothing_else(redis: Redis, user: str, command: Command) -> None:
    # From within a script it is an error of the script.
    with pytest.raises(ResponseError, match=r"(?i)permission|can't run this command|can't access"):
        await answer(redis, user, *command)


@pytest.mark.parametrize("credentials", ["", ":guessed@", "default:guessed@", "collector:guessed@"])
async def test_nobody_comes_in_without_a_password(redis: Redis, credentials: str) -> None:
    async with Client.from_url(f"redis://{credentials}127.0.0.1:{redis.port}") as client:
        with pytest.raises(AuthenticationError):
            await client.execute_command("GET", "post:p-1:likes")


async def test_a_health_check_sees_nothing(redis: Redis) -> None:
    async with Client.from_url(f"redis://health:any@127.0.0.1:{redis.port}") as client:
        assert await client.execute_command("PING")
        with pytest.raises(NoPermissionError):
            await client.execute_command("INFO")


async def test_ours_comes_by_tls_and_knows_whom_it_talks_to(
    redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = load_settings(LiveSettings, redis.settings("gateway"))
    connection = LiveConnection(settings, "test")
    assert await connection.ping() == "answers"
    await connection.close()

    others = Certificates(tmp_path_factory.mktemp("others"))
    wrong = load_settings(LiveSettings, redis.settings("gateway") | {"REDIS_TLS_CA": str(others.authority)})
    connection = LiveConnection(wrong, "test")
    with pytest.raises(LiveUnavailable, match=r"(?i)certificate"):
        await connection.ping()
    await connection.close()


async def test_another_users_password_opens_nothing(redis: Redis) -> None:
    password = PASSWORDS["REDIS_GATEWAY_PASSWORD"]
    async with Client.from_url(f"redis://collector:{password}@127.0.0.1:{redis.port}") as client:
        with pytest.raises(AuthenticationError):
            await client.execute_command("PING")
