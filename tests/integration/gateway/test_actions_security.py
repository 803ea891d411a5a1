"""Who may not do what at `POST /api/events`: a gateway process with keys of both kinds, over real HTTP."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import nats
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from nats.aio.client import Client
from redis.asyncio import Redis

from ops.local import servers
from ops.local.servers import RunningServer
from tests.processes import Process, Services, connections, eventually, pause
from tests.streams import delete_streams

SECRET = "a-secret-of-at-least-thirty-two-bytes"
OTHER = "another-secret-of-thirty-two-bytes-or-more"
RSA = rsa.generate_private_key(65537, 2048)
FOREIGN_RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ANY = "events:write:any"
LIKE = {"userId": "u-17", "postId": "p-42", "type": "like"}
UNLIMITED = {"RATE_LIMIT_PER_ADDRESS": "0", "RATE_LIMIT_PER_USER": "0"}
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    all_of_them = {"sub": "u-17", "aud": "sluice", "iss": "sluice", "exp": now + 300, **changes}
    return {name: value for name, value in all_of_them.items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", headers: Any = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def by_hand(header: dict[str, Any], payload: dict[str, Any], key: bytes | None) -> str:
    """What no library signs: without any key, or with a public key as if it were a secret."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    text = b".".join(parts)
    signature = hmac.digest(key, text, hashlib.sha256) if key is not None else b""
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def pem(encoding: Encoding = Encoding.PEM) -> bytes:
    return RSA.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def ago(seconds: int) -> int:
    return int(time.time()) - seconds


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entries = [
        json.loads(RSAAlgorithm.to_jwk(RSA.public_key())) | {"kid": "r1", "use": "sig"},
        json.loads(ECAlgorithm.to_jwk(EC.public_key())) | {"kid": "e1"},
    ]
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps({"keys": entries}))
    return file


@pytest.fixture
def settings(keys_file: Path) -> dict[str, str]:
    return {"JWT_SECRET": SECRET, "JWT_PUBLIC_KEYS_FILE": str(keys_file)}


@pytest.fixture
async def streams(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def services(
    tmp_path: Path, nats_server: RunningServer, streams: Client, settings: dict[str, str]
) -> Iterator[Services]:
    with Services(tmp_path, {**connections(nats_server), **settings}) as services:
        yield services


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture
async def redis_url(redis_server: RunningServer) -> str:
    """The session's Redis, which has counted nobody yet."""
    async with Redis.from_url(redis_server.url) as client:
        await client.flushall()
    return redis_server.url


class Door:
    """`POST /api/events` of one gateway."""

    def __init__(self, http: httpx.AsyncClient, gateway: Process) -> None:
        self._http = http
        self.gateway = gateway

    async def post(self, token: str | None, body: Any = LIKE, **headers: str) -> httpx.Response:
        sent = {**({"Authorization": f"Bearer {token}"} if token is not None else {}), **headers}
        return await self._http.post(f"{self.gateway.url}/api/events", json=body, headers=sent)

    async def ready(self) -> tuple[int, dict[str, Any]]:
        answer = await self._http.get(f"{self.gateway.url}/health/ready")
        return answer.status_code, answer.json()

    async def metrics(self) -> str:
        return (await self._http.get(f"{self.gateway.url}/metrics")).text


async def stored(streams: Client) -> list[dict[str, Any]]:
    """All envelopes in the stream, as they would be stored."""
    context = streams.jetstream()
    found: list[dict[str, Any]] = []
    for sequence in range(1, (await context.stream_info("EVENTS")).state.last_seq + 1):
        message = await context.get_msg("EVENTS", sequence)
        assert message.subject == "events.social"
        found += json.loads(message.data or b"")
    return found


def forged_tokens() -> dict[str, tuple[str | None, str]]:
    """By what is wrong: the token, and what its sender is told."""
    hs, rs = {"alg": "HS256", "typ": "JWT"}, {"alg": "RS256", "typ": "JWT", "kid": "r1"}
    good = signed()
    head, payload, signature = good.split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(sub="u-1")).encode()).rstrip(b"=").decode()
    return {
        "none at all": (None, ""),
        "no token": ("nonsense", "malformed"),
        "expired": (signed(exp=ago(60)), "expired"),
        "not yet valid": (signed(nbf=ago(-300)), "not valid yet"),
        "issued tomorrow": (signed(iat=ago(-86_400)), "not valid yet"),
        "wrong audience": (signed(aud="another-service"), "another audience"),
        "no audience": (signed(aud=None), "lacks one of"),
        "wrong issuer": (signed(iss="https://evil.example"), "somebody else"),
        "no subject": (signed(sub=None), "lacks one of"),
        "no expiry": (signed(exp=None), "lacks one of"),
        "alg none": (by_hand({"alg": "none", "typ": "JWT"}, claims(), None), "none of the keys"),
        "alg None": (by_hand({"alg": "None", "typ": "JWT"}, claims(), None), "none of the keys"),
        "alg none, signed": (by_hand({"alg": "none"}, claims(), SECRET.encode()), "none of the keys"),
        "no alg": (by_hand({"typ": "JWT"}, claims(), SECRET.encode()), ""),
        "HS256 with the public key as secret": (by_hand(hs, claims(), pem()), "none of the keys"),
        "the same without its line end": (by_hand(hs, claims(), pem().strip()), "none of the keys"),
        "the same as DER": (by_hand(hs, claims(), pem(Encoding.DER)), "none of the keys"),
        "the same with its kid": (by_hand({**hs, "kid": "r1"}, claims(), pem()), "none of the keys"),
        "the secret under RS256": (by_hand(rs, claims(), SECRET.encode()), "none of the keys"),
        "another RSA key": (signed(FOREIGN_RSA, "RS256", {"kid": "r1"}), "none of the keys"),
        "a key of its own": (
            signed(FOREIGN_RSA, "RS256", {"jwk": json.loads(RSAAlgorithm.to_jwk(FOREIGN_RSA.public_key()))}),
            "none of the keys",
        ),
        "another secret": (signed(OTHER), "none of the keys"),
        "no signature": (f"{head}.{payload}.", "none of the keys"),
        "another payload": (f"{head}.{other}.{signature}", "none of the keys"),
        "oversized": (signed(padding="x" * 9000), "too long"),
    }


