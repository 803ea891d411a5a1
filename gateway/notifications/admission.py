"""Who a client is, what it wants to be told of, and from where on."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs

from gateway.notifications.endings import Refused, bad_request, unauthorized
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.topics import check_topic
from pipeline.chassis.tokens import Bearer, TokenRefused, TokenVerifier

_TOKEN_NAMES = ("token", "access_token", "jwt", "authorization", "bearer")
_MAX_SINCE = 2**63


class Wish(NamedTuple):
    """What a client asks for. `since` is the last notification that it has seen; None for what comes from now on."""

    topics: Sequence[str]
    since: int | None


def read_query(query_string: bytes) -> Wish:
    """The wish in an address. Raises Refused, above all when there is a token: addresses are logged on their way."""
    query = parse_qs(query_string.decode("latin-1"))
    if any(name.lower() in _TOKEN_NAMES for name in query):
        raise Refused(bad_request("a token does not belong into an address"))
    return Wish(tuple(query.get("topic", ())), read_since(query.get("since", [None])[-1]))


def read_since(text: str | int | None) -> int | None:
    """The `id` of a notification. Raises Refused when it cannot be one."""
    if text is None or text == "":
        return None
    digits = str(text)
    if (
        not digits.isascii()
        or not digits.isdigit()
        or len(digits) > len(str(_MAX_SINCE))
        or int(digits) >= _MAX_SINCE
    ):
        raise Refused(bad_request("since is the id of a notification"))
    return int(digits)


def verify(token: str, verifier: TokenVerifier) -> Bearer:
    """Raises Refused."""
    try:
        return verifier.verify(token)
    except TokenRefused as refused:
        raise Refused(unauthorized(f"the token is not accepted: {refused.problem.value}")) from None


def check_topics(topics: Iterable[str], bearer: Bearer, settings: NotificationSettings) -> list[str]:
    """Each once. Raises Refused when there are too many, or the bearer may not follow one of them."""
    wanted = list(dict.fromkeys(topics))
    check_number(len(wanted), settings)
    for topic in wanted:
        check_topic(topic, bearer)
    return wanted


def check_number(topics: int, settings: NotificationSettings) -> None:
    """Raises Refused when a connection would follow too many topics."""
    limit = settings.notification_topics_max
    if topics > limit:
        raise Refused(bad_request(f"a connection follows at most {limit} topics (NOTIFICATION_TOPICS_MAX)"))
