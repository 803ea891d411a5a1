"""A real browser for tests of pages: Chromium without a window, driven by the Chrome DevTools Protocol.

It is whatever Chromium or Chrome is installed. Where there is none, the tests that want one are skipped, and say so.
"""

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
_START_SECONDS = 30
_WAIT_SECONDS = 15.0
_KEYS = {"Enter": 13, "Tab": 9, " ": 32, "Escape": 27}


def find() -> str:
    """The program. Skips the test where there is none."""
    for name in _NAMES:
        if program := shutil.which(name):
            return program
    pytest.skip(f"no browser on PATH: none of {', '.join(_NAMES)}")


class Tab:
    """One page. `complaints` are errors on its console: exceptions, refused by a policy, files that are missing."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self.complaints: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self._socket:
                self._hear(json.loads(text))
        for answer in self._answers.values():
            answer.cancel()

    def _hear(self, message: dict[str, Any]) -> None:
        if answer := self._answers.pop(message.get("id", 0), None):
            answer.set_result(message)
        parameters = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description", details["text"]))
            case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                entry = parameters["entry"]
                self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
            case _:
                pass

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        async with asyncio.timeout(_WAIT_SECONDS):
            message = await answer
        assert "error" not in message, (method, message["error"])
        return message["result"]

    async def begin(self) -> None:
        for domain in ("Page", "Runtime", "Log"):
            await self.ask(f"{domain}.enable")

    async def open(self, url: str) -> None:
        """Goes there, and waits until the page and its modules are there."""
        await self.ask("Page.navigate", url=url)
        await self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    async def value(self, expression: str) -> Any:
        """What an expression of JavaScript is on the page."""
        result = await self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, (expression, result["exceptionDetails"])
        return result["result"].get("value")

    async def until(self, expression: str, seconds: float = _WAIT_SECONDS) -> Any:
        """The value as soon as it is true."""
        try:
            async with asyncio.timeout(seconds):
                while not (value := await self.value(expression)):
                    await asyncio.sleep(0.03)
        except TimeoutError:
            text = await self.value("document.body.innerText")
            raise AssertionError(f"never true: {expression}\n{text}\n{self.complaints}") from None
        return value

    async def text(self, selector: str) -> str:
        """What can be read in an element."""
        return await self.value(f"document.querySelector({json.dumps(selector)}).innerText")

    async def shows(self, selector: str, text: str, seconds: float = _WAIT_SECONDS) -> None:
        """Waits until an element shows a text."""
        found = f"document.querySelector({json.dumps(selector)})?.innerText?.includes({json.dumps(text)})"
        await self.until(found, seconds)

    async def click(self, selector: str) -> None:
        """With the mouse, in the middle of it."""
        element = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"{element} && !{element}.disabled && {element}.checkVisibility()")
        x, y = await self.value(
            f"(() => {{ const e = {element}; e.scrollIntoView({{block: 'center', behavior: 'instant'}});"
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def type(self, text: str) -> None:
        """Into whatever has the focus."""
        await self.ask("Input.insertText", text=text)

    async def fill(self, selector: str, text: str) -> None:
        """Clicks into a field and types."""
        await self.click(selector)
        await self.type(text)

    async def press(self, key: str) -> None:
        """A key of `_KEYS`."""
        code = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"Enter": "\r", " ": " "}.get(key, "")
        await self.ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **code)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **code)

    async def look(self, width: int, height: int, scheme: str) -> None:
        """The size of the window, and whether its owner prefers `light` or `dark`."""
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        await self.ask("Emulation.setScrollbarsHidden", hidden=True)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.ask("Emulation.setEmulatedMedia", features=features)

    async def screenshot(self) -> bytes:
        """All of the page as PNG."""
        shot = await self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    async def end(self) -> None:
        await self._socket.close()
        await asyncio.wait({self._reading})


class Browser:
    """A browser that runs."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self.tabs: list[Tab] = []

    async def new_tab(self, url: str = "about:blank") -> Tab:
        """A tab shares nothing of its session with others."""
        async with httpx.AsyncClient() as http:
            target = (await http.put(f"{self._address}/json/new?about:blank")).json()
        tab = Tab(await connect(target["webSocketDebuggerUrl"], max_size=None, compression=None))
        self.tabs.append(tab)
        await tab.begin()
        await tab.open(url)
        return tab


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Browser]:
    """A browser with an empty profile in the folder. Skips the test where there is none."""
    process = _launch(find(), folder)
    browser = None
    try:
        browser = Browser(await _port(process, folder))
        yield browser
    finally:
        for tab in browser.tabs if browser else ():
            await tab.end()
        process.terminate()
        await asyncio.to_thread(process.wait)


def _launch(program: str, folder: Path) -> subprocess.Popen[bytes]:
    arguments = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}"]
    arguments += [
        "--no-first-run",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
    ]
    # Tabs that nobody looks at go on as if somebody did.
    arguments += ["--disable-background-timer-throttling", "--disable-renderer-backgrounding"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to make one for root
    with _log(folder).open("wb") as log:
        return subprocess.Popen([program, *arguments, "about:blank"], stdout=log, stderr=log)


async def _port(process: subprocess.Popen[bytes], folder: Path) -> int:
    """Where it listens, once it does."""
    for _ in range(_START_SECONDS * 20):
        if port := _port_now(folder):
            return port
        if process.poll() is not None:
            break
        await asyncio.sleep(0.05)
    raise AssertionError(f"the browser does not start\n{_log(folder).read_text(errors='replace')}")


def _port_now(folder: Path) -> int | None:
    file = folder / "profile" / "DevToolsActivePort"
    lines = file.read_text().split() if file.exists() else []
    return int(lines[0]) if len(lines) == 2 else None


def _log(folder: Path) -> Path:
    return folder / "browser.log"
