"""The shape of every event: one template per (source, funnel stage), and the types that fit into each.

The order of the placeholders is the order of the columns in `publisher/columns.py`. EVENTS §1 is the
source.
"""

from typing import NamedTuple


class EventType(NamedTuple):
    """One of the fourteen kinds of event; `code` is its index in `TYPES`, `shape` the index of its
    template.

    An event draws a `measure` uniformly from `floor` to `floor + width - 1`: the amount in cents where the
    type is a transaction, the index of a watching (`publisher/columns.py`) for a TikTok view, and 0 where
    there is neither.
    """

    code: int
    shape: int
    source: str
    funnel_stage: str
    event_type: str
    floor: int = 0
    width: int = 1

    @property
    def is_transaction(self) -> bool:
        return self.floor > 0


WATCHINGS = 4_096  # combinations of watch time and percentage watched

FACEBOOK_TOP, FACEBOOK_BOTTOM, TIKTOK_TOP, TIKTOK_BOTTOM = range(4)
SHAPES = (FACEBOOK_TOP, FACEBOOK_BOTTOM, TIKTOK_TOP, TIKTOK_BOTTOM)
SOURCES = ("facebook", "tiktok")
ID_PREFIX = {"facebook": "fb-", "tiktok": "ttk-"}

TYPES = (
    EventType(0, FACEBOOK_TOP, "facebook", "top", "ad.view"),
    EventType(1, FACEBOOK_TOP, "facebook", "top", "page.like"),
    EventType(2, FACEBOOK_TOP, "facebook", "top", "comment"),
    EventType(3, FACEBOOK_TOP, "facebook", "top", "video.view"),
    EventType(4, FACEBOOK_BOTTOM, "facebook", "bottom", "ad.click"),
    EventType(5, FACEBOOK_BOTTOM, "facebook", "bottom", "form.submission"),
    EventType(6, FACEBOOK_BOTTOM, "facebook", "bottom", "checkout.complete", 10_00, 990_01),
    EventType(7, TIKTOK_TOP, "tiktok", "top", "video.view", 0, WATCHINGS),
    EventType(8, TIKTOK_TOP, "tiktok", "top", "like", 0, WATCHINGS),
    EventType(9, TIKTOK_TOP, "tiktok", "top", "share", 0, WATCHINGS),
    EventType(10, TIKTOK_TOP, "tiktok", "top", "comment", 0, WATCHINGS),
    EventType(11, TIKTOK_BOTTOM, "tiktok", "bottom", "profile.visit"),
    EventType(12, TIKTOK_BOTTOM, "tiktok", "bottom", "purchase", 5_00, 495_01),
    EventType(13, TIKTOK_BOTTOM, "tiktok", "bottom", "follow"),
)

# From type codes to what they imply, for `bytes.translate`.
SHAPE_OF_CODE = bytes(kind.shape for kind in TYPES).ljust(256, b"\0")
IS_SHAPE = tuple(bytes(shape == SHAPE_OF_CODE[code] for code in range(256)) for shape in SHAPES)


def _type_of_draw() -> bytes:
    """65,536 type codes: source and stage exactly 50/50, the type uniform in its stage (to 1 in 16,384)."""
    codes = bytearray()
    for shape in SHAPES:
        of_shape = [kind.code for kind in TYPES if kind.shape == shape]
        codes += bytes(of_shape[draw % len(of_shape)] for draw in range(65_536 // len(SHAPES)))
    return bytes(codes)


TYPE_OF_DRAW = _type_of_draw()

_HEAD = b'{"eventId":"%s%%b","timestamp":"%%b","source":"%s","funnelStage":"%s","eventType":"%%b","data":'
_USER = b'{"user":{"userId":"%b",%b},"engagement":'

TEMPLATES = (
    _HEAD % (b"fb-", b"facebook", b"top") + _USER + b'{"actionTime":"%b","referrer":"%b","videoId":%b}}}',
    _HEAD % (b"fb-", b"facebook", b"bottom")
    + _USER
    + b'{"adId":"ad-%b","campaignId":"camp-%b",%b,"purchaseAmount":%b}}}',
    _HEAD % (b"ttk-", b"tiktok", b"top") + _USER + b'{%b,%b,"videoId":"vid-%b"}}}',
    _HEAD % (b"ttk-", b"tiktok", b"bottom")
    + _USER
    + b'{"actionTime":"%b","profileId":%b,"purchasedItem":%b,"purchaseAmount":%b}}}',
)
