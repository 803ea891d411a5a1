"""Who sends this? JSON Web Tokens (RFC 7519), verified against keys that only we choose.

A token says itself how it is signed, and that is where verifiers go wrong. Here each key belongs to one family of
algorithms: a secret to HS256, a public key to RS256 or ES256. What a token's header claims only selects among the
keys that there are; it never brings one along (`jwk`, `jku`, `x5u` are ignored), and `none` selects nothing.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pipeline.chassis.settings import ByteSize
from pipeline.errors import ConfigurationError

MIN_SECRET_BYTES = 32
"""RFC 7518 §3.2: a key of HS256 is at least as long as its hash."""

_REQUIRED = ["exp", "sub", "aud", "iss"]
_REMEMBERED = 10_000


class TokenSettings(msgspec.Struct, frozen=True):
    jwt_secret: tuple[str, ...] = ()
    """Secrets of tokens signed with HS256. All of them are accepted, the first signs: two at once are a rotation."""
    jwt_public_keys_file: str = ""
    """A JWKS document or a PEM file with the public keys of tokens signed with RS256 or ES256."""
    jwt_audience: str = "sluice"
    """A token's `aud` must hold it."""
    jwt_issuer: str = "sluice"
    """A token's `iss` must be it."""
    jwt_leeway_seconds: int = 30
    """By how much the clocks of the issuer and ours may differ."""
    jwt_size_limit: ByteSize = ByteSize(8 * 1024)
    """The longest token that is looked at."""


class TokenProblem(StrEnum):
    """Why a token is refused: a closed set, told to its bearer."""

    MISSING = "missing"
    TOO_LONG = "too long"
    MALFORMED = "malformed"
    NOT_OURS = "signed by none of the keys that are trusted here"
    EXPIRED = "expired"
    NOT_YET_VALID = "not valid yet"
    WRONG_AUDIENCE = "meant for another audience"
    WRONG_ISSUER = "issued by somebody else"
    CLAIM_MISSING = "lacks one of exp, sub, aud, iss"


