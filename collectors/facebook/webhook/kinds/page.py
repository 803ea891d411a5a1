"""What else happens on a page: leads, mentions, ratings."""

from datetime import datetime

from collectors.facebook.webhook.kinds.feed import author
from collectors.facebook.webhook.update import Facts, Update
from pipeline.events.values import at, identifier, moment


def lead(update: Update) -> Facts:
    """Somebody filled in a form of an ad. Who it is must be fetched; `adgroup_id` is an ad, no campaign."""
    lead_id = identifier(at(update.value, "leadgen_id"))
    return Facts((lead_id,) if lead_id else None, _created(update))


def mention(update: Update) -> Facts:
    """A post or a comment somewhere names the page."""
    value = update.value
    target = identifier(at(value, "post_id")), identifier(at(value, "comment_id"))
    parts = (update.item, *target, update.verb, identifier(at(value, "created_time")))
    return Facts(parts if any(target) else None, _created(update), author(update))


def rating(update: Update) -> Facts:
    """A recommendation, or what is said about one. It may be rewritten under the same ids, so its content tells it."""
    reviewer = identifier(at(update.value, "reviewer_id")) or identifier(at(update.value, "reviewer", "id"))
    return Facts(None, _created(update), reviewer or author(update))


def _created(update: Update) -> datetime | None:
    return moment(at(update.value, "created_time"), f"{update.path}.created_time")
