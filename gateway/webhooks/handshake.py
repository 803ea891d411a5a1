"""The question that some providers ask before they deliver: `GET` with a token, answered with their own challenge.

The token travels in the query string, which therefore goes nowhere: into no log, no problem, no metric.
"""

from urllib.parse import parse_qsl

from gateway.webhooks import answers
from gateway.webhooks.doors import Door
from pipeline.chassis.problems import Problem
from pipeline.chassis.shortcut import Answer

_MAX_PARAMETERS = 32


def answer_handshake(door: Door, query: bytes) -> Answer:
    """The challenge as plain text, which no browser takes for a page. Raises Problem 400, 403, 503."""
    if not door.is_configured:
        raise answers.not_configured(door)
    handshake = door.webhook.handshake
    parameters = _parameters(query)
    challenge = handshake(door.credentials, parameters) if handshake else None
    if challenge is None:
        raise _refused()
    if not challenge:
        raise Problem(400, "no-challenge", "There is no challenge to answer.")
    return Answer(200, challenge.encode(), "text/plain", {"X-Content-Type-Options": "nosniff"})


def _parameters(query: bytes) -> dict[str, str]:
    """Raises Problem 403 when a parameter comes twice: which of the two was meant is nobody's guess."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except ValueError:  # UnicodeDecodeError is one
        raise _refused() from None
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        raise _refused()
    return parameters


def _refused() -> Problem:
    return Problem(403, "forbidden", "The handshake is not the one that is configured.")
