"""`POST /events`: from the HTTP request to the service, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.types import Receive

from gateway.api_keys import ApiKeys
from gateway.body import BodyReader, ClientGone
from gateway.events.answers import EventsAccepted
from gateway.events.service import EventService
from pipeline.chassis.problems import Problem, ProblemDetail
from pipeline.chassis.shortcut import Shortcut

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


class EventsEndpoint:
    """From a request's headers and body to the service's answer."""

    def __init__(self, bodies: BodyReader, service: EventService, api_keys: Sequence[str]) -> None:
        self._bodies = bodies
        self._service = service
        self._keys = ApiKeys(api_keys)

    async def handle(self, headers: Mapping[str, str], receive: Receive) -> EventsAccepted | None:
        """Raises Problem and StreamUnavailable. None when the sender has gone."""
        self._keys.check(headers)
        ndjson = _is_ndjson(headers)
        with self._bodies.admission.admit() as reservation:
            try:
                body = await self._bodies.read(headers, receive, reservation)
            except ClientGone:
                return None
            return await self._service.accept(body, ndjson=ndjson)

    def shortcut(self) -> Shortcut:
        """Single events come by the thousand: see `pipeline/chassis/shortcut.py`."""
        return Shortcut("POST", "/events", 202, self.handle)

    def router(self) -> Router:
        """The route as Litestar and the API page know it."""

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
                    "JetStream is away, slow or full, or too much is in flight: send it again."
                ),
            },
        )
        async def post_events(request: Request[Any, Any, Any]) -> EventsAccepted | None:
            return await self.handle(request.headers, request.receive)

        return Router("/", route_handlers=[post_events], tags=["events"])


def _is_ndjson(headers: Mapping[str, str]) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (_JSON, _NDJSON):
        detail = f"content type {media_type[:80]!r}: use {_JSON} or {_NDJSON}"
        raise Problem(415, "unsupported-media-type", detail)
    return media_type == _NDJSON
