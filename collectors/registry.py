"""All sources, one line each. The gateway, the collectors and the reporter's filters start from here."""

from collections.abc import Mapping

from collectors.custom import SOURCE as CUSTOM
from collectors.facebook import SOURCE as FACEBOOK
from collectors.social import SOURCE as SOCIAL
from collectors.tiktok import SOURCE as TIKTOK
from pipeline.events.source import Source

SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        FACEBOOK,
        TIKTOK,
        CUSTOM,
        SOCIAL,
    )
}
