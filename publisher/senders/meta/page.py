"""What else happens on a page: leads, mentions, recommendations, and a field that nobody knows."""

from typing import Any

from publisher.senders.draft import Draft, Made
from publisher.senders.meta.feed import change
from publisher.senders.update import Expected


def lead(draft: Draft) -> Made:
    """Meta writes ids as strings, and as numbers beyond 2^53."""
    value: dict[str, Any] = {
        "leadgen_id": int(draft.token) if draft.chance(0.5) else draft.token,
        "page_id": draft.account,
        "form_id": draft.number(16),
        "ad_id": int(draft.number(18)),
        "adgroup_id": int(draft.number(18)),
        "created_time": draft.seconds,
    }
    return Made(change("leadgen", value), Expected(event_type="lead", stage="bottom", at_ms=draft.whole_ms))


def mention(draft: Draft) -> Made:
    user, name = draft.person()
    value: dict[str, Any] = {
        "item": "post",
        "verb": "add",
        "post_id": f"{user}_{draft.token}",
        "from": {"id": user, "name": name},
        "message": draft.text(),
        "created_time": draft.seconds,
    }
    return Made(
        change("mention", value), Expected(event_type="page.mention", user=user, at_ms=draft.whole_ms)
    )


def rating(draft: Draft) -> Made:
    user, name = draft.person()
    value = {
        "item": "rating",
        "verb": "add",
        "open_graph_story_id": draft.token,
        "reviewer_id": user,
        "reviewer_name": name,
        "recommendation_type": draft.choose(("POSITIVE", "NEGATIVE")),
        "review_text": draft.text(),
        "created_time": draft.seconds,
    }
    return Made(change("ratings", value), Expected(event_type="page.rating", user=user, at_ms=draft.whole_ms))


def live_video(draft: Draft) -> Made:
    """A field of which no documentation tells."""
    value = {"id": draft.token, "status": "live", "created_time": draft.seconds}
    return Made(
        change("live_videos", value), Expected(event_type="unknown.live_videos", at_ms=draft.whole_ms)
    )
