"""Messenger and Instagram messages: the same members in both, under a name of each. Times are in milliseconds."""

from collections.abc import Mapping
from typing import Any

from publisher.senders.draft import Draft, Made, Make
from publisher.senders.update import Expected


def chat_kinds(chat: str) -> Mapping[Make, int]:
    """The kinds of one chat by how often they come; `chat` is how the event types begin."""

    def message(draft: Draft) -> Made:
        user, _ = draft.person()
        content = {"mid": f"m_{draft.token}", "text": draft.text()}
        return _made(draft, user, "message", content, f"{chat}.message", "bottom")

    def echo(draft: Draft) -> Made:
        user, _ = draft.person()
        content = {"mid": f"m_{draft.token}", "text": "Ja!", "is_echo": True, "app_id": 1517776481860111}
        made = _made(draft, user, "message", content, f"{chat}.echo", "top")
        sender, recipient = made.content["recipient"], made.content["sender"]
        return made._replace(content=made.content | {"sender": sender, "recipient": recipient})

    def postback(draft: Draft) -> Made:
        user, _ = draft.person()
        content = {"mid": f"m_{draft.token}", "title": "Get started", "payload": "START"}
        return _made(draft, user, "postback", content, f"{chat}.postback", "bottom")

    def reaction(draft: Draft) -> Made:
        user, _ = draft.person()
        action = draft.choose(("react", "unreact"))
        content = {"mid": f"m_{draft.token}", "action": action, "reaction": "love", "emoji": "❤"}
        return _made(draft, user, "reaction", content, f"{chat}.reaction.{action}", "top")

    def read(draft: Draft) -> Made:
        content = {"watermark": draft.at_ms - 1_000}
        return _made(draft, draft.token, "read", content, f"{chat}.read", "top")

    def referral(draft: Draft) -> Made:
        content = {"ref": "summer", "source": "ADS", "type": "OPEN_THREAD", "ad_id": draft.number(18)}
        return _made(draft, draft.token, "referral", content, f"{chat}.referral", "bottom")

    return {message: 60, echo: 15, postback: 8, reaction: 7, read: 8, referral: 2}


def policy(draft: Draft) -> Made:
    """A member of which no documentation tells."""
    content = {"action": "warning", "reason": draft.token}
    made = _made(draft, draft.person()[0], "policy_enforcement", content, "unknown.messaging", "top")
    return made._replace(expected=Expected(event_type="unknown.messaging", at_ms=draft.at_ms))


def _made(draft: Draft, user: str, member: str, content: dict[str, Any], event_type: str, stage: str) -> Made:
    update = {
        "sender": {"id": user},
        "recipient": {"id": draft.account},
        "timestamp": draft.at_ms,
        member: content,
    }
    return Made(update, Expected(event_type=event_type, stage=stage, user=user, at_ms=draft.at_ms))
