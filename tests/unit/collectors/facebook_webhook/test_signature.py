"""A delivery is believed for its signature over the raw bytes, and for nothing else."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.facebook.webhook import WEBHOOK, FacebookCredentials
from pipeline.events.webhook import Refusal
from tests.unit.collectors.facebook_webhook.deliveries import delivery

SECRET = "0123456789abcdef0123456789abcdef"
BODY = b'{"object":"page","entry":[]}'
CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "data" / "webhook_vectors.json").read_text(encoding="utf-8")
)


def signature(body: bytes = BODY, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return f"{algorithm}=" + hmac.new(secret.encode(), body, algorithm).hexdigest()


def verdict(*secrets: str, body: bytes = BODY, **headers: str) -> Refusal | None:
    return WEBHOOK.verify(FacebookCredentials(secrets or (SECRET,)), delivery(body, **headers))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["provider"] == "meta"], ids=lambda case: case["case"]
)
def test_a_published_vector_gets_its_verdict(case: dict[str, Any]) -> None:
    headers = {name.lower().replace("-", "_"): text for name, text in case["headers"].items()}
    secrets = case.get("secrets") or [case["secret"]]
    refusal = verdict(*secrets, body=base64.b64decode(case["body_b64"]), **headers)
    assert (refusal is None) == case["valid"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["provider"] == "meta_handshake"], ids=lambda case: case["case"]
)
def test_a_published_handshake_is_answered_unless_the_door_refuses_it(case: dict[str, Any]) -> None:
    pairs = parse_qsl(case["query"])
    if len(dict(pairs)) < len(pairs):
        return  # a parameter that comes twice never gets this far
    assert WEBHOOK.handshake is not None
    answer = WEBHOOK.handshake(FacebookCredentials((), case["secret"]), dict(pairs))
    assert answer == {200: case.get("expect_body"), 403: None, 400: ""}[case["expect_status"]]


def test_with_two_secrets_either_signs() -> None:
    for secret in ("old", "new"):
        assert verdict("new", "old", x_hub_signature_256=signature(secret=secret)) is None
    assert verdict("new", x_hub_signature_256=signature(secret="old")) is Refusal.SIGNATURE_INVALID


def test_the_older_signature_counts_for_nothing() -> None:
    older = signature(algorithm="sha1")
    assert verdict(x_hub_signature=older) is Refusal.SIGNATURE_MISSING
    assert verdict(x_hub_signature_256=older) is Refusal.SIGNATURE_MALFORMED
    wrong = signature(secret="other")
    assert verdict(x_hub_signature_256=wrong, x_hub_signature=older) is Refusal.SIGNATURE_INVALID


@pytest.mark.parametrize("secrets", [(), ("",), ("", "")])
def test_an_empty_secret_signs_nothing(secrets: tuple[str, ...]) -> None:
    credentials = FacebookCredentials(secrets)
    request = delivery(BODY, x_hub_signature_256=signature(secret=""))
    assert WEBHOOK.verify(credentials, request) is Refusal.SIGNATURE_INVALID
    assert not WEBHOOK.knows(credentials, "facebook")


@pytest.mark.parametrize(
    "written",
    [
        signature().upper(),
        "sha256=" + signature().removeprefix("sha256=").upper(),
        "SHA256=" + signature().removeprefix("sha256="),
        signature().removeprefix("sha256="),
        "sha512=" + signature().removeprefix("sha256="),
        f"{signature()}, {signature()}",
        f"{signature()},",
        f" {signature()}",
        f"{signature()}\n",
        signature() + "0",
        signature()[:-1],
        "sha256=",
        "sha256=" + "é" * 64,
        "sha256=" + "\ud800" * 64,
        "sha256=" + "\uff10" * 64,
        "x" * 100_000,
        "sha256=" + base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
    ],
    ids=lambda written: ascii(written[:24]),
)
def test_a_signature_that_is_written_otherwise_is_malformed(written: str) -> None:
    assert verdict(x_hub_signature_256=written) is Refusal.SIGNATURE_MALFORMED


@given(st.binary(max_size=200), st.text(min_size=1, max_size=40), st.integers(0, 63))
def test_only_the_very_bytes_with_the_very_digest_are_believed(body: bytes, secret: str, place: int) -> None:
    key = secret.encode("utf-8", "surrogatepass")
    digest = hmac.new(key, body, "sha256").hexdigest()
    assert verdict(secret, body=body, x_hub_signature_256=f"sha256={digest}") is None
    other = "0" if digest[place] != "0" else "1"
    forged = f"sha256={digest[:place]}{other}{digest[place + 1 :]}"
    assert verdict(secret, body=body, x_hub_signature_256=forged) is Refusal.SIGNATURE_INVALID
    changed = verdict(secret, body=body + b" ", x_hub_signature_256=f"sha256={digest}")
    assert changed is Refusal.SIGNATURE_INVALID


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"hub.mode": "subscribe", "hub.verify_token": "tökén", "hub.challenge": "1158201444"}, "1158201444"),
        ({"hub.mode": "subscribe", "hub.verify_token": "tökén", "hub.challenge": "<b>&"}, "<b>&"),
        ({"hub.mode": "subscribe", "hub.verify_token": "tökén"}, ""),
        ({"hub.mode": "subscribe", "hub.verify_token": "token", "hub.challenge": "1"}, None),
        ({"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}, None),
        ({"hub.mode": "subscribe", "hub.challenge": "1"}, None),
        ({"hub.mode": "unsubscribe", "hub.verify_token": "tökén", "hub.challenge": "1"}, None),
        ({"hub.verify_token": "tökén", "hub.challenge": "1"}, None),
        ({"hub.mode": "subscribe", "hub.verify_token": "\ud800", "hub.challenge": "1"}, None),
        ({}, None),
    ],
)
def test_a_handshake_needs_the_token_and_the_mode(query: dict[str, str], answer: str | None) -> None:
    assert WEBHOOK.handshake is not None
    assert WEBHOOK.handshake(FacebookCredentials((), "tökén"), query) == answer


@pytest.mark.parametrize("token", ["", "x"])
def test_without_a_configured_token_no_handshake_succeeds(token: str) -> None:
    assert WEBHOOK.handshake is not None
    query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1"}
    assert WEBHOOK.handshake(FacebookCredentials((SECRET,)), query) is None
