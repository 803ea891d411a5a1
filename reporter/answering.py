"""What every report has in common: filters in, freshness before figures, headers and a duration out."""

import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from pipeline.chassis.problems import ProblemDetail
from pipeline.events.vocabulary import Vocabulary
from reporter.filters import Filters, parse_filters
from reporter.freshness import FreshnessReader
from reporter.telemetry import ReporterTelemetry

ResultT = TypeVar("ResultT")

INVALID_FILTER = {
    400: ResponseSpec(
        ProblemDetail,
        generate_examples=False,
        description="A filter is wrong: `errors` names each and lists what is valid.",
    ),
    503: ResponseSpec(ProblemDetail, generate_examples=False, description="Postgres is away, or too slow."),
}


def parameter(name: str, description: str, example: str, valid: Iterable[str] = ()) -> QueryParameter:
    """A query parameter for the API page. Its value is parsed by `filters.py`, in one place for all."""
    schema: dict[str, Any] = {"examples": [example]}
    if values := list(dict.fromkeys(valid)):
        schema["enum"] = values
    return QueryParameter(name=name, required=False, description=description, schema_extra=schema)


FROM = parameter(
    "from", "Start of the range (inclusive), ISO 8601; UTC when no offset is given.", "2026-05-14"
)
TO = parameter(
    "to", "End of the range (exclusive), ISO 8601; a bare date means the whole day.", "2026-05-14T10:46:28Z"
)


def source_parameter(sources: tuple[str, ...]) -> QueryParameter:
    """`source`, with the sources that a report can tell of."""
    return parameter("source", "Only events of this source.", sources[0], sources)


class Answering(msgspec.Struct, frozen=True):
    """Makes the answer of any report."""

    vocabulary: Vocabulary
    freshness: FreshnessReader
    telemetry: ReporterTelemetry

    async def answer(
        self,
        report_type: str,
        request: Request[Any, Any, Any],
        allowed: tuple[str, ...],
        sources: tuple[str, ...],
        report: Callable[[Filters], Awaitable[ResultT]],
    ) -> Response[ResultT]:
        """A report over events. Raises Problem for wrong filters and StoreUnavailable when Postgres is away."""
        filters = parse_filters(request.query_params.multi_items(), allowed, self.vocabulary, sources)
        return await self.answer_about(report_type, filters.sources, lambda: report(filters))

    async def answer_about(
        self, report_type: str, sources: Collection[str], report: Callable[[], Awaitable[ResultT]]
    ) -> Response[ResultT]:
        """Any report over what these sources' collectors have stored. Raises as `report`, and StoreUnavailable."""
        started = time.perf_counter()
        # First of all, so that what it promises is in what is read after it.
        freshness = await self.freshness.of(sources)
        result = await report()
        self.telemetry.report_made(report_type, time.perf_counter() - started, freshness)
        return Response(result, headers=freshness.headers())