class TokenRefused(Exception):
    """The bearer is nobody that is known here."""

    def __init__(self, problem: TokenProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class Bearer(msgspec.Struct, frozen=True):
    """Who a token speaks for: `user_id` is its `sub`, `scopes` the words of its `scope`. `expires_at` is in
    seconds since 1970."""

    user_id: str
    scopes: frozenset[str]
    expires_at: float


class _Key(msgspec.Struct, frozen=True):
    algorithm: str
    key: Any
    kid: str | None = None


class TokenVerifier:
    """Verifies tokens. One that was verified is remembered until it expires: a user sends it with every request."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self._keys = [*_secrets(settings.jwt_secret), *_public_keys(settings.jwt_public_keys_file)]
        self._remembered: OrderedDict[str, Bearer] = OrderedDict()

    @property
    def is_configured(self) -> bool:
        """Whether there is any key: without one every token is refused."""
        return bool(self._keys)

    def verify(self, token: str) -> Bearer:
        """Raises TokenRefused, and nothing else, whatever the text is."""
        if known := self._remembered.get(token):
            if known.expires_at + self._settings.jwt_leeway_seconds > time.time():
                return known
            del self._remembered[token]
        bearer = self._verify(token)
        self._remembered[token] = bearer
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return bearer

    def _verify(self, token: str) -> Bearer:
        if not token:
            raise TokenRefused(TokenProblem.MISSING)
        if len(token) > self._settings.jwt_size_limit:
            raise TokenRefused(TokenProblem.TOO_LONG)
        try:
            header = jwt.get_unverified_header(token)
            claims = self._claims(token, _selected(self._keys, header))
            subject, expires_at = claims["sub"], float(claims["exp"])
            scopes = frozenset(str(claims.get("scope", "")).split())
        except TokenRefused:
            raise
        except jwt.ExpiredSignatureError:
            raise TokenRefused(TokenProblem.EXPIRED) from None
        except jwt.ImmatureSignatureError:
            raise TokenRefused(TokenProblem.NOT_YET_VALID) from None
        except jwt.InvalidAudienceError:
            raise TokenRefused(TokenProblem.WRONG_AUDIENCE) from None
        except jwt.InvalidIssuerError:
            raise TokenRefused(TokenProblem.WRONG_ISSUER) from None
        except jwt.MissingRequiredClaimError:
            raise TokenRefused(TokenProblem.CLAIM_MISSING) from None
        except jwt.InvalidSignatureError:
            raise TokenRefused(TokenProblem.NOT_OURS) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise TokenRefused(TokenProblem.MALFORMED) from None
        return Bearer(subject, scopes, expires_at)

    def _claims(self, token: str, keys: Sequence[_Key]) -> dict[str, Any]:
        """The claims, once one of the keys fits. Every other fault than a wrong signature is raised at once."""
        for key in keys:
            try:
                return jwt.decode(
                    token,
                    key.key,
                    algorithms=[key.algorithm],
                    audience=self._settings.jwt_audience,
                    issuer=self._settings.jwt_issuer,
                    leeway=self._settings.jwt_leeway_seconds,
                    options={"require": _REQUIRED},
                )
            except jwt.InvalidSignatureError:
                continue
        raise TokenRefused(TokenProblem.NOT_OURS)


def mint(settings: TokenSettings, user_id: str, scopes: Iterable[str], ttl_seconds: int) -> str:
    """A token of our own, for trying things out. Raises ConfigurationError when there is no secret to sign with."""
    secrets = _secrets(settings.jwt_secret)
    if not secrets:
        raise ConfigurationError("JWT_SECRET: required to sign a token, but not set")
    now = int(time.time())
    claims = {
        "sub": user_id,
        "aud": settings.jwt_audience,
        "iss": settings.jwt_issuer,
        "iat": now,
        "exp": now + ttl_seconds,
        "scope": " ".join(scopes),
    }
    return jwt.encode(claims, secrets[0].key, algorithm="HS256")


def _selected(keys: Iterable[_Key], header: dict[str, Any]) -> list[_Key]:
    """The keys that the header may mean: of its algorithm, and of its `kid` where both have one."""
    algorithm, kid = header.get("alg"), header.get("kid")
    return [
        key
        for key in keys
        if key.algorithm == algorithm and (kid is None or key.kid is None or key.kid == kid)
    ]


def _secrets(secrets: Iterable[str]) -> list[_Key]:
    for secret in secrets:
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise ConfigurationError(f"JWT_SECRET: a secret has at least {MIN_SECRET_BYTES} bytes")
    return [_Key("HS256", secret.encode()) for secret in secrets]


def _public_keys(file: str) -> list[_Key]:
    if not file:
        return []
    try:
        text = Path(file).read_text()
        keys = _jwks(text) if text.lstrip().startswith("{") else [_of_pem(text)]
    except (OSError, ValueError, TypeError, KeyError, jwt.PyJWTError) as error:
        raise ConfigurationError(f"JWT_PUBLIC_KEYS_FILE: {file}: {error}") from None
    if not keys:
        raise ConfigurationError(f"JWT_PUBLIC_KEYS_FILE: {file}: no key for RS256 or ES256 in it")
    return keys


def _jwks(text: str) -> list[_Key]:
    """The signing keys of a JWKS document. Symmetric ones have no business in a file of public keys."""
    found: list[_Key] = []
    for entry in json.loads(text)["keys"]:
        algorithm = {"RSA": "RS256", "EC": "ES256"}.get(entry.get("kty"))
        if algorithm is None or entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
            continue
        if algorithm == "ES256" and entry.get("crv") != "P-256":
            continue
        found.append(_Key(algorithm, jwt.PyJWK(entry, algorithm).key, entry.get("kid")))
    return found


def _of_pem(text: str) -> _Key:
    key = load_pem_public_key(text.encode())
    if isinstance(key, RSAPublicKey):
        return _Key("RS256", key)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return _Key("ES256", key)
    raise ValueError("neither an RSA key nor one on the curve P-256")
