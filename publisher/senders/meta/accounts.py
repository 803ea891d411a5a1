"""Notices of ad accounts and of users: thin ones, without an id or a time of their own.

So what Meta sends again at another time is another event: see `Expected.is_new_each_time`.
"""

from typing import Any

from publisher.senders.draft import Draft, Made
from publisher.senders.meta.feed import change
from publisher.senders.update import Expected


def with_issues(draft: Draft) -> Made:
    level = draft.choose(("AD", "AD_SET", "CAMPAIGN"))
    value = {
        "id": int(draft.token),
        "level": level,
        "error_code": 1_815_869,
        "error_summary": "Ad rejected",
        "error_message": "Your ad was rejected because it does not follow our policies.",
    }
    return _notice("with_issues_ad_objects", value, "ads.with_issues", draft, level)


def in_process(draft: Draft) -> Made:
    level = draft.choose(("AD", "AD_SET", "CAMPAIGN"))
    value = {"id": draft.token, "level": level, "status_name": "ACTIVE"}
    return _notice("in_process_ad_objects", value, "ads.in_process", draft, level)


def creative_fatigue(draft: Draft) -> Made:
    value = {"ad_id": int(draft.token), "level": "HIGH"}
    return _notice("creative_fatigue", value, "ads.creative_fatigue", draft)


def field_changed(draft: Draft) -> Made:
    kind = draft.choose(("ad", "campaign"))
    value = {"object_id": int(draft.token), "object_type": kind, "changed_fields": ["daily_budget"]}
    return _notice("field_changed", value, "ads.field_changed", draft, kind)


def spend(draft: Draft) -> Made:
    """Money that the account spends: no revenue."""
    value = {
        "subscription_id": int(draft.number(10)),
        "account_id": int(draft.account),
        "object_id": int(draft.token),
        "object_type": "ad",
        "field": "spent",
        "current_value": str(draft.rng.randrange(1, 1_000_000)),
    }
    return _notice("subscriptions", value, "ads.subscription", draft)


def recommendation(draft: Draft) -> Made:
    """A field of which no documentation tells."""
    value = {"recommendation_id": draft.token, "lift": 1.5}
    return _notice("ad_recommendations", value, "unknown.ad_recommendations", draft)


def changed_field(draft: Draft) -> Made:
    """A user's: the entry is the user, and says which field and nothing more."""
    field = draft.choose(("photos", "email", "location", "friends"))
    expected = Expected(event_type="field.changed", user=draft.token, is_new_each_time=True)
    return Made({"changed_fields": [field]}, expected)


def _notice(field: str, value: dict[str, Any], event_type: str, draft: Draft, level: str = "") -> Made:
    campaign = draft.token if level.lower() == "campaign" else None
    return Made(
        change(field, value), Expected(event_type=event_type, campaign=campaign, is_new_each_time=True)
    )
