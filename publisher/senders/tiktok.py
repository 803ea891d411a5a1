"""TikTok for Developers and for Business, and the Events API's body: all at one door.

A notification's `content` is JSON once more, written into a string.
"""

from decimal import Decimal
from typing import Any

import msgspec

from publisher.senders.draft import Draft, Made, Mixture
from publisher.senders.single import Manner
from publisher.senders.update import Content, Expected

_CLIENT_KEY = "bwo2m45353a6k85"
_PIXEL = "COQDA8RC77U2TMR44LI0"

_POSTS = (
    ("post.publish.failed", "post.publish.failed"),
    ("post.publish.complete", "post.publish.complete"),
    ("post.publish.inbox_delivered", "post.publish.inbox_delivered"),
    ("post.publish.publicly_available", "post.publish.publicly_available"),
    # As TikTok spells it, and as it is counted.
    ("post.publish.no_longer_publicaly_available", "post.publish.no_longer_publicly_available"),
)
_CONVERSIONS = {
    "ViewContent": ("top", "conversion.view_content"),
    "Search": ("top", "conversion.search"),
    "ClickButton": ("top", "conversion.click_button"),
    "AddToCart": ("bottom", "conversion.add_to_cart"),
    "InitiateCheckout": ("bottom", "conversion.initiate_checkout"),
    "CompleteRegistration": ("bottom", "conversion.complete_registration"),
    "SubmitForm": ("bottom", "conversion.submit_form"),
    "Lead": ("bottom", "conversion.lead"),
}


def post(draft: Draft) -> Made:
    """What became of a post that was published through the API."""
    name, event_type = draft.choose(_POSTS)
    content = {"publish_id": f"v_pub_url~v2.{draft.token}", "publish_type": "DIRECT_PUBLISH"}
    if name == "post.publish.failed":
        content["reason"] = "picture_size_check_failed"
    return _notification(draft, name, event_type, content)


def video(draft: Draft) -> Made:
    name = draft.choose(("video.publish.completed", "video.publish.completed", "video.upload.failed"))
    return _notification(draft, name, name, {"share_id": f"video.{draft.token}.VDCxrcMJ"})


def authorization_removed(draft: Draft) -> Made:
    """Nothing in it has an id but the user."""
    name = "authorization.removed"
    return _notification(draft, name, name, {"reason": draft.rng.randrange(6)}, f"act.{draft.token}")


def download_ready(draft: Draft) -> Made:
    """Without a user, and with an id that is a number."""
    name = "portability.download.ready"
    return _notification(draft, name, name, {"request_id": int(draft.token)}, "")


def comment_update(draft: Draft) -> Made:
    """A kind of which no documentation tells."""
    content = {"comment_id": draft.token, "text": draft.text()}
    return _notification(draft, "comment.update", "unknown.comment.update", content)


def visit(draft: Draft) -> Made:
    """A conversion that is no purchase; what it is said to be worth is no revenue."""
    name = draft.choose(tuple(_CONVERSIONS))
    stage, event_type = _CONVERSIONS[name]
    user = draft.hashed()
    event = _event(draft, name, user)
    if stage == "bottom":
        event["properties"] = {"value": float(draft.amount()), "currency": draft.currency()}
    return Made(event, Expected(event_type=event_type, stage=stage, user=user, at_ms=draft.whole_ms))


def purchase(draft: Draft) -> Made:
    """Under its present name and its older one."""
    user, amount, currency = draft.hashed(), draft.amount(), draft.currency()
    properties: dict[str, Any] = {
        "contents": [
            {
                "content_id": draft.number(7),
                "content_type": "product",
                "content_name": draft.product(),
                "quantity": 1,
                "price": float(amount),
            }
        ],
        "order_id": draft.number(5),
        "value": _written(draft, amount),
        "currency": currency,
    }
    name = draft.choose(("Purchase", "Purchase", "CompletePayment"))
    return Made(
        _event(draft, name, user) | {"properties": properties},
        Expected(
            event_type="conversion.purchase",
            stage="bottom",
            user=user,
            amount=amount,
            currency=currency,
            at_ms=draft.whole_ms,
        ),
    )


def own_event(draft: Draft) -> Made:
    """A conversion under a name that an app made up."""
    user = draft.hashed()
    return Made(
        _event(draft, "LevelUp", user),
        Expected(event_type="unknown.levelup", user=user, at_ms=draft.whole_ms),
    )


def _notification(
    draft: Draft, name: str, event_type: str, content: dict[str, Any], user: str | None = None
) -> Made:
    openid = f"act.example{draft.person()[0]}" if user is None else user
    update: dict[str, Any] = {"client_key": _CLIENT_KEY, "event": name, "create_time": draft.seconds}
    if openid:
        update["user_openid"] = openid
    update["content"] = msgspec.json.encode(content).decode()
    return Made(update, Expected(event_type=event_type, user=openid or None, at_ms=draft.whole_ms))


def _event(draft: Draft, name: str, user: str) -> dict[str, Any]:
    return {
        "event": name,
        "event_time": draft.seconds,
        "event_id": f"{draft.token}_{draft.rng.randrange(1000)}",
        "user": {"email": user, "ttclid": "E.C.P.v3fQ2RHacdksKfofPmlyuStIIFJ4", "ip": "203.0.113.7"},
        "page": {"url": "https://shop.example.com/checkout/thanks"},
    }


def _written(draft: Draft, amount: Decimal) -> float | str:
    return float(amount) if draft.chance(0.7) else str(amount)


def _body(content: Content) -> bytes:
    """Notifications as they are; events of the Events API in what says whose they are."""
    if isinstance(content, dict) and "event_time" in content:
        content = {"event_source": "web", "event_source_id": _PIXEL, "data": [content]}
    return msgspec.json.encode(content)


MANNER = Manner(
    name="tiktok",
    kinds=Mixture(
        {post: 30, video: 15, authorization_removed: 3, download_ready: 2, visit: 35, purchase: 15},
        (comment_update, own_event),
    ),
    flavours=("text", "time", "money", "type"),
    body=_body,
)