async def test_a_token_that_is_not_good_is_refused(
    services: Services, http: httpx.AsyncClient, streams: Client
) -> None:
    door = Door(http, services.gateway(ready=True, **UNLIMITED))
    for wrong, (token, told) in forged_tokens().items():
        answer = await door.post(token)

        assert answer.status_code == 401, wrong
        assert answer.json()["type"] == "urn:sluice:problem:unauthorized", wrong
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith("Bearer "), wrong
        assert ('error="invalid_token"' in challenge) == bool(token), wrong
        assert told in challenge, (wrong, challenge)
    assert await stored(streams) == []

    for token in (signed(), signed(RSA, "RS256", {"kid": "r1"}), signed(EC, "ES256"), signed(exp=ago(5))):
        assert (await door.post(token)).status_code == 202
    assert len(await stored(streams)) == 4


async def test_other_ways_to_hand_over_a_token_are_none(services: Services, http: httpx.AsyncClient) -> None:
    gateway = services.gateway(ready=True, **UNLIMITED)
    url, good = f"{gateway.url}/api/events", signed()

    in_query = await http.post(f"{url}?access_token={good}&token={good}", json=LIKE)
    basic = await http.post(url, json=LIKE, headers={"Authorization": f"Basic {good}"})
    twice = await http.post(
        url, json=LIKE, headers=[("Authorization", f"Bearer {good}"), ("Authorization", "Bearer x")]
    )
    empty = await http.post(url, json=LIKE, headers={"Authorization": "Bearer"})
    huge = await http.post(url, json=LIKE, headers={"Authorization": "Bearer " + "x" * 40_000})
    lower = await http.post(url, json=LIKE, headers={"authorization": f"bearer {good}"})

    assert [each.status_code for each in (in_query, basic, twice, empty, huge)] == [401, 401, 401, 401, 431]
    assert lower.status_code == 202
    assert good not in gateway.log.read_text()


