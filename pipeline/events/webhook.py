"""What a webhook is: the plug-in type with which a source says how its provider delivers (DESIGN D4).

A provider signs a body and may put many updates into it. A `Webhook` is data and pure functions: `verify` looks at
the signature over the raw bytes, `split` cuts the body into single updates, each written as the JSON that the
source's format `format` decodes. The gateway has one front door for all of them and knows none.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from pipeline.events.reasons import Rejection


class Refusal(StrEnum):
    """Why a delivery is not believed. A closed set: a metric label, and what `sluice webhooks verify` explains."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_MALFORMED = "signature_malformed"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNATURE_STALE = "signature_stale"


class WebhookRequest(msgspec.Struct, frozen=True):
    """One delivery as it came. `sender` is the last part of the path.

    `headers` have lower-case names and values of Latin-1; a header that was given twice is left out, so that a
    signature that comes twice is missing.
    """

    sender: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class BadUpdate(msgspec.Struct, frozen=True):
    """A part of a signed body that is no update: kept as a dead letter with its raw bytes."""

    raw: bytes
    rejection: Rejection


class Webhook(msgspec.Struct, frozen=True):
    """How a provider delivers to `POST /webhooks/<name>`.

    `credentials` is the Struct of settings that `__main__` fills from the environment; the other functions get it as
    their first argument. `knows(credentials, sender)` tells whether a secret is configured for the sender. `verify`
    gives the reason of a refusal, or None for a delivery that is to be believed; it never raises, whatever a sender
    can write. `split` never raises either: what is no update comes out as a `BadUpdate`, in its place.
    """

    name: str
    format: str
    credentials: type[msgspec.Struct]
    knows: Callable[[Any, str], bool]
    verify: Callable[[Any, WebhookRequest], Refusal | None]
    split: Callable[[WebhookRequest], Iterator[msgspec.Raw | BadUpdate]]
    handshake: Callable[[Any, Mapping[str, str]], str | None] | None = None
    """The answer to a `GET` with these query parameters; no `GET` where not given. None when its token is wrong (403),
    empty when the token is right and there is nothing to answer (400). A parameter that is given twice never gets here:
    the door refuses it (403) rather than pick one."""
    answers_empty: bool = False
    """The provider wants a 200 without a body."""
    any_sender: bool = False
    """`POST /webhooks/{sender}` for every sender that it knows, instead of the one path with its own name. Its answers
    are those of the CloudEvents binding: 202, and 429 for too many."""
