"""What every service answers, whatever it does: problems, probes, metrics, the API page."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from litestar import get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from pipeline.chassis.health import Check
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.problems import Problem, unavailable
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.errors import StoreUnavailable

SECRET = "postgresql://sluice:hunter2@db"


@get("/things/{name:str}", sync_to_thread=False)
def thing(name: FromPath[str]) -> dict[str, str]:
    return {"name": name}


@post("/things", sync_to_thread=False)
def refuse() -> None:
    raise Problem(413, "too-large", "larger than 10 bytes", errors=[{"index": 3}], headers={"X-Limit": "10"})


@get("/away", sync_to_thread=False)
def away() -> None:
    raise StoreUnavailable("Postgres does not answer")


@get("/full", sync_to_thread=False)
def full() -> None:
    raise unavailable("too many bytes in flight", retry_after_seconds=7)


@get("/teapot", sync_to_thread=False)
def teapot() -> None:
    raise HTTPException("short and stout", status_code=418, headers={"X-Spout": "yes"})


@get("/broken", sync_to_thread=False)
def broken() -> None:
    raise RuntimeError(SECRET)


async def answers() -> str:
    return "answers"


async def refuses() -> str:
    raise ConnectionError("refused")


async def hangs() -> str:
    await asyncio.Event().wait()
    return "never"


def client_of(
    checks: Mapping[str, Check] | None = None, optional: Mapping[str, Check] | None = None
) -> httpx.AsyncClient:
    app = create_service(
        ServiceDescription("Example", "An example."),
        ServiceMetrics("example"),
        [thing, refuse, away, full, teapot, broken],
        checks or {},
        optional_checks=optional,
        check_timeout_seconds=0.05,
    )
    transport: Any = httpx.ASGITransport(app=app)  # type: ignore[arg-type] # the same protocol, typed twice
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of() as client:
        yield client


PROBLEMS = [
    # method, path, status, type, detail, headers
    ("POST", "/things", 413, "too-large", "larger than 10 bytes", {"X-Limit": "10"}),
    ("GET", "/away", 503, "unavailable", "Postgres does not answer", {"Retry-After": "1"}),
    ("GET", "/full", 503, "unavailable", "too many bytes in flight", {"Retry-After": "7"}),
    ("GET", "/teapot", 418, "i'm-a-teapot", "short and stout", {"X-Spout": "yes"}),
    ("GET", "/nowhere", 404, "not-found", "Not Found", {}),
    ("DELETE", "/things", 405, "method-not-allowed", "Method Not Allowed", {"Allow": "POST, OPTIONS"}),
    ("GET", "/broken", 500, "internal-error", "This is a defect of the service and was logged.", {}),
]


@pytest.mark.parametrize(("method", "path", "status", "kind", "detail", "headers"), PROBLEMS)
async def test_an_error_is_a_problem_document_with_the_correlation_id(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    status: int,
    kind: str,
    detail: str,
    headers: dict[str, str],
) -> None:
    response = await client.request(method, path, headers={"X-Correlation-ID": "request-17"})
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-correlation-id"] == problem["correlation_id"] == "request-17"
    assert (problem["type"], problem["detail"]) == (f"urn:sluice:problem:{kind}", detail)
    assert problem["title"]
    assert {name: response.headers.get(name) for name in headers} == headers


async def test_a_problem_lists_its_single_violations(client: httpx.AsyncClient) -> None:
    assert (await client.post("/things")).json()["errors"] == [{"index": 3}]
    assert "errors" not in (await client.get("/away")).json()


async def test_a_defect_leaks_nothing_of_its_message(client: httpx.AsyncClient) -> None:
    response = await client.get("/broken")
    assert "hunter2" not in response.text
    assert "RuntimeError" not in response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize("path", ["/things/a", "/nowhere", "/broken", "/health/live"])
async def test_every_answer_carries_one_correlation_id(client: httpx.AsyncClient, path: str) -> None:
    mine = await client.get(path, headers={"X-Correlation-ID": "request-17"})
    assert mine.headers.get_list("x-correlation-id") == ["request-17"]
    first, second = await client.get(path), await client.get(path)
    assert re.fullmatch("[0-9a-f]{32}", first.headers["x-correlation-id"])
    assert first.headers["x-correlation-id"] != second.headers["x-correlation-id"]


@pytest.mark.parametrize("sent", [b"x" * 65, b"two words", b"\xff\xfe", b"a*3", b""])
async def test_an_invalid_correlation_id_is_replaced(client: httpx.AsyncClient, sent: bytes) -> None:
    response = await client.get("/things/a", headers={b"X-Correlation-ID": sent})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-correlation-id"])


async def requests_in(client: httpx.AsyncClient) -> dict[tuple[str, str, str], int]:
    """(method, route, status) to the number of requests, from `/metrics`."""
    text = (await client.get("/metrics")).text
    pattern = re.compile(
        r'http_request_duration_seconds_count\{method="(\w+)",route="([^"]*)",service="example",status="(\d+)"\} (\S+)'
    )
    return {(match[1], match[2], match[3]): int(float(match[4])) for match in pattern.finditer(text)}


async def test_requests_are_counted_by_route_and_never_by_path(client: httpx.AsyncClient) -> None:
    for path in ("/things/a", "/things/b", "/nowhere", "/no/where/else?x=1", "/broken"):
        await client.get(path)
    await client.delete("/things")
    counted = await requests_in(client)
    assert counted["GET", "/things/{name}", "200"] == 2
    assert counted["GET", "unmatched", "404"] == 2
    assert counted["GET", "/broken", "500"] == 1
    assert not any("nowhere" in route or "/things/a" in route for _, route, _ in counted)


async def test_metrics_are_openmetrics_with_the_uptime_of_the_service(client: httpx.AsyncClient) -> None:
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert re.search(r'^service_uptime_seconds\{service="example"\} \d', response.text, re.MULTILINE)
    assert response.text.rstrip().endswith("# EOF")


async def test_metrics_tell_which_check_fails_and_wait_for_none_that_hangs() -> None:
    checks = {"nats": answers, "postgres": hangs}
    async with client_of(checks, optional={"redis": refuses}) as client:
        text = (await client.get("/metrics")).text
    found = dict(
        re.findall(r'^service_check_passed\{check="(\w+)",service="example"\} (\S+)', text, re.MULTILINE)
    )
    assert found == {"nats": "1.0", "postgres": "0.0", "redis": "0.0"}
    assert 'service_ready{service="example"} 0.0' in text


async def test_a_service_without_what_is_optional_is_ready_in_the_metrics() -> None:
    async with client_of({"nats": answers}, optional={"redis": refuses}) as client:
        assert 'service_ready{service="example"} 1.0' in (await client.get("/metrics")).text


async def test_metrics_tell_of_the_process(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    assert re.search(r"^process_resident_memory_bytes \d", text, re.MULTILINE)
    assert re.search(r"^process_cpu_seconds_total \d", text, re.MULTILINE)


async def test_two_services_in_one_process_do_not_mix_their_metrics() -> None:
    async with client_of() as one, client_of() as other:
        await one.get("/things/a")
        assert ("GET", "/things/{name}", "200") in await requests_in(one)
        assert ("GET", "/things/{name}", "200") not in await requests_in(other)


async def test_alive_needs_nobody() -> None:
    async with client_of({"nats": hangs, "postgres": refuses}) as client:
        response = await client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "alive", "service": "example"})


async def test_ready_when_every_dependency_answers() -> None:
    async with client_of({"nats": answers, "postgres": answers}) as client:
        response = await client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["ready"] is True
    assert [check["name"] for check in response.json()["checks"]] == ["nats", "postgres"]


async def test_not_ready_names_who_failed_and_who_hung() -> None:
    async with client_of({"nats": answers, "postgres": refuses, "redis": hangs}) as client:
        response = await client.get("/health/ready")
    assert response.status_code == 503
    checks = {check["name"]: check for check in response.json()["checks"]}
    assert {name: check["ready"] for name, check in checks.items()} == {
        "nats": True,
        "postgres": False,
        "redis": False,
    }
    assert checks["postgres"]["detail"] == "ConnectionError: refused"
    assert checks["redis"]["milliseconds"] >= 45  # of 50: the loop may wake a tick of its clock early


async def test_the_api_page_loads_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/api")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    sources = re.findall(r"""<(?:script|link|img)\b[^>]*?\b(?:src|href)\s*=\s*["']([^"']+)""", page.text)
    assert len(sources) >= 3
    assert not [source for source in sources if re.match(r"(?:https?:)?//", source)]


async def test_the_assets_of_the_api_page_are_served_by_us(client: httpx.AsyncClient) -> None:
    page = (await client.get("/api")).text
    assets = re.findall(r"""(?:src|href)\s*=\s*["'](/[^"']+)""", page)
    assert len(assets) >= 3
    for asset in assets:
        response = await client.get(asset)
        assert response.status_code == 200, asset
        assert len(response.content) > 1_000


async def test_the_schema_tells_of_the_routes(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/api/openapi.json")).json()
    assert schema["info"]["title"] == "Example"
    assert {"/things/{name}", "/things", "/health/live", "/health/ready", "/metrics"} <= set(schema["paths"])
