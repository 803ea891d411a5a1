"""What the gateway's answer says about every event of a body (DESIGN §4)."""

import msgspec

ACCEPTED, UNKNOWN, REJECTED = 2, 1, 0  # ordered: of several answers about one event, the highest one binds
RETRYABLE = frozenset((429, 500, 502, 503, 504))


class EventError(msgspec.Struct, frozen=True, rename="camel"):
    """One rejected event. `index` is its place in the body."""

    index: int
    event_id: str | None = None
    reason: str = ""
    path: str | None = None
    detail: str | None = None


class Receipt(msgspec.Struct, frozen=True):
    """The JSON of a 202, and of a 400, whose counts may be missing."""

    accepted: int = 0
    rejected: int = 0
    errors: list[EventError] = []


class Outcome(msgspec.Struct, frozen=True):
    """How a POST ended. `status` 0: no answer, `problem` says why.

    `verdicts` holds ACCEPTED, UNKNOWN or REJECTED for every element of the body.
    """

    status: int
    verdicts: bytes
    errors: list[EventError] = []
    problem: str = ""


_decode = msgspec.json.Decoder(Receipt).decode


def outcome_of(status: int, answer: bytes, size: int) -> Outcome:
    """The verdicts of an answer to a body of `size` events. What it leaves open is UNKNOWN."""
    if 200 <= status < 300:
        return _acknowledged(status, answer, size)
    if 400 <= status < 500 and status not in RETRYABLE:
        try:
            errors = _decode(answer).errors
        except msgspec.MsgspecError:
            errors = []
        return Outcome(status, bytes([REJECTED]) * size, errors, _excerpt(answer))
    return Outcome(status, bytes([UNKNOWN]) * size, [], _excerpt(answer))


def no_answer(problem: str, size: int) -> Outcome:
    return Outcome(0, bytes([UNKNOWN]) * size, [], problem)


def _acknowledged(status: int, answer: bytes, size: int) -> Outcome:
    try:
        receipt = _decode(answer)
    except msgspec.MsgspecError as error:
        return Outcome(status, bytes([UNKNOWN]) * size, [], f"unreadable answer: {error}")
    bad = {error.index for error in receipt.errors}
    consistent = receipt.accepted + receipt.rejected == size and len(bad) <= receipt.rejected
    if not consistent or not all(0 <= index < size for index in bad):
        return Outcome(status, bytes([UNKNOWN]) * size, receipt.errors, f"counts do not fit {size} events")
    # At most 100 errors are listed. Which others were rejected is not known.
    verdicts = bytearray([ACCEPTED if len(bad) == receipt.rejected else UNKNOWN]) * size
    for index in bad:
        verdicts[index] = REJECTED
    return Outcome(status, bytes(verdicts), receipt.errors)


def _excerpt(answer: bytes) -> str:
    return answer[:300].decode(errors="replace")
