"""Whom we know, and by which secrets: `WEBHOOK_SECRETS=name:secret,name:another,…`."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_SIGNING_PREFIX = "whsec_"
_MIN_KEY_BYTES = 24
"""What Standard Webhooks asks for at least."""


class CustomCredentials(msgspec.Struct, frozen=True):
    """The secrets of all senders. An entry that is wrong stops the start, with its place and never with its secret."""

    webhook_secrets: tuple[str, ...] = ()
    """Senders and their secrets, as name:secret; two entries of one name are how a secret is rotated. A secret
    that begins with whsec_ signs Standard Webhooks, any other is a bearer token."""
    webhook_tolerance_seconds: Annotated[int, Meta(ge=0)] = 300
    """How far the time of a Standard Webhooks signature may lie from ours, in both directions."""

    def __post_init__(self) -> None:
        secrets_by_sender(self.webhook_secrets)


class SenderSecrets(NamedTuple):
    """What one sender may show: a signature with one of the keys, or one of the tokens."""

    keys: tuple[bytes, ...] = ()
    tokens: tuple[bytes, ...] = ()


@lru_cache(maxsize=16)
def secrets_by_sender(entries: tuple[str, ...]) -> Mapping[str, SenderSecrets]:
    """The entries, understood. Raises ValueError with the name of the variable and the place of the entry."""
    found: dict[str, SenderSecrets] = {}
    for place, entry in enumerate(entries, start=1):
        name, colon, secret = (part.strip() for part in entry.partition(":"))
        try:
            if not colon or not secret:
                raise ValueError("expected name:secret")
            if not _NAME.fullmatch(name):
                raise ValueError(
                    "a name is 1 to 64 letters, digits, _, . and -, and begins with a letter or digit"
                )
            known = found.get(name, SenderSecrets())
            if secret.startswith(_SIGNING_PREFIX):
                known = known._replace(keys=(*known.keys, _key(secret)))
            else:
                known = known._replace(tokens=(*known.tokens, _token(secret)))
        except ValueError as error:
            raise ValueError(f"WEBHOOK_SECRETS: entry {place}: {error}") from None
        found[name] = known
    return found


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_SIGNING_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("what follows whsec_ is no base64") from None
    if len(key) < _MIN_KEY_BYTES:
        raise ValueError(f"what follows whsec_ has fewer than {_MIN_KEY_BYTES} bytes")
    return key


def _token(secret: str) -> bytes:
    if not _TOKEN.fullmatch(secret):
        raise ValueError("a token has visible ASCII characters only, or no header can carry it")
    return secret.encode()
