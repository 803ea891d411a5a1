"""Credentials that any registered webhook understands, made up from what its Struct asks for."""

from functools import cache

import msgspec

from pipeline.chassis.settings import load_settings
from pipeline.errors import ConfigurationError
from pipeline.events.webhook import Webhook

SECRET = "0123456789abcdef0123456789abcdef"
"""The secret of most published test vectors."""


@cache
def credentials_of(webhook: Webhook) -> msgspec.Struct:
    """Every text and every list of texts is set, as the environment would set it; figures keep their defaults.

    A list takes a bare secret, or, where its Struct wants it so, the sender's name with a secret of Standard Webhooks.
    """
    chosen: dict[str, str] = {}
    for field in msgspec.structs.fields(webhook.credentials):
        for candidate in (SECRET, f"{webhook.name}:whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="):
            try:
                load_settings(webhook.credentials, chosen | {field.name.upper(): candidate})
            except ConfigurationError:
                continue
            chosen[field.name.upper()] = candidate
            break
    return load_settings(webhook.credentials, chosen)
