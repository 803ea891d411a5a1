"""Ids for events whose sender gives them none of their own."""

from hashlib import sha256

_DIGITS = 40


def stable_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, however often and whenever they are sent; another for any others.

    `prefix` tells people what it is, such as `meta-feed`, and is at most 80 characters long. Each part is hashed with
    its length, so that ("a", "bc") and ("ab", "c") differ.
    """
    digest = sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%b" % (len(content), content))
    return f"{prefix}-{digest.hexdigest()[:_DIGITS]}"
