"""What no row knows is kept as it is, and so is what tells no more than that there is something."""

from datetime import datetime

from collectors.facebook.webhook.update import Facts, Update
from pipeline.events.reasons import Rejected
from pipeline.events.values import at, moment


def unknown(update: Update) -> Facts:
    """Its time is looked for under the names that Meta uses elsewhere; an id in it may be of anything."""
    return Facts(time=_likely_time(update))


def changed_field(update: Update) -> Facts:
    """One of a user's or a page's fields has changed; what it is now must be fetched."""
    return Facts(user=update.entry.id if update.object == "user" else "")


def _likely_time(update: Update) -> datetime | None:
    for name in ("created_time", "timestamp", "event_time"):
        try:
            found = moment(at(update.value, name), f"{update.path}.{name}")
        except Rejected:
            continue  # who knows what the field means here
        if found is not None:
            return found
    return None
