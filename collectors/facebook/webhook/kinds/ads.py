"""Notices of an ad account: thin, without an id or a time of their own. Money in them (`spent`) is no revenue."""

from collectors.facebook.webhook.update import Facts, Update
from pipeline.events.values import at, identifier, text


def ads_object(update: Update) -> Facts:
    """About a campaign, an ad set or an ad; only a campaign is the event's campaign."""
    value = update.value
    level = text(at(value, "level")) or text(at(value, "object_type"))
    campaign = identifier(at(value, "campaign_id"))
    if level.lower() == "campaign":
        campaign = campaign or identifier(at(value, "object_id")) or identifier(at(value, "id"))
    return Facts(campaign=campaign)
