"""Who sends it: the bearer of a token, as `Authorization` says."""

from collections.abc import Mapping

from pipeline.chassis.problems import Problem
from pipeline.chassis.tokens import Bearer, TokenProblem, TokenRefused, TokenVerifier

WRITE_ANY = "events:write:any"
"""The scope of back ends, which send for all their users."""

_SCHEME = "bearer "
_REALM = 'Bearer realm="sluice"'


def authenticate(headers: Mapping[str, str], verifier: TokenVerifier) -> Bearer:
    """Raises Problem: 401 for a token that is not accepted, 503 while there is no key to verify any with."""
    if not verifier.is_configured:
        detail = "Neither JWT_SECRET nor JWT_PUBLIC_KEYS_FILE is set: this door is closed."
        raise Problem(503, "not-configured", detail)
    authorization = headers.get("authorization", "")
    token = authorization[len(_SCHEME) :].strip() if authorization.lower().startswith(_SCHEME) else ""
    try:
        return verifier.verify(token)
    except TokenRefused as refused:
        raise _unauthorized(refused.problem) from None


def may_write_for(bearer: Bearer, user_id: str) -> bool:
    """Whether the bearer may say what this user does."""
    return user_id == bearer.user_id or WRITE_ANY in bearer.scopes


def forbidden_header() -> dict[str, str]:
    """What the scope would have been (RFC 6750 §3.1)."""
    return {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{WRITE_ANY}"'}


def _unauthorized(problem: TokenProblem) -> Problem:
    """RFC 6750 §3: a request without any token is told no error, only what is wanted."""
    if problem is TokenProblem.MISSING:
        return Problem(
            401, "unauthorized", "A bearer token is required.", headers={"WWW-Authenticate": _REALM}
        )
    challenge = f'{_REALM}, error="invalid_token", error_description="{problem.value}"'
    return Problem(
        401,
        "unauthorized",
        f"The token is not accepted: {problem.value}.",
        headers={"WWW-Authenticate": challenge},
    )
