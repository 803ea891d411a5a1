"""The files of the page: complete, guarded, and asked for again only when they have changed."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.feed.route import feed_router
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.live import LiveSettings

PAGE = Path(__file__).resolve().parents[4] / "gateway" / "feed" / "page"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that has the page and nothing else, and no Redis."""
    app = create_service(
        ServiceDescription("feed", "feed"), ServiceMetrics("gateway"), [feed_router(LiveSettings())], {}
    )
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


def paths() -> list[str]:
    return ["/feed", *(f"/feed/{file.name}" for file in sorted(PAGE.iterdir()) if file.suffix != ".html")]


@pytest.mark.parametrize("path", paths())
async def test_each_file_is_served_with_its_type_and_nothing_from_elsewhere(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    types = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert answer.headers["content-type"].startswith(types.get(path.rpartition(".")[2], "text/html"))
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert not re.search(r"(https?:)?//(?!www\.w3\.org/)[a-z0-9.-]+\.[a-z]", answer.text), "asks others"


@pytest.mark.parametrize("path", paths())
async def test_a_file_that_the_browser_has_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    first = await client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]

    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await client.get(path, headers={"If-None-Match": '"another"'})).status_code == 200


def test_the_page_names_only_files_that_are_there_and_runs_nothing_inline() -> None:
    page = (PAGE / "feed.html").read_text()
    named = re.findall(r'(?:href|src)="/feed/([^"]+)"', page)
    imported = [
        name for file in PAGE.glob("*.js") for name in re.findall(r'from "\./([^"]+)"', file.read_text())
    ]
    assert {"feed.css", "feed.js", "icon.svg", "api.js", "socket.js", "view.js"} == {*named, *imported}
    assert all((PAGE / name).is_file() for name in [*named, *imported])
    assert not re.search(r"\son[a-z]+=|\sstyle=|<style|<script(?![^>]*\ssrc=)", page)


def test_nothing_on_the_page_makes_markup_of_text() -> None:
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function"
    assert not [file.name for file in PAGE.glob("*.js") if re.search(sinks, file.read_text())]


@pytest.mark.parametrize("path", ["posts?id=p-1", "top", "trending"])
async def test_without_redis_its_data_is_not_configured(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/feed/data/{path}")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:sluice:problem:not-configured"


async def test_no_other_file_is_served(client: httpx.AsyncClient) -> None:
    for path in ("/feed/feed.html", "/feed/../app.py", "/feed/%2e%2e/app.py", "/feed/__init__.py"):
        assert (await client.get(path)).status_code == 404
