"""A page's feed: comments, reactions, likes, posts and shares."""

from typing import Any

from publisher.senders.draft import Draft, Made
from publisher.senders.update import Expected

_HOUR_SECONDS = 3600


def change(field: str, value: dict[str, Any]) -> dict[str, Any]:
    """As it stands in `changes`."""
    return {"field": field, "value": value}


def comment(draft: Draft) -> Made:
    """Written, edited or removed."""
    verb = draft.choose(("add", "add", "add", "edited", "remove"))
    user, name = draft.person()
    post = draft.number(15)
    value: dict[str, Any] = {
        "item": "comment",
        "verb": verb,
        "comment_id": f"{post}_{draft.token}",
        "post_id": f"{draft.account}_{post}",
        "parent_id": f"{draft.account}_{post}",
        "from": {"id": user, "name": name},
        "created_time": draft.seconds,
    }
    if verb != "remove":
        value["message"] = draft.text()
    if verb == "edited":
        value |= {"created_time": draft.seconds - _HOUR_SECONDS, "edited_time": draft.seconds}
    return Made(
        change("feed", value), Expected(event_type=f"feed.comment.{verb}", user=user, at_ms=draft.whole_ms)
    )


def reaction(draft: Draft) -> Made:
    """It has no id, so it is who did it that tells it from others."""
    verb = draft.choose(("add", "add", "add", "edit", "remove"))
    value = {
        "item": "reaction",
        "verb": verb,
        "reaction_type": draft.choose(("like", "love", "wow", "haha", "sorry", "anger", "care")),
        **_by_the_token(draft),
    }
    return Made(
        change("feed", value),
        Expected(event_type=f"feed.reaction.{verb}", user=draft.token, at_ms=draft.whole_ms),
    )


def like(draft: Draft) -> Made:
    verb = draft.choose(("add", "add", "remove"))
    value = {"item": "like", "verb": verb, **_by_the_token(draft)}
    return Made(
        change("feed", value),
        Expected(event_type=f"feed.like.{verb}", user=draft.token, at_ms=draft.whole_ms),
    )


def post(draft: Draft) -> Made:
    """Of the page itself."""
    item = draft.choose(("status", "photo", "video", "link"))
    verb = draft.choose(("add", "add", "edited", "remove", "hide"))
    value: dict[str, Any] = {
        "item": item,
        "verb": verb,
        "post_id": f"{draft.account}_{draft.token}",
        "from": {"id": draft.account, "name": "Kaffebaren"},
        "published": 1,
        "message": draft.text(),
        "created_time": draft.seconds,
    }
    return Made(
        change("feed", value),
        Expected(event_type=f"feed.post.{verb}", user=draft.account, at_ms=draft.whole_ms),
    )


def share(draft: Draft) -> Made:
    user, name = draft.person()
    value: dict[str, Any] = {
        "item": "share",
        "verb": "add",
        "post_id": f"{draft.account}_{draft.number(15)}",
        "share_id": draft.token,
        "from": {"id": user, "name": name},
        "link": "https://shop.example.com/sale",
        "created_time": draft.seconds,
    }
    return Made(change("feed", value), Expected(event_type="feed.share.add", user=user, at_ms=draft.whole_ms))


def page_event(draft: Draft) -> Made:
    """An item of which no documentation tells."""
    value = {"item": "event", "verb": "add", "event_id": draft.token, "created_time": draft.seconds}
    return Made(change("feed", value), Expected(event_type="unknown.feed", at_ms=draft.whole_ms))


def _by_the_token(draft: Draft) -> dict[str, Any]:
    post = f"{draft.account}_{draft.number(15)}"
    return {
        "post_id": post,
        "parent_id": post,
        "from": {"id": draft.token, "name": draft.person()[1]},
        "created_time": draft.seconds,
    }
