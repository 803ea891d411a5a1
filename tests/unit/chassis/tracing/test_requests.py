"""The span of a request: what is in it, and what never is."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import get
from litestar.params import FromPath

from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.chassis.tracing import TraceContext, add_event, child, current
from tests.unit.chassis.tracing.recording import RecordingTracer

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


@get("/people/{name:str}", sync_to_thread=False)
def person(name: FromPath[str]) -> dict[str, Any]:
    with child("look up"):
        add_event("found", {"sluice.people": 1})
    return {"traced": current() is not None}


@get("/broken", sync_to_thread=False)
def broken() -> None:
    with child("fail"):
        raise RuntimeError("the secret of u-17")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_service(
        ServiceDescription("Test", "A service."), ServiceMetrics("test"), [person, broken], {}
    )
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_request_is_a_span_with_its_route_and_never_its_path(
    client: httpx.AsyncClient, tracer: RecordingTracer
) -> None:
    headers = {**PARENT, "X-Correlation-ID": "c-1", "Authorization": "Bearer s3cret"}
    answer = await client.get("/people/u-17?token=s3cret", headers=headers)
    assert answer.json() == {"traced": True}

    server, inside = tracer.spans
    assert (server.name, server.kind, server.error) == ("GET /people/{name}", "server", "")
    assert server.parent == TraceContext(int(TRACE, 16), int(SPAN, 16), True)
    assert server.attributes == {
        "http.request.method": "GET",
        "http.route": "/people/{name}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "sluice.correlation_id": "c-1",
    }
    assert (inside.name, inside.parent, inside.notes) == ("look up", server.context, ["found"])
    assert current() is None


async def test_an_error_is_named_by_its_type_alone(
    client: httpx.AsyncClient, tracer: RecordingTracer
) -> None:
    assert (await client.get("/broken")).status_code == 500
    server, inside = tracer.spans
    assert (server.error, inside.error) == ("500", "RuntimeError")
    assert "u-17" not in repr([span.__dict__ for span in tracer.spans])


async def test_a_method_and_a_path_of_the_callers_own_are_no_names(
    client: httpx.AsyncClient, tracer: RecordingTracer
) -> None:
    await client.request("BREW", "/coffee")
    assert [span.name for span in tracer.spans] == ["HTTP unmatched"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_probes_are_not_traced(client: httpx.AsyncClient, tracer: RecordingTracer, path: str) -> None:
    await client.get(path, headers=PARENT)
    assert (tracer.drawn, tracer.spans) == (0, [])


async def test_a_request_that_is_not_traced_has_no_span_anywhere(
    client: httpx.AsyncClient, tracer: RecordingTracer
) -> None:
    await client.get("/people/a", headers=PARENT)
    tracer.traced = False
    answer = await client.get("/people/b", headers=PARENT)
    assert answer.json() == {"traced": False}
    assert len(tracer.spans) == 2


@pytest.mark.parametrize("parent", ["", "nonsense", f"00-{TRACE}-{SPAN}-01\x01", "ff-" + "f" * 400])
async def test_a_hostile_parent_is_answered_as_any_request(
    client: httpx.AsyncClient, tracer: RecordingTracer, parent: str
) -> None:
    answer = await client.get("/people/a", headers={"traceparent": parent, "tracestate": "\x7f=,,,="})
    assert answer.status_code == 200
    server, _ = tracer.spans
    assert server.parent is None
