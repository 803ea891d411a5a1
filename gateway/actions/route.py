"""`POST /api/events`: from the HTTP request to the service, and back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, Response, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.types import Receive, Scope

from gateway.actions.answers import ActionsTaken
from gateway.actions.bearer import authenticate
from gateway.actions.judging import Sending, utc_now
from gateway.actions.limits import RequestLimits
from gateway.actions.origin import Origins
from gateway.actions.service import ActionService
from gateway.actions.telemetry import ActionTelemetry
from gateway.body import BodyReader, ClientGone
from gateway.webhooks.headers import headers_given_once
from pipeline.chassis.problems import Problem, ProblemDetail, problem_of
from pipeline.chassis.shortcut import Answer, PrefixShortcut, answer_of
from pipeline.chassis.tokens import Bearer, TokenVerifier
from pipeline.errors import StreamUnavailable

PATH = "/api/events"

_JSON = "application/json"
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')
_EXAMPLE = {"userId": "u-17", "postId": "p-42", "type": "like"}

_encode = msgspec.json.Encoder().encode


@dataclass
class _ActionsOperation(Operation):
    """Describes the body, which the handler reads raw."""

    def __post_init__(self) -> None:
        action = Schema(
            type=OpenAPIType.OBJECT,
            description="type is post, like, unlike, comment, share, follow or unfollow",
            properties={
                name: Schema(type=OpenAPIType.STRING)
                for name in ("type", "userId", "postId", "targetUserId", "text", "id", "timestamp")
            },
            required=["type", "userId"],
        )
        several = Schema(type=OpenAPIType.ARRAY, items=action)
        body = OpenAPIMediaType(schema=Schema(one_of=[action, several]), example=_EXAMPLE)
        self.request_body = RequestBody(
            description="One action or an array. `id` makes sending it again safe.",
            required=True,
            content={_JSON: body},
        )


class ActionsEndpoint:
    """From a request to its answer."""

    def __init__(
        self,
        bodies: BodyReader,
        verifier: TokenVerifier,
        origins: Origins,
        limits: RequestLimits,
        service: ActionService,
        telemetry: ActionTelemetry,
    ) -> None:
        self._bodies = bodies
        self._verifier = verifier
        self._origins = origins
        self._limits = limits
        self._service = service
        self._telemetry = telemetry

    async def handle(self, scope: Scope, receive: Receive) -> Answer | None:
        """None when the sender has gone."""
        said_of_limits: dict[str, str] = {}
        try:
            taken = await self._take(scope, receive, said_of_limits)
        except ClientGone:
            return None
        except (Problem, StreamUnavailable) as error:
            problem = problem_of(error, PATH)
            self._telemetry.turned_away(problem.kind)
            problem.headers = {**problem.headers, **said_of_limits}
            return answer_of(problem)
        self._telemetry.taken(wholly=not taken.rejected)
        return Answer(202, _encode(taken), _JSON, said_of_limits)

    async def _take(self, scope: Scope, receive: Receive, said_of_limits: dict[str, str]) -> ActionsTaken:
        with self._bodies.admission.admit() as reservation:
            headers = headers_given_once(list(scope["headers"]))
            self._bodies.check_announced(headers)
            origin = self._origins.of(scope)
            bearer = await self._admit(headers, origin.network, said_of_limits)
            _check_media_type(headers)
            request_key = _request_key(headers)
            body = await self._bodies.read(headers, receive, reservation)
            return await self._service.accept(
                body, Sending(bearer, origin.address_hash, utc_now(), request_key)
            )

    async def _admit(
        self, headers: Mapping[str, str], network: str, said_of_limits: dict[str, str]
    ) -> Bearer:
        """A bad token counts for its address, too: who guesses is soon told to wait, whatever they guess."""
        bearer, refusal = None, None
        try:
            bearer = authenticate(headers, self._verifier)
        except Problem as problem:
            if problem.status != 401:
                raise
            refusal = problem
        decision = await self._limits.take(network, bearer)
        self._telemetry.decided(decision)
        said_of_limits.update(self._limits.headers(decision))
        if not decision.admitted:
            raise self._limits.too_many(decision)
        if bearer is None:
            raise refusal or Problem(401, "unauthorized", "A bearer token is required.")
        return bearer

    def shortcut(self) -> PrefixShortcut:
        """Single actions come by the thousand: see `pipeline/chassis/shortcut.py`."""
        return PrefixShortcut("POST", PATH, self.handle, exact=True)

    def router(self) -> Router:
        """The route as Litestar and the API page know it."""

        @post(
            PATH,
            status_code=202,
            summary="Take in social actions",
            description=(
                "Wants `Authorization: Bearer <JWT>`. Answers once every accepted action is on disk, with what "
                "became of each. Sending again is safe with an `id` in each action, or an `Idempotency-Key`."
            ),
            operation_class=_ActionsOperation,
            responses={
                202: ResponseSpec(
                    ActionsTaken, description="At least one action is on disk.", generate_examples=False
                ),
                400: _problem_spec("Nothing in the body is acceptable; `errors` says why."),
                401: _problem_spec("No token, or one that is not accepted."),
                403: _problem_spec(
                    "Every action is another user's, and the scope events:write:any is missing."
                ),
                413: _problem_spec("Larger than ACTION_BODY_LIMIT, or more than ACTIONS_PER_REQUEST."),
                415: _problem_spec("Not application/json."),
                429: _problem_spec("More requests than the limits of the address or the user admit."),
                503: _problem_spec(
                    "No key for tokens yet, too much in flight, or JetStream away, slow or full."
                ),
            },
        )
        async def post_actions(request: Request[Any, Any, Any]) -> Response[bytes] | None:
            answer = await self.handle(request.scope, request.receive)
            if answer is None:
                return None
            return Response(
                answer.body,
                status_code=answer.status,
                media_type=answer.media_type,
                headers=dict(answer.headers),
            )

        return Router("/", route_handlers=[post_actions], tags=["actions"])


def _check_media_type(headers: Mapping[str, str]) -> None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise Problem(415, "unsupported-media-type", f"content type {media_type[:80]!r}: use {_JSON}")


def _request_key(headers: Mapping[str, str]) -> str:
    """The Idempotency-Key, with quotes around it as in its draft, or without as most write it."""
    given = headers.get("idempotency-key")
    if given is None:
        return ""
    key = _KEY.fullmatch(given.strip())
    if key is None:
        raise Problem(
            400, "malformed-idempotency-key", "Idempotency-Key: 1 to 255 visible characters of ASCII"
        )
    return key[1]


def _problem_spec(description: str) -> ResponseSpec:
    return ResponseSpec(ProblemDetail, description=description, generate_examples=False)
