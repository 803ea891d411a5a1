"""What a client may follow besides what concerns its own user, which it is always told."""

from gateway.notifications.endings import Refused, forbidden, unknown_topic
from pipeline.chassis.tokens import Bearer

ALERTS = "alerts"
ALERTS_SCOPE = "alerts:read"
_MAX_LENGTH = 160


def check_topic(topic: str, bearer: Bearer) -> None:
    """Raises Refused: 4404 for what is no topic, 4403 for what this bearer may not follow.

    `post:<id>` is open to everybody who has a token; `alerts` takes the scope `alerts:read`. What other users are told
    is theirs alone.
    """
    kind, _, name = topic.partition(":")
    if len(topic) > _MAX_LENGTH:
        raise Refused(unknown_topic(f"a topic has at most {_MAX_LENGTH} characters"))
    if kind == "user":
        raise Refused(forbidden("what a user is told goes to that user alone, without being asked for"))
    if topic == ALERTS:
        if ALERTS_SCOPE not in bearer.scopes:
            raise Refused(forbidden(f"the topic {ALERTS} takes the scope {ALERTS_SCOPE}"))
    elif kind != "post" or not name:
        raise Refused(unknown_topic(f"topics are post:<id> and {ALERTS}"))
