"""Routes with so many small requests that routing and building the answer cost more than the work itself.

A shortcut answers before Litestar sees the request, which takes a third of the time of a single event's POST. The
Litestar handler of the same path stays: it calls the same function, it is what the API page shows, and it answers
the other methods.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from pipeline.chassis.problems import MEDIA_TYPE, describe, problem_of

_encode = msgspec.json.Encoder().encode

Handle = Callable[[Mapping[str, str], Receive], Awaitable[msgspec.Struct | None]]
"""Takes the headers (lower-case names) and the body's channel, gives the answer; None when the caller is gone."""


class Shortcut(msgspec.Struct, frozen=True):
    """One method and path, the status of its good answer, and the function behind it."""

    method: str
    path: str
    status: int
    handle: Handle


def with_shortcuts(app: ASGIApp, shortcuts: Mapping[tuple[str, str], Shortcut]) -> ASGIApp:
    """The app with some of its routes answered before it."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        shortcut = shortcuts.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if shortcut is None:
            await app(scope, receive, send)
            return
        scope["path_template"] = shortcut.path
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            answer = await shortcut.handle(headers, receive)
            if answer is not None:
                await _send(send, shortcut.status, "application/json", _encode(answer), {})
        except Exception as error:  # as in Litestar: what went wrong is an answer, too
            problem = problem_of(error, shortcut.path)
            await _send(send, problem.status, MEDIA_TYPE, _encode(describe(problem)), problem.headers)

    return dispatch


async def _send(send: Send, status: int, media_type: str, body: bytes, headers: Mapping[str, str]) -> None:
    fields = {"content-type": media_type, "content-length": str(len(body)), **headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
