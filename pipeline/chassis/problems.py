"""Errors over HTTP are RFC 9457 problem documents. Every service maps its errors to them in this one place."""

from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from pipeline.chassis.correlation import current_correlation_id
from pipeline.errors import TransientError

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger()


class ProblemDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an error answer (RFC 9457). `errors` lists the single violations where there are several."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Any] = []
    correlation_id: str = ""


class Problem(Exception):
    """Raise it anywhere below a handler to answer with a problem document.

    `kind` is the last part of the document's `type`, a stable name that programs can branch on.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: list[Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = errors or []
        self.headers = headers or {}


def unavailable(detail: str, retry_after_seconds: int) -> Problem:
    """503: nothing was accepted, the same request may be sent again."""
    return Problem(503, "unavailable", detail, headers={"Retry-After": str(retry_after_seconds)})


def problem_response(problem: Problem) -> Response[ProblemDetail]:
    """The answer for a problem, its body as `ProblemDetail`."""
    detail = ProblemDetail(
        type=f"urn:sluice:problem:{problem.kind}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        errors=problem.errors,
        correlation_id=current_correlation_id(),
    )
    return Response(detail, status_code=problem.status, media_type=MEDIA_TYPE, headers=problem.headers)


def answer_problem(_: Request[Any, Any, Any], error: Problem) -> Response[ProblemDetail]:
    """Litestar's handler for `Problem`."""
    return problem_response(error)


def answer_http_exception(_: Request[Any, Any, Any], error: HTTPException) -> Response[ProblemDetail]:
    """Litestar's own refusals (unknown route, wrong method, …) in the same form."""
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    return problem_response(Problem(error.status_code, kind, error.detail, headers=headers))


def answer_transient(_: Request[Any, Any, Any], error: TransientError) -> Response[ProblemDetail]:
    """A dependency is away: say so, and that trying again is right."""
    log.warning("dependency_unavailable", error=str(error))
    return problem_response(unavailable(str(error), retry_after_seconds=1))


def answer_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemDetail]:
    """A defect: logged with its traceback, answered without any of it."""
    log.error("unexpected_error", path=request.url.path, exc_info=error)
    return problem_response(Problem(500, "internal-error", "This is a defect of the service and was logged."))


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    Problem: answer_problem,
    HTTPException: answer_http_exception,
    TransientError: answer_transient,
    Exception: answer_unexpected,
}