@pytest.mark.parametrize(
    "scope", [None, "", "events:write", "events:write:anything", "xevents:write:any", "events:write:any:not"]
)
async def test_another_users_id_needs_the_scope(
    services: Services, http: httpx.AsyncClient, streams: Client, scope: str | None
) -> None:
    door = Door(http, services.gateway(ready=True, **UNLIMITED))
    theirs, mine = {**LIKE, "userId": "u-18"}, {**LIKE, "id": "mine"}
    token = signed(scope=scope)

    single = await door.post(token, theirs)
    all_of_them = await door.post(token, [theirs, {**theirs, "userId": "U-17"}])
    mixed = await door.post(token, [theirs, mine])

    for answer in (single, all_of_them):
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:sluice:problem:forbidden")
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
        assert {error["reason"] for error in answer.json()["errors"]} == {"forbidden"}
    assert mixed.status_code == 202
    assert [each["status"] for each in mixed.json()["results"]] == ["rejected", "accepted"]
    assert [envelope["action"]["userId"] for envelope in await stored(streams)] == ["u-17"]
    context = streams.jetstream()
    assert (await context.stream_info("DEAD_LETTERS")).state.messages == 0, "nobody shall replay it"


async def test_with_the_scope_a_back_end_speaks_for_everybody(
    services: Services, http: httpx.AsyncClient, streams: Client
) -> None:
    door = Door(http, services.gateway(ready=True, **UNLIMITED))
    actions = [{**LIKE, "userId": f"u-{number}"} for number in range(3)]

    answer = await door.post(signed(sub="a-back-end", scope=f"profile {ANY}"), actions)

    assert answer.json()["accepted"] == 3
    assert {envelope["action"]["userId"] for envelope in await stored(streams)} == {"u-0", "u-1", "u-2"}


async def test_without_any_key_the_door_is_closed(services: Services, http: httpx.AsyncClient) -> None:
    door = Door(http, services.gateway(JWT_SECRET="", JWT_PUBLIC_KEYS_FILE=""))  # empty is unset

    for token in (None, "nonsense", by_hand({"alg": "none"}, claims(), None), signed()):
        answer = await door.post(token)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:sluice:problem:not-configured")


@pytest.mark.parametrize(
    ("token", "answered"),
    [(signed(), {202: 100, 429: 9900}), ("nonsense", {401: 100, 429: 9900})],
    ids=["a good token", "a bad token"],
)
async def test_10_000_requests_from_one_address(
    services: Services,
    http: httpx.AsyncClient,
    redis_url: str,
    streams: Client,
    token: str,
    answered: dict[int, int],
) -> None:
    door = Door(http, services.gateway(REDIS_URL=redis_url, RATE_LIMIT_WINDOW_SECONDS="3600"))
    others = signed(sub="somebody-else")

    statuses = await flood(door.gateway.port, token, 10_000)

    assert statuses == answered
    one_more = await door.post(token)
    assert one_more.status_code == 429
    assert 3000 < int(one_more.headers["retry-after"]) <= 3660
    assert one_more.headers["ratelimit-limit"] == "100"
    assert one_more.headers["ratelimit-remaining"] == "0"
    assert (await door.post(others)).status_code == 429, "another token does not help this address"
    assert len(await stored(streams)) == answered.get(202, 0)
    assert len(door.gateway.log.read_text().splitlines()) < 300


async def test_a_spoofed_forwarded_address_helps_nobody(
    services: Services, http: httpx.AsyncClient, redis_url: str
) -> None:
    limit = {
        "REDIS_URL": redis_url,
        "RATE_LIMIT_PER_ADDRESS": "5",
        "RATE_LIMIT_WINDOW_SECONDS": "3601",
    }
    direct = Door(http, services.gateway(ready=True, **limit))
    behind = Door(http, services.gateway(ready=True, **limit, TRUSTED_PROXIES="127.0.0.0/8,10.0.0.0/8"))

    spoofed = [
        (await direct.post(signed(sub=f"u-{n}"), {**LIKE, "userId": f"u-{n}"}, **{
            "X-Forwarded-For": f"203.0.113.{n}", "X-Real-IP": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}",
        })).status_code
        for n in range(10)
    ]  # fmt: skip
    assert spoofed == [202] * 5 + [429] * 5

    def said(client: str, n: int) -> dict[str, str]:
        return {"X-Forwarded-For": f"198.51.100.{n}, {client}, 10.1.1.{n}"}

    left_of_it = [(await behind.post(signed(), **said("192.0.2.1", n))).status_code for n in range(10)]
    assert left_of_it == [202] * 5 + [429] * 5
    assert (await behind.post(signed(), **said("192.0.2.2", 1))).status_code == 202


