"""Routes with so many small requests that routing and building the answer cost more than the work itself.

A shortcut answers before Litestar sees the request, which takes a third of the time of a single event's POST. The
Litestar handler of the same path stays: it calls the same function, it is what the API page shows, and it answers
the other methods.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from pipeline.chassis.problems import MEDIA_TYPE, Problem, describe, problem_of

_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """An answer as it goes out, for what is not always the same status, or is no JSON. No media type, no body."""

    status: int
    body: bytes = b""
    media_type: str = ""
    headers: Mapping[str, str] = {}


Handle = Callable[[Mapping[str, str], Receive], Awaitable[msgspec.Struct | None]]
"""Takes the headers (lower-case names) and the body's channel, gives the answer; None when the caller is gone."""

ScopeHandle = Callable[[Scope, Receive], Awaitable[Answer | None]]
"""As `Handle`, with all that is known of the request; it may name the route better in `scope["path_template"]`."""


class Shortcut(msgspec.Struct, frozen=True):
    """One method and path, the status of its good answer, and the function behind it."""

    method: str
    path: str
    status: int
    handle: Handle


class PrefixShortcut(msgspec.Struct, frozen=True):
    """One method and all paths that begin with `prefix`; a path with a `Shortcut` of its own is not among them.

    `exact` means the path `prefix` alone, for what answers with headers of its own.
    """

    method: str
    prefix: str
    handle: ScopeHandle
    exact: bool = False

    def covers(self, method: str, path: str) -> bool:
        """Whether a request is for it."""
        if method != self.method:
            return False
        return path == self.prefix if self.exact else path.startswith(self.prefix)


def with_shortcuts(app: ASGIApp, shortcuts: Sequence[Shortcut | PrefixShortcut]) -> ASGIApp:
    """The app with some of its routes answered before it."""
    exact = {(entry.method, entry.path): entry for entry in shortcuts if isinstance(entry, Shortcut)}
    prefixes = [entry for entry in shortcuts if isinstance(entry, PrefixShortcut)]

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        shortcut = exact.get((method, path))
        if shortcut is not None:
            await _answer(shortcut, scope, receive, send)
            return
        for entry in prefixes:
            if entry.covers(method, path):
                await _answer_prefix(entry, scope, receive, send)
                return
        await app(scope, receive, send)

    return dispatch


async def _answer(shortcut: Shortcut, scope: Scope, receive: Receive, send: Send) -> None:
    scope["path_template"] = shortcut.path
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        answer = await shortcut.handle(headers, receive)
        if answer is not None:
            await _send(send, shortcut.status, "application/json", _encode(answer), {})
    except Exception as error:  # as in Litestar: what went wrong is an answer, too
        problem = problem_of(error, shortcut.path)
        await _send(send, problem.status, MEDIA_TYPE, _encode(describe(problem)), problem.headers)


async def _answer_prefix(shortcut: PrefixShortcut, scope: Scope, receive: Receive, send: Send) -> None:
    scope["path_template"] = shortcut.prefix
    try:
        answer = await shortcut.handle(scope, receive)
    except Exception as error:  # as above; the path itself is the caller's invention
        answer = answer_of(problem_of(error, scope["path_template"]))
    if answer is not None:
        await _send(send, answer.status, answer.media_type, answer.body, answer.headers)


def answer_of(problem: Problem) -> Answer:
    """A problem as it goes out."""
    return Answer(problem.status, _encode(describe(problem)), MEDIA_TYPE, problem.headers)


async def _send(send: Send, status: int, media_type: str, body: bytes, headers: Mapping[str, str]) -> None:
    fields = {"content-type": media_type, "content-length": str(len(body)), **headers}
    if not media_type:
        del fields["content-type"]
    raw = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
