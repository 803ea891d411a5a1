"""Why a connection ends: the closed set of close codes, and what each means to a client."""

from typing import NamedTuple


class Ending(NamedTuple):
    """A WebSocket's close code and reason. `name` is the same in metrics."""

    code: int
    name: str
    reason: str


SLOW_READER = Ending(4008, "slow_reader", "you do not take what you are sent: connect again with since")
EXPIRED = Ending(4401, "token_expired", "the token has expired")
SILENT = Ending(4401, "no_token", "no token came in time")
TOO_MANY_CONNECTIONS = Ending(4429, "too_many_connections", "too many connections of this user")
TOO_MANY_MESSAGES = Ending(4429, "too_many_messages", "too many messages")
RESTARTING = Ending(1012, "restarting", "the service restarts: connect again with since")
UNAVAILABLE = Ending(1013, "unavailable", "notifications cannot be read now: connect again later with since")
DEFECT = Ending(1011, "defect", "a defect of the service, which was logged")


def bad_request(reason: str) -> Ending:
    """What the client sent is not understood."""
    return Ending(4400, "bad_request", reason)


def unauthorized(reason: str) -> Ending:
    """The token is not accepted."""
    return Ending(4401, "unauthorized", reason)


def forbidden(reason: str) -> Ending:
    """The client is known, and may not have what it asks for."""
    return Ending(4403, "forbidden", reason)


def unknown_topic(reason: str) -> Ending:
    """There is no such topic."""
    return Ending(4404, "unknown_topic", reason)


class Refused(Exception):
    """Raised where a client is refused, with what its connection ends with."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending
