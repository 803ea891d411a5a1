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


def problem_of(error: Exception, path: str) -> Problem:
    """What a caller is told of an error. This is the only place that decides it, for every service."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        # Litestar's own refusals: unknown route, wrong method, …
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return Problem(error.status_code, kind, error.detail, headers=dict(error.headers or {}))
    if isinstance(error, TransientError):
        log.warning("dependency_unavailable", error=str(error))
        return unavailable(str(error), retry_after_seconds=1)
    log.error("unexpected_error", path=path, exc_info=error)
    return Problem(500, "internal-error", "This is a defect of the service and was logged.")


def describe(problem: Problem) -> ProblemDetail:
    """The body of the answer."""
    return ProblemDetail(
        type=f"urn:sluice:problem:{problem.kind}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        errors=problem.errors,
        correlation_id=current_correlation_id(),
    )


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemDetail]:
    """Litestar's handler for every exception."""
    problem = problem_of(error, request.url.path)
    return Response(
        describe(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=problem.headers
    )