async def test_two_gateways_share_a_limit(
    services: Services, http: httpx.AsyncClient, redis_url: str
) -> None:
    limits = {
        "REDIS_URL": redis_url,
        "RATE_LIMIT_PER_ADDRESS": "0",
        "RATE_LIMIT_WINDOW_SECONDS": "3602",
    }
    doors = [Door(http, services.gateway(ready=True, **limits)) for _ in range(2)]
    token = signed()

    answers = await asyncio.gather(*(doors[number % 2].post(token) for number in range(300)))

    assert Counter(answer.status_code for answer in answers) == {202: 100, 429: 200}
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"user";q=100;w=3602'}
    left = sorted(int(each.headers["ratelimit-remaining"]) for each in answers if each.status_code == 202)
    assert left == list(range(100))


async def test_when_redis_is_killed_each_gateway_limits_by_itself_and_says_so(
    services: Services, http: httpx.AsyncClient, tmp_path: Path, streams: Client
) -> None:
    with servers.running(servers.redis(tmp_path)) as redis:
        limits = {"REDIS_URL": redis.url, "RATE_LIMIT_PER_ADDRESS": "0", "RATE_LIMIT_PER_USER": "10"}
        door = Door(http, services.gateway(ready=True, **limits))
        before = [await door.post(signed(sub="u-1"), {**LIKE, "userId": "u-1"}) for _ in range(4)]
        assert (await door.ready())[1]["status"] == "ready"

        redis.kill()
        after = [await door.post(signed(sub="u-1"), {**LIKE, "userId": "u-1"}) for _ in range(8)]
        status, readiness = await door.ready()

        assert {answer.headers["ratelimit-policy"] for answer in before} == {'"user";q=10;w=60'}
        assert {answer.headers["ratelimit-policy"] for answer in after} == {'"user-local";q=10;w=60'}
        assert [answer.status_code for answer in after] == [202] * 6 + [429] * 2, (
            "ingest goes on, and the limit"
        )
        assert (status, readiness["status"]) == (200, "degraded")
        assert [check["name"] for check in readiness["checks"] if not check["ready"]] == ["redis"]
        assert re.search(r'rate_limit_decisions_total\{place="local"\} [1-9]', await door.metrics())
        assert "rate_limits_local" in door.gateway.log.read_text()
        assert len(await stored(streams)) == 10

        redis.start()

        async def shared_again() -> None:
            answer = await door.post(signed(sub="u-2"), {**LIKE, "userId": "u-2"})
            assert answer.headers["ratelimit-policy"] == '"user";q=10;w=60'
            assert (await door.ready())[1]["status"] == "ready"

        await eventually(shared_again)
        assert "rate_limits_shared_again" in door.gateway.log.read_text()


async def test_a_redis_that_hangs_holds_no_request_up(
    services: Services, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    with servers.running(servers.redis(tmp_path)) as redis:
        door = Door(http, services.gateway(REDIS_URL=redis.url, RATE_LIMIT_PER_ADDRESS="0"))
        await door.post(signed())
        pause(redis)
        began = time.monotonic()
        answers = await asyncio.gather(
            *(door.post(signed(sub=f"u-{n}"), {**LIKE, "userId": f"u-{n}"}) for n in range(50))
        )
        took = time.monotonic() - began
        redis.resume()

    assert {answer.status_code for answer in answers} == {202}
    assert took < 5


async def flood(port: int, token: str, requests: int) -> Counter[int]:
    """That many requests of one address over a few connections. How often which status was answered."""
    body = json.dumps(LIKE).encode()
    message = (
        b"POST /api/events HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
        b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (token.encode(), len(body), body)
    )
    statuses: Counter[int] = Counter()
    left = iter(range(requests))

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            if length := _LENGTH.search(head):
                await reader.readexactly(int(length[1]))
            statuses[int(head[9:12])] += 1
        writer.close()

    await asyncio.gather(*(send() for _ in range(16)))
    return statuses
