"""What the server answers by itself, without the service: for requests that never come to it."""

import uuid
from http import HTTPStatus

import msgspec
from litestar.types import Receive, Scope, Send

from pipeline.chassis.correlation import HEADER
from pipeline.chassis.problems import MEDIA_TYPE, ProblemDetail

_encode = msgspec.json.Encoder().encode
_RETRY_AFTER_SECONDS = 1


def refusal(status: int, kind: str, detail: str) -> bytes:
    """A whole HTTP/1.1 answer with a problem document, after which the connection closes."""
    headers, body = _problem(status, kind, detail)
    lines = [b"HTTP/1.1 %d %s\r\n" % (status, HTTPStatus(status).phrase.encode())]
    lines += [b"%s: %s\r\n" % field for field in headers]
    return b"".join([*lines, b"\r\n", body])


async def too_many_connections(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The app of a connection above CONNECTIONS_MAX."""
    headers, body = _problem(503, "unavailable", "too many connections (CONNECTIONS_MAX)")
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _problem(status: int, kind: str, detail: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    correlation_id = uuid.uuid4().hex
    phrase = HTTPStatus(status).phrase
    document = ProblemDetail(f"urn:sluice:problem:{kind}", phrase, status, detail, [], correlation_id)
    body = _encode(document)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        (HEADER.lower().encode(), correlation_id.encode()),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"%d" % _RETRY_AFTER_SECONDS))
    return headers, body
