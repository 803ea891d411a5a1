"""`POST /events`: from the HTTP request to the service, and back."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from gateway.body import BodyReader, ClientGone
from gateway.events.answers import EventsAccepted
from gateway.events.service import EventService
from pipeline.chassis.problems import Problem, ProblemDetail

_JSON = "application/json"
_NDJSON = "application/x-ndjson"

_EXAMPLE = {
    "eventId": "fb-7f1c3e5a-4c1b-4c6e-9d52-0a9f7f0f2f11",
    "timestamp": "2026-05-14T10:46:28.214Z",
    "source": "facebook",
    "funnelStage": "bottom",
    "eventType": "checkout.complete",
    "data": {
        "user": {
            "userId": "u-17",
            "name": "Ada Example",
            "age": 34,
            "gender": "female",
            "location": {"country": "Portugal", "city": "Porto"},
        },
        "engagement": {
            "adId": "ad-1",
            "campaignId": "camp-7h2k9",
            "clickPosition": "center",
            "device": "mobile",
            "browser": "Firefox",
            "purchaseAmount": "49.90",
        },
    },
}


@dataclass
class _EventsOperation(Operation):
    """Describes the body, which the handler reads raw: decoding is the intake's business."""

    def __post_init__(self) -> None:
        event = Schema(type=OpenAPIType.OBJECT, description="One event of a registered source")
        several = Schema(type=OpenAPIType.ARRAY, items=event)
        wrapped = Schema(type=OpenAPIType.OBJECT, properties={"events": several}, required=["events"])
        self.request_body = RequestBody(
            description=(
                'One event, an array, `{"events": […]}`, or one event a line. `Content-Encoding: gzip` is understood.'
            ),
            required=True,
            content={
                _JSON: OpenAPIMediaType(schema=Schema(one_of=[event, several, wrapped]), example=[_EXAMPLE]),
                _NDJSON: OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING)),
            },
        )


def _problem_spec(description: str) -> ResponseSpec:
    return ResponseSpec(ProblemDetail, description=description, generate_examples=False)


def events_router(bodies: BodyReader, service: EventService, api_keys: Sequence[str]) -> Router:
    """The route, bound to its service."""

    @post(
        "/events",
        status_code=202,
        summary="Take in events",
        description="Answers once every accepted event is on disk. Sending the same again is always safe.",
        operation_class=_EventsOperation,
        responses={
            400: _problem_spec("Nothing in the body is acceptable; `errors` says why."),
            401: _problem_spec("INGEST_API_KEYS is set and none matches."),
            413: _problem_spec("Larger than BODY_SIZE_LIMIT, inflated or not."),
            415: _problem_spec("A content type or encoding that is not understood."),
            503: _problem_spec(
                "JetStream is away, slow or full, or too many bytes are in flight: send it again."
            ),
        },
    )
    async def post_events(request: Request[Any, Any, Any]) -> Response[EventsAccepted | None]:
        _authorize(request, api_keys)
        ndjson = _is_ndjson(request)
        with bodies.admission.admit() as reservation:
            try:
                body = await bodies.read(request, reservation)
            except ClientGone:
                return Response(None, status_code=400)
            return Response(await service.accept(body, ndjson=ndjson), status_code=202)

    return Router("/", route_handlers=[post_events], tags=["events"])


def _authorize(request: Request[Any, Any, Any], api_keys: Sequence[str]) -> None:
    if not api_keys:
        return
    given = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix(
        "Bearer "
    )
    # Every key is compared, in constant time each: the answer's timing tells nothing about any of them.
    matches = [hmac.compare_digest(given.encode(), key.encode()) for key in api_keys]
    if not any(matches):
        raise Problem(401, "unauthorized", "An API key is required.", headers={"WWW-Authenticate": "Bearer"})


def _is_ndjson(request: Request[Any, Any, Any]) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (_JSON, _NDJSON):
        raise Problem(
            415, "unsupported-media-type", f"content type {media_type[:80]!r}: use {_JSON} or {_NDJSON}"
        )
    return media_type == _NDJSON
