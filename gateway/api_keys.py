"""Who may send: holders of a key, where there are keys. Where there are none, anybody who reaches the port."""

import hmac
from collections.abc import Mapping, Sequence

from pipeline.chassis.problems import Problem


class ApiKeys:
    """The keys of one front door, shown as `X-Api-Key` or as bearer token."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def check(self, headers: Mapping[str, str]) -> None:
        """Raises Problem 401 when there are keys, and none of them is shown. Names of headers are lower-case."""
        if not self._keys:
            return
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        # Every key is compared, in constant time each: the answer's timing tells nothing about any of them.
        matches = [hmac.compare_digest(given.encode(), key) for key in self._keys]
        if not any(matches):
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "unauthorized", "An API key is required.", headers=challenge)
