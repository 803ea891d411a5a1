"""Is every front door locked, and by a key that not everybody has?"""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from console.doctor.configuration import EXAMPLE, known_variables
from console.doctor.result import Result, ok, warning
from console.doctor.surroundings import Surroundings

_WITHOUT_SECRET: Mapping[str, str] = {
    "OPERATOR_API_KEYS": "the operator API answers 503; ./sluice works all the same",
    "JWT_SECRET": "social actions and notifications answer 503",
    "FACEBOOK_APP_SECRETS": "Facebook's notifications are answered 503",
    "FACEBOOK_VERIFY_TOKEN": "Facebook's handshake is answered 503",
    "TIKTOK_CLIENT_SECRETS": "TikTok's notifications are answered 503",
    "TIKTOK_SHOP_APP_KEY": "TikTok Shop's notifications are answered 503",
    "TIKTOK_SHOP_APP_SECRETS": "TikTok Shop's notifications are answered 503",
    "WEBHOOK_SECRETS": "no other senders of webhooks are known",
}
"""What a front door does while its secret is missing."""

_OPTIONAL = ("OPERATOR_API_KEYS", "WEBHOOK_SECRETS")
"""Not everybody has a use for them."""

_NO_SECRETS = ("TIKTOK_SHOP_APP_KEY",)
"""A name rather than a secret."""

_GUESSED_FIRST = (
    "admin",
    "changeit",
    "changeme",
    "default",
    "demo",
    "example",
    "password",
    "secret",
    "sluice",
    "test",
)
_SHORTEST_SECRET, _FEWEST_CHARACTERS = 16, 5
_LOOPBACK = ("", "127.0.0.1", "::1", "localhost")


def secrets_are_good(surroundings: Surroundings) -> Iterable[Result]:
    """No front door is shut by accident, open by accident, or locked with a key that everybody has."""
    return judge_secrets(surroundings.environ, known_variables(EXAMPLE.read_text()))


def judge_secrets(environ: Mapping[str, str], known: Iterable[str]) -> Iterator[Result]:
    """What is missing, with what it disables; what can be guessed. Values are never shown."""
    name, known = "secrets", set(known)
    empty = [each for each in _WITHOUT_SECRET if each in known and not environ.get(each, "").strip()]
    for variable in empty:
        found = f"{variable} is empty: {_WITHOUT_SECRET[variable]}"
        if variable in _OPTIONAL:
            yield Result(name, "ok", found)
        else:
            yield Result(name, "warning", found, f"Set {variable} where that door is to be open.")
    if not environ.get("INGEST_API_KEYS", "").strip() and environ.get("HOST", "") not in _LOOPBACK:
        advice = "Set INGEST_API_KEYS, or HOST=127.0.0.1."
        yield from warning(name, "INGEST_API_KEYS is empty: whoever reaches POST /events may send", advice)
    secrets = [
        each for each in (*_WITHOUT_SECRET, "INGEST_API_KEYS", "CANARY_KEYS") if each not in _NO_SECRETS
    ]
    guessable = [each for each in secrets if is_guessable(environ.get(each, ""))]
    for variable in guessable:
        advice = "Anybody can forge with it. A new one: openssl rand -hex 24"
        yield Result(name, "failed", f"{variable} can be guessed", advice)
    password = urlsplit(environ.get("DATABASE_URL", "")).password
    if password is not None and password.lower() in _GUESSED_FIRST:
        advice = "Give the database user another password."
        yield from warning(name, "the password in DATABASE_URL is one of those tried first", advice)
    if not guessable:
        yield from ok(name, "none that is set can be guessed")


def is_guessable(value: str) -> bool:
    """Whether one of the comma-separated secrets (`secret` or `name:secret`) is short, or made of words tried first."""
    secrets = [each.rpartition(":")[2].strip() for each in value.split(",") if each.strip()]
    return any(
        len(each) < _SHORTEST_SECRET or len(set(each)) < _FEWEST_CHARACTERS or _is_of_words(each)
        for each in secrets
    )


def _is_of_words(secret: str) -> bool:
    words = re.findall("[a-z]+", secret.lower())
    return bool(words) and all(word in _GUESSED_FIRST for word in words)
