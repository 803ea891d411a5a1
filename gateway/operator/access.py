"""Who may: the holder of an operator's key. Without any key nobody may."""

import hmac
from collections.abc import Callable, Sequence
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from pipeline.chassis.problems import Problem

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]

_SCHEME = "bearer "


def operator_guard(keys: Sequence[str]) -> Guard:
    """Raises Problem 401 for a wrong key, and 503 while there is none: the door never stands open."""
    known = [key.encode() for key in keys]

    def check(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        if not known:
            raise Problem(503, "not-configured", "OPERATOR_API_KEYS is not set: the operator API is closed.")
        authorization = connection.headers.get("authorization", "")
        given = authorization[len(_SCHEME) :] if authorization.lower().startswith(_SCHEME) else ""
        # Every key is compared, in constant time each: the answer's timing tells nothing about any of them.
        matches = [hmac.compare_digest(given.encode(), key) for key in known]
        if not any(matches):
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "unauthorized", "An operator's key is required.", headers=challenge)

    return check
