"""A source that nobody has, with three webhooks: the doors must serve it without knowing it.

Its updates are `{"id": …, "at": …}`, many in `{"updates": […]}`. `X-Acme-Signature` is the hex HMAC-SHA256 of the body.
"""

import hmac
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from gateway.app import create_gateway
from gateway.settings import GatewaySettings
from gateway.webhooks.settings import WebhookSettings
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.record import EventRecord
from pipeline.events.source import Format, Source
from pipeline.events.webhook import BadUpdate, Refusal, Webhook, WebhookRequest
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings
from tests.unit.gateway.fakes import client_of

NOW = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)
SECRET = "a-secret-of-acme"
TOKEN = "a-token-of-acme"


class AcmeCredentials(msgspec.Struct, frozen=True):
    acme_secret: str = ""
    acme_token: str = ""
    acme_senders: tuple[str, ...] = ()


class AcmeUpdate(msgspec.Struct, frozen=True):
    id: str
    at: datetime
    kind: str = "known"

    @property
    def event_type(self) -> str:
        return self.kind if self.kind == "known" else f"unknown.{self.kind}"

    @property
    def event_id(self) -> str:
        return self.id

    @property
    def timestamp(self) -> datetime:
        return self.at


class _Body(msgspec.Struct):
    updates: list[msgspec.Raw]


def verify(credentials: AcmeCredentials, request: WebhookRequest) -> Refusal | None:
    given = request.headers.get("x-acme-signature")
    if given is None:
        return Refusal.SIGNATURE_MISSING
    if given == "a defect":
        raise RuntimeError(f"a defect, with {SECRET}")
    expected = sign(request.body, credentials.acme_secret)["x-acme-signature"]
    is_right = hmac.compare_digest(given.encode(), expected.encode())
    return None if is_right else Refusal.SIGNATURE_INVALID


def split(request: WebhookRequest) -> Iterator[msgspec.Raw | BadUpdate]:
    try:
        updates = msgspec.json.decode(request.body, type=_Body).updates
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        yield BadUpdate(request.body, Rejection(Reason.MALFORMED_JSON, "$", str(error)))
        return
    for update in updates:
        if bytes(update) == b'"a defect"':
            raise RuntimeError("a defect")
        yield update


def shake_hands(credentials: AcmeCredentials, query: Mapping[str, str]) -> str | None:
    return query.get("challenge", "") if query.get("token") == credentials.acme_token else None


def no_record(*_: Any) -> EventRecord:
    raise NotImplementedError


FORMAT = Format("acme.update.v1", msgspec.json.Decoder(AcmeUpdate).decode, no_record)


def webhook(name: str, **particulars: Any) -> Webhook:
    return Webhook(
        name=name,
        format=FORMAT.name,
        credentials=AcmeCredentials,
        verify=verify,
        split=split,
        **{"knows": lambda credentials, _sender: bool(credentials.acme_secret), **particulars},
    )


ACME = Source(
    name="acme",
    event_types={},
    facets={},
    formats={FORMAT.name: FORMAT},
    event_format=None,
    webhooks=(
        webhook("acme", handshake=shake_hands),
        webhook("acme-shop", answers_empty=True),
        webhook(
            "anyone",
            any_sender=True,
            knows=lambda credentials, sender: sender in credentials.acme_senders,
        ),
    ),
)
CREDENTIALS = AcmeCredentials(SECRET, TOKEN, ("bob",))


def sign(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-acme-signature": hmac.new(secret.encode(), body, "sha256").hexdigest()}


def update(number: int = 1, **others: Any) -> bytes:
    return msgspec.json.encode({"id": f"u-{number}", "at": "2026-09-21T11:59:00Z", **others})


def body_of(*updates: bytes) -> bytes:
    return b'{"updates":[' + b",".join(updates) + b"]}"


def acme_app(
    monkeypatch: pytest.MonkeyPatch,
    publisher: StreamPublisher,
    *,
    credentials: AcmeCredentials = CREDENTIALS,
    webhooks: WebhookSettings | None = None,
    **settings: Any,
) -> Any:
    """The real app with this source alone, and another publisher."""
    monkeypatch.setattr("gateway.app.StreamPublisher", lambda *_: publisher)
    app, _loops = create_gateway(
        {"acme": ACME},
        GatewaySettings(**settings),
        StreamConnection(StreamSettings(), "test"),
        webhooks=webhooks,
        credentials={hook.name: credentials for hook in ACME.webhooks},
        clock=lambda: NOW,
    )
    return app


class Sender:
    """Delivers to one gateway and looks at its metrics."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def deliver(
        self, body: bytes, to: str = "acme", headers: Any = None, **more: str
    ) -> httpx.Response:
        """Signed, unless there are `headers`; `more` headers in any case."""
        chosen = sign(body) if headers is None else headers
        if more:
            chosen = {**chosen, **{name.replace("_", "-"): value for name, value in more.items()}}
        return await self.client.post(f"/webhooks/{to}", content=body, headers=chosen)

    async def counters(self) -> dict[str, float]:
        """Every counter that is not zero, apart from the duration of requests and what the process takes:
        `name{labels}` to value.
        """
        lines = (await self.client.get("/metrics")).text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {
            name: float(value)
            for name, _, value in pairs
            if "_total" in name
            and not name.startswith(("http_request_duration", "process_"))
            and float(value)
        }


@asynccontextmanager
async def sender_to(app: Any) -> AsyncIterator[Sender]:
    async with client_of(app) as client:
        yield Sender(client)
