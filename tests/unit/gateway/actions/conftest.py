"""The real app without a stream: what it publishes can be looked at."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest

from collectors.registry import SOURCES
from gateway.actions.assembly import SocialSettings
from gateway.app import create_gateway
from gateway.settings import GatewaySettings
from pipeline.chassis.tokens import TokenSettings, mint
from pipeline.live import RateLimitSettings
from pipeline.stream import StreamConnection, StreamSettings
from tests.unit.gateway.fakes import RecordingPublisher, client_of

TOKENS = TokenSettings(jwt_secret=("a-secret-of-at-least-thirty-two-bytes",))
UNLIMITED = RateLimitSettings(rate_limit_per_address=0, rate_limit_per_user=0)
ANY = "events:write:any"

MakeApp = Callable[..., Any]


def token(user: str = "u-17", *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(TOKENS, user, scopes, 60)}"}


def like(**changes: Any) -> dict[str, Any]:
    action = {"userId": "u-17", "postId": "p-42", "type": "like", **changes}
    return {name: value for name, value in action.items() if value is not None}


class Door:
    """`POST /api/events` of one app."""

    def __init__(self, client: httpx.AsyncClient, publisher: RecordingPublisher) -> None:
        self.client = client
        self.publisher = publisher

    async def post(self, body: Any, headers: dict[str, str] | None = None, /, **more: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(token() if headers is None else headers), **more}
        return await self.client.post("/api/events", content=content, headers=sent)

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        return [json.loads(event) for event in self.publisher.published]


@pytest.fixture(scope="module")
def make_app() -> Any:
    def make(publisher: RecordingPublisher, social: SocialSettings, **settings: Any) -> Any:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr("gateway.app.StreamPublisher", lambda *_: publisher)
            connection = StreamConnection(StreamSettings(), "test")
            return create_gateway(SOURCES, GatewaySettings(**settings), connection, social=social)[0]

    return make


@pytest.fixture(scope="module")
def shared_app(make_app: MakeApp) -> tuple[Any, RecordingPublisher]:
    """To assemble one takes longer than most tests."""
    publisher = RecordingPublisher()
    return make_app(publisher, SocialSettings(tokens=TOKENS, rates=UNLIMITED)), publisher


@pytest.fixture
async def door(shared_app: tuple[Any, RecordingPublisher]) -> AsyncIterator[Door]:
    app, publisher = shared_app
    publisher.clear()
    async with client_of(app) as client:
        yield Door(client, publisher)


def rates(**changes: Any) -> RateLimitSettings:
    return msgspec.structs.replace(UNLIMITED, **changes)
