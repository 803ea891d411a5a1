"""All secrets of an installation, and what is wrong with their values. A value is never shown."""

import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping

import msgspec

from console.doctor.secrets import is_guessable

_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
_SHORTEST = 16
_PREFIXES = ("whsec_",)


def _password() -> str:
    return secrets.token_hex(24)


def _sender() -> str:
    # 30 bytes make base64 without padding: nothing in it means anything to a shell.
    return f"partner:whsec_{b64encode(secrets.token_bytes(30)).decode()}"


class Secret(msgspec.Struct, frozen=True):
    """One variable. `what` it opens. `required`: without it nothing starts. `in_url`: it becomes part of an address.

    `several`: a comma-separated list, so that two are valid while it is rotated.
    """

    name: str
    what: str
    required: bool = True
    in_url: bool = False
    several: bool = False
    make: Callable[[], str] = _password

    def values(self, environ: Mapping[str, str]) -> list[str]:
        """The secrets themselves, without the names of senders."""
        text = environ.get(self.name, "").strip()
        parts = text.split(",") if self.several else [text]
        return [part.rpartition(":")[2].strip() if self.several else part for part in parts if part.strip()]


def _of_server(name: str, what: str) -> Secret:
    return Secret(name, what, in_url=True)


_REDIS_USERS = ("COLLECTOR", "GATEWAY", "CONSOLE", "GRAFANA", "EXPORTER")

SECRETS: tuple[Secret, ...] = (
    _of_server("POSTGRES_PASSWORD", "Postgres, everything: only for making roles"),
    _of_server("POSTGRES_OWNER_PASSWORD", "the tables of Postgres: only for migrations"),
    _of_server("POSTGRES_COLLECTOR_PASSWORD", "Postgres, as a collector"),
    _of_server("POSTGRES_ALERTS_PASSWORD", "Postgres, as the alerts service"),
    _of_server("POSTGRES_REPORTER_PASSWORD", "Postgres, as the reporter"),
    _of_server("POSTGRES_CONSOLE_PASSWORD", "Postgres, as an operator's console"),
    _of_server("POSTGRES_EXPORTER_PASSWORD", "the figures of Postgres"),
    _of_server("GRAFANA_POSTGRES_PASSWORD", "what dashboards read of Postgres"),
    *(_of_server(f"REDIS_{user}_PASSWORD", f"Redis, as {user.lower()}") for user in _REDIS_USERS),
    *(
        Secret(
            f"REDIS_{user}_PASSWORD_OLD", f"Redis, as {user.lower()}, while the other is new", required=False
        )
        for user in _REDIS_USERS
    ),
    Secret("GRAFANA_ADMIN_PASSWORD", "Grafana, as its administrator"),
    Secret("INGEST_API_KEYS", "POST /events", several=True),
    Secret("CANARY_KEYS", "POST /canaries", several=True),
    Secret("OPERATOR_API_KEYS", "dead letters over HTTP", several=True),
    Secret("JWT_SECRET", "tokens of users", several=True),
    Secret("ADDRESS_HASH_SECRET", "addresses behind their hashes"),
    Secret("FACEBOOK_APP_SECRETS", "Facebook's webhook", several=True),
    Secret("FACEBOOK_VERIFY_TOKEN", "the handshake of Facebook's webhook"),
    Secret("TIKTOK_CLIENT_SECRETS", "TikTok's webhook", several=True),
    Secret("TIKTOK_SHOP_APP_SECRETS", "TikTok Shop's webhook", several=True),
    Secret("WEBHOOK_SECRETS", "webhooks of other senders", several=True, make=_sender),
    Secret("ALERT_WEBHOOK_SECRET", "the signature of alerts that are posted", required=False),
)
"""Whatever an installation does not use is locked with a random secret, which nobody has to know."""

NO_SECRETS: Mapping[str, str] = {
    "JWT_PUBLIC_KEYS_FILE": "public keys",
    "NATS_TLS_KEY": "the path of a file; see certificates.py",
    "TIKTOK_SHOP_APP_KEY": "a name that TikTok shows",
    "ALERT_SMTP_URL": "an account at somebody else's server, whose password may be as short as that server allows",
    "OTEL_EXPORTER_OTLP_HEADERS": "the same: what somebody else's server wants to see",
    "DATABASE_URL": "made from the passwords above",
    "NATS_URL": "an address: certificates say who comes",
    "REDIS_URL": "made from the passwords above",
    "SECRET_EXPIRIES": "dates",
    "REDIS_PASSWORD": "not used in production: every user of Redis has a password of their own",
    "NATS_PASSWORD": "not used in production: certificates say who comes",
}
"""Variables that look like secrets, or hold one, and why they are not on the list."""


def faults(environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong, a line each, with the variable's name and never its value."""
    seen: dict[str, str] = {}
    for secret in SECRETS:
        values = secret.values(environ)
        if not values:
            if secret.required:
                yield f"{secret.name}: not set. It opens {secret.what}."
            continue
        for value in values:
            if fault := _fault(secret, value):
                yield f"{secret.name}: {fault}"
            elif value in seen:
                where = (
                    "has the same value twice"
                    if seen[value] == secret.name
                    else f"is the same as {seen[value]}"
                )
                yield f"{secret.name}: {where}. Every secret opens one door."
            seen.setdefault(value, secret.name)


def _fault(secret: Secret, value: str) -> str:
    for prefix in _PREFIXES:
        value = value.removeprefix(prefix)
    if len(value) < _SHORTEST:
        return f"shorter than {_SHORTEST} characters. A new one: openssl rand -hex 24"
    if is_guessable(value):
        return "can be guessed. A new one: openssl rand -hex 24"
    if secret.in_url and not _URL_SAFE.fullmatch(value):
        return "becomes part of an address: only letters, digits and . _ ~ - may be in it"
    return ""


def fresh() -> Iterator[tuple[str, str]]:
    """A new value for every secret that is required."""
    return ((secret.name, secret.make()) for secret in SECRETS if secret.required)
