"""What `POST /api/events` answers, action by action."""

from collections.abc import Sequence

import msgspec

from publisher.answers import ACCEPTED, REJECTED, RETRYABLE, UNKNOWN

_CLOSED = "not-configured"


class ActionAnswer(msgspec.Struct, frozen=True):
    """What became of one action. `index` is its place in the request."""

    index: int
    id: str = ""
    status: str = ""
    reason: str = ""
    path: str = ""
    detail: str = ""


class _Answer(msgspec.Struct, frozen=True):
    """The JSON of a 202, and of a problem that tells of each action."""

    results: list[ActionAnswer] = []
    errors: list[ActionAnswer] = []


class Answered(msgspec.Struct, frozen=True):
    """How a request ended. `status` 0: no answer. `verdicts` holds ACCEPTED, UNKNOWN or REJECTED for every action,
    `problem` says why not all of them were taken."""

    status: int
    verdicts: bytes
    results: Sequence[ActionAnswer] = ()
    problem: str = ""

    @property
    def is_final(self) -> bool:
        """Whether sending it again would change nothing."""
        return self.is_refusal or (self.status != 0 and self.status not in RETRYABLE)

    @property
    def is_refusal(self) -> bool:
        """The door, or the token, is wrong: nothing that is sent will be taken."""
        return self.status in (401, 404) or (self.status == 503 and _CLOSED in self.problem)


_decode = msgspec.json.Decoder(_Answer).decode


def answered(status: int, body: bytes, size: int) -> Answered:
    """The verdicts of an answer to a request of `size` actions. What it leaves open is UNKNOWN."""
    excerpt = body[:500].decode(errors="replace")
    is_taken = 200 <= status < 300
    if not is_taken and (status in RETRYABLE or not 400 <= status < 500):
        return Answered(status, bytes([UNKNOWN]) * size, problem=excerpt)
    try:
        answer = _decode(body)
    except msgspec.MsgspecError:
        answer = _Answer()
    results = answer.results or answer.errors
    if not is_taken:
        return Answered(status, bytes([REJECTED]) * size, results, excerpt)
    if sorted(result.index for result in results) != list(range(size)):
        problem = f"tells of {len(results)} actions instead of {size}: {excerpt}"
        return Answered(status, bytes([UNKNOWN]) * size, results, problem)
    verdicts = bytearray(size)
    for result in results:
        verdicts[result.index] = ACCEPTED if result.status == "accepted" else REJECTED
    return Answered(status, bytes(verdicts), results)


def unanswered(problem: str, size: int) -> Answered:
    return Answered(0, bytes([UNKNOWN]) * size, problem=problem)


def why_refused(outcome: Answered) -> str:
    """What to look at when nothing will be taken, with the name of the variable."""
    match outcome.status:
        case 401:
            return f"JWT_SECRET: the gateway does not accept what it signs; is it the gateway's own? {outcome.problem}"
        case 404:
            return f"EVENT_ENDPOINT: there is no POST /api/events beside it: {outcome.problem}"
        case _:
            return f"the gateway takes no tokens yet, JWT_SECRET is not set there: {outcome.problem}"
