"""The headers of a delivery, as its provider's code gets them."""

from collections import Counter
from collections.abc import Sequence

RawHeaders = Sequence[tuple[bytes, bytes]]
"""Lower-case names and values, in the order in which they came."""


def headers_given_once(raw: RawHeaders) -> dict[str, str]:
    """By name. A header that came twice is left out: which of the two was meant is nobody's guess.

    A signature that comes twice is therefore missing, and the delivery refused.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
    if len(headers) < len(raw):
        for name, times in Counter(name for name, _ in raw).items():
            if times > 1:
                del headers[name.decode("latin-1")]
    return headers


def is_compressed(raw: RawHeaders) -> bool:
    """Whether the body comes in anything but itself."""
    return any(
        name == b"content-encoding" and value.strip().lower() not in (b"", b"identity") for name, value in raw
    )
