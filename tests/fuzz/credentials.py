"""Credentials that any registered webhook understands, made up from what its Struct asks for."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from pipeline.chassis.settings import load_settings
from pipeline.errors import ConfigurationError
from pipeline.events.webhook import Webhook

_VECTORS = Path(__file__).parents[1] / "data" / "webhook_vectors.json"


@cache
def vectors() -> list[dict[str, Any]]:
    """The published signed requests, each with the secret that signed it."""
    return json.loads(_VECTORS.read_text(encoding="utf-8"))


@cache
def credentials_of(webhook: Webhook) -> msgspec.Struct:
    """Every text and every list of texts is set, as the environment would set it; figures keep their defaults.

    A list takes the secrets of all vectors, so that some deliveries are signed rightly; where its Struct wants it so,
    each with the sender's name before it. A single text is the key that one of the vectors names.
    """
    secrets = list(dict.fromkeys(case["secret"] for case in vectors()))
    keys = [case["app_key"] for case in vectors() if "app_key" in case]
    candidates = [",".join(secrets), ",".join(f"{webhook.name}:{secret}" for secret in secrets)]
    chosen: dict[str, str] = {}
    for field in msgspec.structs.fields(webhook.credentials):
        for candidate in candidates if field.type is not str else keys:
            try:
                load_settings(webhook.credentials, chosen | {field.name.upper(): candidate})
            except ConfigurationError:
                continue
            chosen[field.name.upper()] = candidate
            break
    return load_settings(webhook.credentials, chosen)
