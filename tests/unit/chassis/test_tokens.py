"""Tokens: what is accepted, and the table of what is not."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from pipeline.chassis.tokens import TokenProblem, TokenRefused, TokenSettings, TokenVerifier, mint
from pipeline.errors import ConfigurationError

SECRET = "a-secret-of-at-least-thirty-two-bytes"
OTHER = "another-secret-of-thirty-two-bytes-or-more"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
SETTINGS = TokenSettings(jwt_secret=(SECRET,))


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    all_of_them = {"sub": "u-17", "aud": "sluice", "iss": "sluice", "exp": now + 86_400, **changes}
    return {name: value for name, value in all_of_them.items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", headers: Any = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def pem_of(key: Any) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def by_hand(header: dict[str, Any], payload: dict[str, Any], key: bytes) -> str:
    """HS256 with any header and key: a library refuses to confuse keys."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    text = b".".join(parts)
    signature = base64.urlsafe_b64encode(hmac.digest(key, text, hashlib.sha256)).rstrip(b"=")
    return (text + b"." + signature).decode()


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    entries = [
        json.loads(RSAAlgorithm.to_jwk(RSA.public_key())) | {"kid": "r1", "use": "sig"},
        json.loads(ECAlgorithm.to_jwk(EC.public_key())) | {"kid": "e1"},
        {"kty": "oct", "k": base64.urlsafe_b64encode(OTHER.encode()).decode(), "kid": "symmetric"},
    ]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": entries}))
    return file


def problem_of(token: str, settings: TokenSettings = SETTINGS) -> TokenProblem:
    with pytest.raises(TokenRefused) as refused:
        TokenVerifier(settings).verify(token)
    return refused.value.problem


def test_a_token_of_ours_tells_who_it_is_and_what_is_allowed() -> None:
    token = mint(SETTINGS, "u-17", ["events:write:any", "other"], ttl_seconds=60)

    bearer = TokenVerifier(SETTINGS).verify(token)

    assert bearer.user_id == "u-17"
    assert bearer.scopes == {"events:write:any", "other"}
    assert bearer.expires_at == pytest.approx(time.time() + 60, abs=5)


def test_two_secrets_at_once_are_a_rotation() -> None:
    verifier = TokenVerifier(TokenSettings(jwt_secret=(OTHER, SECRET)))
    assert verifier.verify(signed(SECRET)).user_id == verifier.verify(signed(OTHER)).user_id == "u-17"


def test_public_keys_verify_what_their_private_halves_signed(keys_file: Path) -> None:
    verifier = TokenVerifier(TokenSettings(jwt_public_keys_file=str(keys_file)))
    assert verifier.verify(signed(RSA, "RS256", {"kid": "r1"})).user_id == "u-17"
    assert verifier.verify(signed(RSA, "RS256")).user_id == "u-17"
    assert verifier.verify(signed(EC, "ES256", {"kid": "e1"})).user_id == "u-17"


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
def test_a_pem_file_does_as_well(tmp_path: Path, key: Any, algorithm: str) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(pem_of(key))
    assert TokenVerifier(TokenSettings(jwt_public_keys_file=str(file))).verify(signed(key, algorithm))


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        (signed(exp=int(time.time()) - 31), TokenProblem.EXPIRED),
        (signed(nbf=int(time.time()) + 86_400), TokenProblem.NOT_YET_VALID),
        (signed(aud="others"), TokenProblem.WRONG_AUDIENCE),
        (signed(iss="others"), TokenProblem.WRONG_ISSUER),
        (signed(aud=None), TokenProblem.CLAIM_MISSING),
        (signed(iss=None), TokenProblem.CLAIM_MISSING),
        (signed(exp=None), TokenProblem.CLAIM_MISSING),
        (signed(sub=None), TokenProblem.CLAIM_MISSING),
        (signed(OTHER), TokenProblem.NOT_OURS),
        (jwt.encode(claims(), "", algorithm="none"), TokenProblem.NOT_OURS),
        (by_hand({"alg": "None"}, claims(), SECRET.encode()), TokenProblem.NOT_OURS),
        (signed(SECRET * 2, "HS512"), TokenProblem.NOT_OURS),
        (signed(RSA, "RS256"), TokenProblem.NOT_OURS),
        (by_hand({"alg": "HS256"}, claims(sub=17), SECRET.encode()), TokenProblem.MALFORMED),
        (by_hand({"alg": "HS256"}, claims(exp=1e400), SECRET.encode()), TokenProblem.MALFORMED),
        (by_hand({"alg": "HS256", "crit": ["x"]}, claims(), SECRET.encode()), TokenProblem.MALFORMED),
        (signed(sub="x" * 10_000), TokenProblem.TOO_LONG),
        ("x" * 100_000, TokenProblem.TOO_LONG),
        ("", TokenProblem.MISSING),
        ("a.b.c", TokenProblem.MALFORMED),
        ("\ud800.\xff.\0", TokenProblem.MALFORMED),
    ],
)
def test_what_is_refused(token: str, problem: TokenProblem) -> None:
    assert problem_of(token) is problem


def test_a_public_key_is_no_secret(keys_file: Path, tmp_path: Path) -> None:
    """The classic confusion: signed with HS256, the public key as the secret."""
    file = tmp_path / "key.pem"
    file.write_bytes(pem_of(RSA))
    for settings in (
        TokenSettings(jwt_public_keys_file=str(file)),
        TokenSettings(jwt_public_keys_file=str(keys_file)),
    ):
        for key in (pem_of(RSA), OTHER.encode()):
            for kid in ("r1", "symmetric", "../../etc/passwd"):
                token = by_hand({"alg": "HS256", "kid": kid}, claims(), key)
                assert problem_of(token, settings) is TokenProblem.NOT_OURS


def test_a_key_that_the_token_brings_along_is_not_used(keys_file: Path) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    own = json.loads(RSAAlgorithm.to_jwk(stranger.public_key()))
    headers = {"jwk": own, "jku": "http://127.0.0.1/keys", "kid": "r1"}
    token = signed(stranger, "RS256", headers)
    assert problem_of(token, TokenSettings(jwt_public_keys_file=str(keys_file))) is TokenProblem.NOT_OURS


def test_a_remembered_token_still_expires() -> None:
    verifier = TokenVerifier(SETTINGS)
    token = signed()
    assert verifier.verify(token).user_id == "u-17"

    with time_machine.travel(time.time() + 90_000), pytest.raises(TokenRefused):
        verifier.verify(token)


@given(st.text(max_size=200))
def test_nothing_that_a_client_can_send_raises_anything_else(text: str) -> None:
    with pytest.raises(TokenRefused):
        TokenVerifier(SETTINGS).verify(text)


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        (TokenSettings(jwt_secret=("short",)), "JWT_SECRET"),
        (TokenSettings(jwt_public_keys_file="/nowhere"), "JWT_PUBLIC_KEYS_FILE"),
    ],
)
def test_wrong_settings_stop_the_start_with_the_name_of_the_variable(
    settings: TokenSettings, variable: str
) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        TokenVerifier(settings)


def test_without_a_key_everything_is_refused() -> None:
    verifier = TokenVerifier(TokenSettings())
    assert not verifier.is_configured
    with pytest.raises(TokenRefused):
        verifier.verify(signed())
