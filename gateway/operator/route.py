"""`/operator/dead-letters`: the routes of the operator API."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.exceptions import ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gateway.operator.access import operator_guard
from gateway.operator.answers import DeadLetterCounts, DeadLetterList, DiscardAnswer, ReplayAnswer
from gateway.operator.selection import BulkRequest, IdPrefix, Selection
from gateway.operator.service import DeadLetterService
from pipeline.chassis.instants import INSTANT_HELP
from pipeline.chassis.problems import Problem, ProblemDetail, answer_error
from pipeline.events.dead_letter_view import LetterDetail
from pipeline.events.reasons import Reason

_MAX_BODY_BYTES = 64 * 1024
_MAX_LISTED = 500

SourceName = FromQuery[str | None]
ReasonName = FromQuery[Reason | None]
From = Annotated[str | None, QueryParameter(name="from", description=f"Failed at or after: {INSTANT_HELP}")]
To = Annotated[
    str | None, QueryParameter(name="to", description="Failed before; a bare date is the whole day")
]
CorrelationId = Annotated[str | None, QueryParameter(name="correlationId")]
Ids = Annotated[list[IdPrefix] | None, QueryParameter(name="id", description="Beginnings of ids")]
Limit = Annotated[int, QueryParameter(ge=0, le=_MAX_LISTED)]


def operator_router(service: DeadLetterService, keys: Sequence[str]) -> Router:
    """All routes below `/operator`, for holders of a key."""

    @get(
        "/counts",
        summary="Count dead letters",
        responses=_problems(400, 401, 503),
    )
    async def counts(
        source: SourceName = None,
        reason: ReasonName = None,
        starts: From = None,
        ends: To = None,
        correlation_id: CorrelationId = None,
        ids: Ids = None,
    ) -> DeadLetterCounts:
        return await service.counts(_selection(source, reason, starts, ends, correlation_id, ids).as_filter())

    @get("/", summary="List the dead letters that failed last", responses=_problems(400, 401, 503))
    async def letters(
        source: SourceName = None,
        reason: ReasonName = None,
        starts: From = None,
        ends: To = None,
        correlation_id: CorrelationId = None,
        ids: Ids = None,
        limit: Limit = 50,
    ) -> DeadLetterList:
        wanted = _selection(source, reason, starts, ends, correlation_id, ids).as_filter()
        return await service.newest(wanted, limit)

    @get("/{letter_id:str}", summary="Show one dead letter", responses=_problems(401, 404, 409, 503))
    async def letter(letter_id: FromPath[IdPrefix]) -> LetterDetail:
        return await service.find(letter_id)

    @post(
        "/replay",
        status_code=200,
        summary="Try dead letters again",
        description="Tries the oldest by the rules of today. Nothing is stored twice, however often it is replayed.",
        responses=_problems(400, 401, 404, 409, 503),
    )
    async def replay(data: JSONBody[BulkRequest]) -> ReplayAnswer:
        return await service.replay(data)

    @post(
        "/discard",
        status_code=200,
        summary="Throw dead letters away for good",
        responses=_problems(400, 401, 404, 409, 503),
    )
    async def discard(data: JSONBody[BulkRequest]) -> DiscardAnswer:
        return await service.discard(data)

    return Router(
        "/operator/dead-letters",
        route_handlers=[counts, letters, letter, replay, discard],
        guards=[operator_guard(keys)],
        exception_handlers={ValidationException: _answer_violation},
        request_max_body_size=_MAX_BODY_BYTES,
        tags=["dead letters"],
    )


def _selection(
    source: str | None,
    reason: Reason | None,
    starts: str | None,
    ends: str | None,
    correlation_id: str | None,
    ids: list[str] | None,
) -> Selection:
    return Selection(
        source=source,
        reason=reason,
        starts=starts,
        ends=ends,
        correlation_id=correlation_id,
        ids=tuple(ids or ()),
    )


def _answer_violation(request: Request[Any, Any, Any], error: ValidationException) -> Response[ProblemDetail]:
    """Litestar keeps what is wrong beside its message."""
    violations: list[Any] = list(error.extra) if isinstance(error.extra, list) else []
    told = "; ".join(f"{each.get('key', 'body')}: {each.get('message')}" for each in violations)
    return answer_error(request, Problem(400, "invalid-filter", told or error.detail, errors=violations))


_MEANINGS = {
    400: "A filter that is not understood.",
    401: "No key of OPERATOR_API_KEYS.",
    404: "There is no such dead letter.",
    409: "Several ids begin so, or another replay or discard is at work.",
    503: "OPERATOR_API_KEYS is not set, or JetStream is away.",
}


def _problems(*statuses: int) -> dict[int, ResponseSpec]:
    return {
        status: ResponseSpec(ProblemDetail, description=_MEANINGS[status], generate_examples=False)
        for status in statuses
    }
