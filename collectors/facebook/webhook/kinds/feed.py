"""A page's feed: comments, reactions, likes and posts."""

from collectors.facebook.webhook.update import Facts, Update
from pipeline.events.values import at, identifier, moment


def comment(update: Update) -> Facts:
    """A comment has an id; each of its edits has a time."""
    value = update.value
    comment_id = identifier(at(value, "comment_id"))
    changed = "edited_time" if at(value, "edited_time") is not None else "created_time"
    parts = (update.item, comment_id, update.verb, identifier(at(value, changed)))
    return Facts(
        parts if comment_id else None, moment(at(value, changed), f"{update.path}.{changed}"), author(update)
    )


def reaction(update: Update) -> Facts:
    """A reaction has no id: it is who did it to what, how and when."""
    value = update.value
    target = identifier(at(value, "post_id")), identifier(at(value, "comment_id"))
    user, created = author(update), identifier(at(value, "created_time"))
    parts = (update.item, *target, user, identifier(at(value, "reaction_type")), update.verb, created)
    time = moment(at(value, "created_time"), f"{update.path}.created_time")
    return Facts(parts if any(target) and user and created else None, time, user)


def like(update: Update) -> Facts:
    """A like is a reaction that does not say which; Meta may send it beside the reaction."""
    return reaction(update)


def post(update: Update) -> Facts:
    """A post has an id; of an album, each photo comes by itself under the id of the one post."""
    value = update.value
    names = ("post_id", "photo_id", "video_id", "share_id")
    ids = tuple(identifier(at(value, name)) for name in names)
    changed = "edited_time" if at(value, "edited_time") is not None else "created_time"
    parts = (update.item, *ids, update.verb, identifier(at(value, changed)))
    return Facts(
        parts if any(ids) else None, moment(at(value, changed), f"{update.path}.{changed}"), author(update)
    )


def author(update: Update) -> str:
    """`from.id`, or `sender_id` as older versions wrote it."""
    value = update.value
    return identifier(at(value, "from", "id")) or identifier(at(value, "sender_id"))
