"""Instagram's comments, mentions and stories: they have ids, and no time but that of sending."""

from collectors.facebook.webhook.update import Facts, Update
from pipeline.events.values import at, digest, identifier, text


def instagram_comment(update: Update) -> Facts:
    """Under a post or a live video. An edit keeps the id and changes the text."""
    value = update.value
    comment_id = identifier(at(value, "id")) or identifier(at(value, "comment_id"))
    parts = (comment_id, text(at(value, "text")))
    return Facts(parts if comment_id else None, None, identifier(at(value, "from", "id")))


def instagram_mention(update: Update) -> Facts:
    """A caption or a comment names the account; who wrote it must be fetched."""
    ids = identifier(at(update.value, "media_id")), identifier(at(update.value, "comment_id"))
    return Facts(ids if any(ids) else None)


def story_insights(update: Update) -> Facts:
    """Figures of a story that has ended: the same story with other figures is another event."""
    media_id = identifier(at(update.value, "media_id"))
    return Facts((media_id, digest(update.value)) if media_id else None)
