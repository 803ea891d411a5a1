"""The page at `/feed`, in a real browser, before the whole of the social feed."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from ops.local.servers import RunningServer
from pipeline.chassis.tokens import TokenSettings, mint
from tests.browser import Browser, Tab, browsing
from tests.processes import Process, Services, connections
from tests.streams import delete_streams

SECRET = "a secret of the tests that is long enough"
HOSTILE = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script> & \"so\" 'on'"


def token(user: str, ttl_seconds: int = 600) -> str:
    return mint(TokenSettings(jwt_secret=(SECRET,)), user, (), ttl_seconds)


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with browsing(tmp_path) as browser:
        yield browser


@pytest.fixture
def services(
    tmp_path: Path, nats_server: RunningServer, redis_server: RunningServer, database_url: str
) -> Iterator[Services]:
    asyncio.run(delete_streams(nats_server))
    with Redis.from_url(redis_server.url) as redis:
        redis.flushall()
    settings = connections(nats_server, redis_server, database_url=database_url)
    with Services(tmp_path, {**settings, "JWT_SECRET": SECRET}) as services:
        yield services


@pytest.fixture
def gateway(browser: Browser, services: Services) -> Process:
    """With its collector. Asks for the browser first: without one nothing needs to start."""
    gateway, collector = services.gateway(ready=False), services.collector("social", ready=False)
    gateway.wait_ready()
    collector.wait_ready()
    return gateway


async def sign_in(browser: Browser, gateway: Process, user: str) -> Tab:
    tab = await browser.new_tab(f"{gateway.url}/feed")
    await tab.fill("#token", token(user))
    await tab.click("#sign-in-form button")
    await tab.shows("#connection", "live")
    return tab


async def compose(tab: Tab, text: str) -> str:
    """Posts something. The id of the post."""
    await tab.fill("#text", text)
    await tab.click("#compose button")
    said = await tab.until("/Posted as (p-[0-9a-f]+)/.exec(document.querySelector('#said').innerText)?.[1]")
    return str(said)


async def watch(tab: Tab, post: str) -> None:
    await tab.fill("#watch-id", post)
    await tab.click("#watch button")


def shown(post: str, part: str = "") -> str:
    return f'article[data-post="{post}"] {part}'


async def counts(tab: Tab, post: str, likes: int, comments: int, shares: int) -> None:
    """Waits until the page shows them."""
    numbers = (
        f"[...document.querySelectorAll({json.dumps(shown(post, 'dd'))})].map((e) => e.innerText).join()"
    )
    await tab.until(f"{numbers} === '{likes},{comments},{shares}'")


async def test_what_one_does_moves_on_the_page_of_another(browser: Browser, gateway: Process) -> None:
    ann = await sign_in(browser, gateway, "u-ann")
    bob = await sign_in(browser, gateway, "u-bob")
    post = await compose(ann, "Good morning")
    assert await ann.text(shown(post, ".text")) == "Good morning"
    await counts(ann, post, 0, 0, 0)
    await watch(bob, post)

    await bob.click(shown(post, '[data-do="like"]'))

    await counts(ann, post, 1, 0, 0)
    await counts(bob, post, 1, 0, 0)
    await ann.shows("#told", f"u-bob liked your post {post}")
    await ann.shows("#unread", "1")
    assert await ann.value("document.title") == "(1) Sluice feed"
    await ann.shows("#today", post)
    await ann.shows("#trending", post)
    assert await bob.text("#told") == ""

    await bob.fill(shown(post, "form input"), "And to you")
    await bob.press("Enter")
    await bob.click(shown(post, '[data-do="share"]'))
    await bob.fill("#follow-id", "u-ann")
    await bob.click("#follow button")
    await counts(ann, post, 1, 1, 1)
    for told in (
        f"u-bob commented on your post {post}\n“And to you”",
        f"u-bob shared your post {post}",
        "u-bob follows you",
    ):
        await ann.shows("#told", told)
    await ann.shows("#unread", "4")

    await bob.click(shown(post, '[data-do="like"]'))
    await counts(ann, post, 0, 1, 1)
    await ann.until(f"!document.querySelector('#today').innerText.includes('{post}')")
    await ann.click("#read-all")
    assert await ann.value("document.title") == "Sluice feed"
    assert await ann.value("document.querySelector('#unread').hidden")
    assert ann.complaints == bob.complaints == []


async def test_what_people_write_is_text_and_nothing_else(browser: Browser, gateway: Process) -> None:
    ann = await sign_in(browser, gateway, "u-ann")
    bob = await sign_in(browser, gateway, "<b>u-bob</b>")
    post = await compose(ann, HOSTILE)
    assert await ann.text(shown(post, ".text")) == HOSTILE
    await watch(bob, post)
    await bob.fill(shown(post, "form input"), HOSTILE)
    await bob.press("Enter")
    await ann.shows("#told", HOSTILE)
    await ann.shows("#told", "<b>u-bob</b> commented")

    hostile_id = "\"><img src=x onerror='window.pwned=1'>"
    await watch(ann, hostile_id)
    await ann.until("document.querySelectorAll('article').length === 2")
    await ann.click("article [data-do='like']")
    await ann.shows("#today", hostile_id)

    for tab in (ann, bob):
        assert await tab.value("window.pwned ?? null") is None
        assert await tab.value("document.querySelectorAll('img, b, main script').length") == 0
        assert tab.complaints == []


@pytest.mark.exhaustive
async def test_only_with_the_keyboard(browser: Browser, gateway: Process) -> None:
    tab = await browser.new_tab(f"{gateway.url}/feed")
    await tab.press("Tab")
    await tab.type(token("u-ann"))
    await tab.press("Enter")
    await tab.shows("#connection", "live")
    assert await tab.value("document.activeElement.id") == "text"
    await tab.type("no mouse")
    await tab.press("Tab")
    await tab.press("Enter")
    await tab.until("document.querySelector('article') !== null")

    async def reach(label: str) -> None:
        for _ in range(40):
            if await tab.value("document.activeElement.innerText") == label:
                return
            await tab.press("Tab")
        raise AssertionError(f"the Tab key does not lead to {label}")

    await reach("Like")
    await tab.press(" ")
    await tab.until("document.querySelector('[data-do=\"like\"]').getAttribute('aria-pressed') === 'true'")
    await tab.until("document.querySelector('[data-count=\"likes\"]').innerText === '1'")
    await tab.until("document.activeElement.innerText === 'Like'")
    assert tab.complaints == []


@pytest.mark.exhaustive
async def test_everything_that_can_be_used_has_a_name(browser: Browser, gateway: Process) -> None:
    tab = await sign_in(browser, gateway, "u-ann")
    post = await compose(tab, "named")
    await tab.click(shown(post, '[data-do="like"]'))
    await tab.shows("#today", post)

    nodes = (await tab.ask("Accessibility.getFullAXTree"))["nodes"]

    usable = [node for node in nodes if node.get("role", {}).get("value") in ("button", "textbox", "article")]
    names = [(node["role"]["value"], node["name"]["value"]) for node in usable]
    assert {
        ("textbox", "Text"),
        ("textbox", "Post to watch"),
        ("textbox", "Person to follow"),
        ("textbox", f"Comment on {post}"),
        ("button", "Like"),
        ("article", post),
    } <= set(names)
    assert all(name for _, name in names), names


@pytest.mark.exhaustive
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_narrow_and_wide_nothing_is_out_of_the_window_and_all_can_be_read(
    browser: Browser, gateway: Process, tmp_path: Path, scheme: str
) -> None:
    tab = await browser.new_tab(f"{gateway.url}/feed")
    folder = Path(os.environ.get("FEED_SCREENSHOTS", tmp_path))
    await tab.look(360, 760, scheme)
    assert await tab.value("document.documentElement.scrollWidth") <= 360
    save(folder / f"{scheme}-sign-in.png", await tab.screenshot())
    await tab.fill("#token", token("u-" + "ann" * 20))
    await tab.click("#sign-in-form button")
    await tab.shows("#connection", "live")
    post = await compose(tab, "A long word: " + "Donaudampfschifffahrt" * 10 + "\nand a second line")
    await tab.click(shown(post, '[data-do="like"]'))
    await counts(tab, post, 1, 0, 0)
    await act(gateway, "u-bob", {"type": "comment", "postId": post, "text": "word " * 30})
    await act(gateway, "u-bob", {"type": "follow", "targetUserId": "u-" + "ann" * 20})
    await tab.shows("#unread", "2")
    await tab.shows("#today", post)
    for width, height in ((360, 760), (1280, 900)):
        await tab.look(width, height, scheme)
        await tab.until(
            "document.querySelector('.changed') === null || document.getAnimations().length === 0"
        )
        assert await tab.value("document.documentElement.scrollWidth") <= width
        assert await tab.value(POOR_CONTRAST) == []
        save(folder / f"{scheme}-{width}.png", await tab.screenshot())
    assert tab.complaints == []


def save(path: Path, png: bytes) -> None:
    """For people to look at, where FEED_SCREENSHOTS says, or with the other files of the test."""
    path.write_bytes(png)


POOR_CONTRAST = """
(() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.checkVisibility() && !e.disabled)
    .filter((e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((e) => {
      const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(ground(e))].sort((x, y) => y - x);
      return [e.tagName, e.textContent.slice(0, 30), (a + 0.05) / (b + 0.05)];
    })
    .filter(([, , ratio]) => ratio < 4.5);
})()
"""


@pytest.mark.exhaustive
async def test_without_redis_the_page_says_so_and_goes_on_when_it_is_back(
    browser: Browser, gateway: Process, redis_server: RunningServer
) -> None:
    ann = await sign_in(browser, gateway, "u-ann")
    post = await compose(ann, "still here")
    await counts(ann, post, 0, 0, 0)
    redis_server.pause()
    try:
        await ann.shows("#counting", "counters away")
        await ann.shows(shown(post, "dd"), "\N{EN DASH}")
        await ann.click(shown(post, '[data-do="like"]'))
        await ann.shows("#said", f"Liked: {post}")
    finally:
        redis_server.resume()
    await ann.shows("#counting", "counters live")
    await counts(ann, post, 1, 0, 0)


@pytest.mark.exhaustive
async def test_after_a_restart_of_the_gateway_everybody_is_told_what_they_missed_once(
    browser: Browser, gateway: Process, services: Services
) -> None:
    ann = await sign_in(browser, gateway, "u-ann")
    post = await compose(ann, "wait for it")
    other = services.gateway()
    gateway.terminate()
    gateway.wait()
    await ann.shows("#connection", "trying again")
    await act(other, "u-bob", {"type": "comment", "postId": post, "text": "while you were away"})

    gateway.start()

    await ann.shows("#connection", "live", seconds=30)
    await ann.shows("#told", "while you were away")
    await act(gateway, "u-bob", {"type": "share", "postId": post})
    await ann.shows("#told", f"u-bob shared your post {post}")
    assert await ann.value("document.querySelectorAll('#told li').length") == 2
    await counts(ann, post, 0, 1, 1)


@pytest.mark.exhaustive
async def test_a_reload_keeps_the_session_and_signing_out_ends_it(browser: Browser, gateway: Process) -> None:
    ann = await sign_in(browser, gateway, "u-ann")
    post = await compose(ann, "kept")
    await ann.click(shown(post, '[data-do="like"]'))
    await counts(ann, post, 1, 0, 0)

    await ann.ask("Page.reload")
    await ann.shows("#connection", "live")
    await counts(ann, post, 1, 0, 0)
    assert await ann.text(shown(post, ".text")) == "kept"
    liked = "document.querySelector('[data-do=\"like\"]').getAttribute('aria-pressed')"
    assert await ann.value(liked) == "true"

    await ann.click("#sign-out")
    await ann.shows("#connection", "signed out")
    assert await ann.value("sessionStorage.length") == 0
    assert await ann.value("document.querySelector('#feed').hidden")


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "bad",
    ["no token at all", token("u-ann")[:-4] + "AAAA", token("u-ann", -3600)],
    ids=["none", "tampered with", "expired"],
)
async def test_a_token_that_is_not_accepted_is_told(browser: Browser, gateway: Process, bad: str) -> None:
    tab = await browser.new_tab(f"{gateway.url}/feed")
    await tab.fill("#token", bad)
    await tab.click("#sign-in-form button")
    if "." in bad:
        await tab.shows("#connection", "refused")
        assert re.search("expired|signed by none", await tab.text("#connection"))
    else:
        await tab.shows("#problem", "This is no token")


async def act(gateway: Process, user: str, action: dict[str, Any]) -> None:
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {token(user)}"}
        answer = await http.post(
            f"{gateway.url}/api/events", json={"userId": user, **action}, headers=headers
        )
    assert answer.status_code == 202, answer.text
