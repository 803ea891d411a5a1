"""`GET /reports/demographics` over HTTP."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get

from reporter.answering import FROM, INVALID_FILTER, TO, Answering, source_parameter
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

    async def demographics(
        request: Request[Any, Any, Any],
        from_: Annotated[str | None, FROM] = None,
        to: Annotated[str | None, TO] = None,
        source: Annotated[str | None, source_parameter(report.sources)] = None,
    ) -> Response[Any]:
        return await answering.answer("demographics", request, FILTERS, report.sources, report.of)

    # The members of the answer are the sources' facets: its type is made at run time, for the API page.
    demographics.__annotations__["return"] = Response[report.result_type]
    handler = get(
        "/demographics",
        summary="Who was there",
        description=_DESCRIPTION,
        response_headers=HEADER_DOCUMENTATION,
        responses=INVALID_FILTER,
    )(demographics)
    return Router("/", route_handlers=[handler])
