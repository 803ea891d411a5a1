"""`/webhooks/…`: the shortcut that answers deliveries, and the same routes as Litestar and the API page know them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router, get, post, route
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from gateway.events.answers import EventsAccepted
from gateway.webhooks.answers import DeliveryTaken
from gateway.webhooks.doors import ANY_SENDER, PREFIX, Door, Doors, sender_of
from gateway.webhooks.handshake import answer_handshake
from gateway.webhooks.headers import headers_given_once
from gateway.webhooks.permission import answer_permission
from gateway.webhooks.rate import DeliveryRates
from gateway.webhooks.reception import Reception
from gateway.webhooks.telemetry import WebhookTelemetry
from pipeline.chassis.problems import Problem, ProblemDetail
from pipeline.chassis.shortcut import Answer, PrefixShortcut

_HttpRequest = Request[Any, Any, Any]


@dataclass
class _DeliveryOperation(Operation):
    """Describes the body, which the handler reads raw, for it is signed as it is."""

    def __post_init__(self) -> None:
        body = OpenAPIMediaType(
            schema=Schema(type=OpenAPIType.OBJECT, description="As the provider sends it")
        )
        self.request_body = RequestBody(required=True, content={"application/json": body})


class WebhookEndpoint:
    """Every registered webhook over HTTP."""

    def __init__(
        self, doors: Doors, reception: Reception, rates: DeliveryRates, telemetry: WebhookTelemetry
    ) -> None:
        self._doors = doors
        self._reception = reception
        self._rates = rates
        self._telemetry = telemetry

    def shortcut(self) -> PrefixShortcut:
        """Forgeries must be cheap, and anybody can send them: see `pipeline/chassis/shortcut.py`."""
        return PrefixShortcut("POST", PREFIX, self._reception.receive)

    def router(self) -> Router:
        """The routes of all doors."""
        handlers = [handler for door in self._doors for handler in self._handlers(door)]
        return Router("/", route_handlers=handlers, tags=["webhooks"])

    def _handlers(self, door: Door) -> list[HTTPRouteHandler]:
        path = PREFIX + "{sender:str}" if door.route == ANY_SENDER else door.route
        # OPTIONS comes first: Litestar adds one of its own to a path that has none when its first handler comes.
        return [
            *([self._permission(door, path)] if door.webhook.any_sender else []),
            *([self._handshake(door, path)] if door.webhook.handshake is not None else []),
            self._delivery(door, path),
        ]

    def _delivery(self, door: Door, path: str) -> HTTPRouteHandler:
        @post(
            path,
            status_code=202 if door.webhook.any_sender else 200,
            summary=f"Deliveries of {door.name}",
            description="Answers once everything that is signed is on disk. Sending the same again is always safe.",
            operation_class=_DeliveryOperation,
            responses={
                202 if door.webhook.any_sender else 200: ResponseSpec(
                    EventsAccepted if door.webhook.any_sender else DeliveryTaken,
                    description="Everything is on disk, as events or as dead letters.",
                    generate_examples=False,
                ),
                401: _problem_spec("Not signed, or not as it must be."),
                413: _problem_spec("Larger than WEBHOOK_BODY_LIMIT."),
                415: _problem_spec("Compressed."),
                503: _problem_spec("No secret yet, too fast, or JetStream is away, slow or full."),
            },
        )
        async def deliver(request: _HttpRequest) -> Response[bytes] | None:
            answer = await self._reception.receive(request.scope, request.receive)
            return _response(answer) if answer else None

        return deliver

    def _handshake(self, door: Door, path: str) -> HTTPRouteHandler:
        @get(path, summary=f"The handshake of {door.name}", responses={403: _problem_spec("Not the token.")})
        async def shake_hands(request: _HttpRequest) -> Response[bytes]:
            answer = self._counted(door, lambda: answer_handshake(door, request.scope["query_string"]))
            self._telemetry.handshake_answered(door.name)
            return _response(answer)

        return shake_hands

    def _permission(self, door: Door, path: str) -> HTTPRouteHandler:
        @route(path, http_method="OPTIONS", status_code=200, summary="May a CloudEvents sender deliver?")
        async def permit(request: _HttpRequest) -> Response[bytes]:
            headers = headers_given_once(list(request.scope["headers"]))
            sender = sender_of(request.scope["path"])
            answer = self._counted(door, lambda: answer_permission(door, sender, headers, self._rates))
            return _response(answer)

        return permit

    def _counted(self, door: Door, ask: Callable[[], Answer]) -> Answer:
        try:
            return ask()
        except Problem as problem:
            self._telemetry.turned_away(door.name, problem)
            raise


def _problem_spec(description: str) -> ResponseSpec:
    return ResponseSpec(ProblemDetail, description=description, generate_examples=False)


def _response(answer: Answer) -> Response[bytes]:
    return Response(
        answer.body,
        status_code=answer.status,
        media_type=answer.media_type or None,
        headers=dict(answer.headers),
    )
