"""A body is read within its size, its time, and the bytes that are in flight in all."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from pipeline.chassis.settings import ByteSize
from tests.unit.builders import as_json, facebook_events, good_event
from tests.unit.gateway.fakes import HeldPublisher, RecordingPublisher, client_of, gateway_app, until

JSON = {"content-type": "application/json"}
GZIP = {**JSON, "content-encoding": "gzip"}
MB = 1024 * 1024
ONE = as_json(good_event())


class Body:
    """A body that is sent piece by piece, and knows how many pieces were taken from it."""

    def __init__(self, *pieces: bytes, repeat: int = 1, hangs: bool = False) -> None:
        self._pieces = pieces * repeat
        self._hangs = hangs
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece
        if self._hangs:
            await asyncio.Event().wait()


async def test_a_body_that_comes_in_pieces_is_put_together(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    body = Body(*(bytes([byte]) for byte in ONE))
    assert (await client.post("/events", content=body, headers=JSON)).status_code == 202
    assert publisher.published == [ONE]


async def test_60_mb_are_refused_before_any_of_them_is_read(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    body = Body(b" " * MB, repeat=60)
    response = await client.post("/events", content=body, headers={**JSON, "content-length": str(60 * MB)})
    assert response.status_code == 413
    assert "BODY_SIZE_LIMIT" in response.json()["detail"]
    assert str(50 * MB) in response.json()["detail"]
    assert body.taken == 0


async def test_60_mb_in_chunks_are_refused_when_the_limit_is_passed(client: httpx.AsyncClient) -> None:
    body = Body(b" " * MB, repeat=60)
    response = await client.post("/events", content=body, headers=JSON)
    assert response.status_code == 413
    assert "BODY_SIZE_LIMIT" in response.json()["detail"]
    assert body.taken == 51


@pytest.mark.parametrize("over", [0, 1])
async def test_the_limit_is_exact(monkeypatch: pytest.MonkeyPatch, over: int) -> None:
    app = gateway_app(monkeypatch, RecordingPublisher(), body_size_limit=ByteSize(10_000))
    body = ONE + b" " * (10_000 + over - len(ONE))
    async with client_of(app) as client:
        plain = await client.post("/events", content=body, headers=JSON)
        inflated = await client.post("/events", content=gzip.compress(body), headers=GZIP)
    assert plain.status_code == inflated.status_code == (413 if over else 202)


async def test_a_bomb_is_noticed_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b"[" + b" " * 60 * MB)
    app = gateway_app(monkeypatch, RecordingPublisher(), body_size_limit=ByteSize(MB))
    inflated = 0
    inflate = zlib.decompressobj

    class Counting:
        def __init__(self, window: int) -> None:
            self._inner: Any = inflate(window)

        def decompress(self, data: bytes, length: int) -> bytes:
            nonlocal inflated
            piece = self._inner.decompress(data, length)
            inflated += len(piece)
            return piece

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    monkeypatch.setattr("gateway.body.zlib.decompressobj", Counting)
    async with client_of(app) as client:
        response = await client.post("/events", content=bomb, headers=GZIP)
    assert response.status_code == 413
    assert "BODY_SIZE_LIMIT" in response.json()["detail"]
    assert inflated < 2 * MB


PACKED = gzip.compress(ONE)


@pytest.mark.parametrize(
    "body",
    [b"", ONE, PACKED[:-1], PACKED[: len(PACKED) // 2], PACKED + b"x", PACKED[:30] + b"\xff" + PACKED[31:]],
    ids=["empty", "not packed", "without its end", "half", "with more", "damaged"],
)
async def test_what_is_no_gzip_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/events", content=body, headers=GZIP)
    assert response.status_code == 400
    assert response.json()["type"] == "urn:sluice:problem:malformed-gzip"


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 1_000])
async def test_an_encoding_that_is_not_understood_is_refused_unread(
    client: httpx.AsyncClient, encoding: str
) -> None:
    body = Body(ONE)
    response = await client.post("/events", content=body, headers={**JSON, "content-encoding": encoding})
    assert response.status_code == 415
    assert "use identity or gzip" in response.json()["detail"]
    assert len(response.json()["detail"]) < 200
    assert body.taken == 0


@pytest.mark.parametrize("content_length", ["", "x", "-1", "9" * 5_000, "1e3"])
async def test_a_content_length_that_is_no_number_of_bytes_is_no_crash(
    client: httpx.AsyncClient, content_length: str
) -> None:
    response = await client.post(
        "/events", content=Body(ONE), headers={**JSON, "content-length": content_length}
    )
    assert response.status_code in (202, 413)


async def test_too_many_bytes_in_flight_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = HeldPublisher()
    app = gateway_app(monkeypatch, publisher, body_bytes_in_flight=ByteSize(1_000), retry_after_seconds=3)
    async with client_of(app) as client:
        first = asyncio.create_task(client.post("/events", json=good_event()))
        await until(lambda: len(publisher.batches) == 1)

        late = Body(ONE, b" " * 500)
        headers = {**JSON, "content-length": str(len(ONE) + 500)}
        response = await client.post("/events", content=late, headers=headers)
        assert (response.status_code, response.headers["retry-after"]) == (503, "3")
        assert response.json()["detail"] == "too many bytes in flight"
        assert late.taken == 0

        # In chunks nothing is announced: it is refused when what came no longer fits.
        late = Body(ONE, b" " * 500, b" " * 500)
        assert (await client.post("/events", content=late, headers=JSON)).status_code == 503
        assert late.taken < 3

        publisher.acknowledge(0)
        assert (await first).status_code == 202
        again = asyncio.create_task(client.post("/events", content=Body(ONE, b" " * 500), headers=headers))
        await until(lambda: len(publisher.batches) == 2)
        publisher.acknowledge(1)
        assert (await again).status_code == 202


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"not JSON", JSON, 400),
        (gzip.compress(b"not JSON", mtime=0), GZIP, 400),
        (b"not gzip", GZIP, 400),
        (gzip.compress(b" " * 5_000, mtime=0), GZIP, 413),
        (b" " * 1_900, {**JSON, "content-length": "5000"}, 413),
    ],
)
async def test_whatever_the_answer_the_bytes_in_flight_are_given_back(
    monkeypatch: pytest.MonkeyPatch, content: bytes, headers: dict[str, str], status: int
) -> None:
    app = gateway_app(
        monkeypatch,
        RecordingPublisher(),
        body_size_limit=ByteSize(2_000),
        body_bytes_in_flight=ByteSize(2_100),
    )
    async with client_of(app) as client:
        for _ in range(3):
            assert (await client.post("/events", content=content, headers=headers)).status_code == status
        whole = ONE + b" " * (2_000 - len(ONE))
        assert (await client.post("/events", content=whole, headers=JSON)).status_code == 202


async def test_a_packed_body_counts_with_what_it_inflates_to(monkeypatch: pytest.MonkeyPatch) -> None:
    app = gateway_app(monkeypatch, RecordingPublisher(), body_bytes_in_flight=ByteSize(20_000))
    packed = gzip.compress(as_json(facebook_events(100)))
    assert len(packed) < 20_000
    async with client_of(app) as client:
        response = await client.post("/events", content=packed, headers=GZIP)
    assert response.status_code == 503


async def test_a_sender_who_hangs_up_half_way_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = RecordingPublisher()
    app = gateway_app(monkeypatch, publisher, body_bytes_in_flight=ByteSize(1_000))
    messages = [
        {"type": "http.request", "body": b"[" + ONE, "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/events",
        "raw_path": b"/events",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"900")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(_message: dict[str, Any]) -> None: ...

    await app(scope, receive, send)
    assert publisher.published == []
    async with client_of(app) as client:
        assert (await client.post("/events", content=ONE + b" " * 400, headers=JSON)).status_code == 202


async def test_without_a_key_no_byte_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    app = gateway_app(monkeypatch, RecordingPublisher(), ingest_api_keys=("key",))
    body = Body(ONE)
    async with client_of(app) as client:
        assert (await client.post("/events", content=body, headers=JSON)).status_code == 401
    assert body.taken == 0
