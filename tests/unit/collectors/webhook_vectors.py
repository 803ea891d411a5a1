"""The published and made-up vectors of signed requests, by provider."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.events.webhook import WebhookRequest

_FILE = Path(__file__).resolve().parents[2] / "data" / "webhook_vectors.json"


def vectors_of(provider: str) -> list[Any]:
    """As parameters of a test, named by their cases."""
    cases = [case for case in json.loads(_FILE.read_text(encoding="utf-8")) if case["provider"] == provider]
    assert cases
    return [pytest.param(case, id=case["case"]) for case in cases]


def request_of(case: dict[str, Any], sender: str) -> WebhookRequest:
    """The delivery of a case, at its own time."""
    headers = {name.lower(): value for name, value in case["headers"].items()}
    body = base64.b64decode(case["body_b64"])
    return WebhookRequest(sender, headers, body, datetime.fromtimestamp(case["now"], UTC))
