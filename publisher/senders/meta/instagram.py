"""Instagram's comments, mentions and stories: they have ids, and no time but that of sending."""

from publisher.senders.draft import Draft, Made
from publisher.senders.meta.feed import change
from publisher.senders.update import Expected


def comment(draft: Draft) -> Made:
    return _comment(draft, "comments", "instagram.comment")


def live_comment(draft: Draft) -> Made:
    return _comment(draft, "live_comments", "instagram.live_comment")


def mention(draft: Draft) -> Made:
    value = {"media_id": draft.number(17), "comment_id": draft.token}
    return Made(change("mentions", value), Expected(event_type="instagram.mention"))


def story_insights(draft: Draft) -> Made:
    value = {
        "media_id": draft.token,
        "impressions": draft.rng.randrange(10_000),
        "reach": draft.rng.randrange(8_000),
        "taps_forward": draft.rng.randrange(500),
        "taps_back": draft.rng.randrange(100),
        "exits": draft.rng.randrange(200),
        "replies": draft.rng.randrange(20),
    }
    return Made(change("story_insights", value), Expected(event_type="instagram.story_insights"))


def _comment(draft: Draft, field: str, event_type: str) -> Made:
    user, name = draft.person()
    value = {
        "from": {"id": user, "username": name.lower().replace(" ", ".")},
        "media": {"id": draft.number(17), "media_product_type": draft.choose(("FEED", "REELS", "AD"))},
        "id": draft.token,
        "text": draft.text(),
    }
    return Made(change(field, value), Expected(event_type=event_type, user=user))
