"""`GET /reports/demographics` over HTTP."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from reporter.answering import FROM, INVALID_FILTER, SOURCE, TO, Answering
from reporter.demographics import FILTERS, DemographicsReport
from reporter.freshness import HEADER_DOCUMENTATION

_DESCRIPTION = (
    "Distinct users with an event in the range, in total and per value of each facet; a user who had two values "
    "counts with both. Values of closed sets are always there, of open ones (location, country) the 50 largest and "
    "`other`. Exact up to a million events of a source in the range; beyond, `approximate` is true and each figure "
    "has the standard error in `standardErrorPercent`. The averages are over events that tell of watching."
)


def demographics_route(report: DemographicsReport, answering: Answering) -> Router:
    """The report over HTTP."""
    found = ResponseSpec(
        report.result_type, generate_examples=False, description="One member per source that has facets."
    )

    @get(
        "/demographics",
        summary="Who was there",
        description=_DESCRIPTION,
        response_headers=HEADER_DOCUMENTATION,
        responses={200: found, **INVALID_FILTER},
    )
    async def demographics(
        request: Request[Any, Any, Any],
        from_: Annotated[str | None, FROM] = None,
        to: Annotated[str | None, TO] = None,
        source: Annotated[str | None, SOURCE] = None,
    ) -> Response[Any]:
        return await answering.answer("demographics", request, FILTERS, report.sources, report.of)

    return Router("/", route_handlers=[demographics])
