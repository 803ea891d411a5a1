"""`.env`: made from `.env.example` at the first start, with secrets of this machine's own; in containers as well."""

import os
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

DEMO_SENDER = "demo"
"""The sender of webhooks that every local start knows."""


def _text() -> str:
    return secrets.token_hex(24)


def _sender() -> str:
    # 30 bytes make base64 without padding: nothing in it means anything to a shell.
    return f"{DEMO_SENDER}:whsec_{b64encode(secrets.token_bytes(30)).decode()}"


def _password() -> str:
    # It stands in URLs and in the configuration of NATS, which would take one that begins with a digit for a number.
    return f"s{secrets.token_hex(16)}"


SERVER_SECRETS: Mapping[str, Callable[[], str]] = {
    "NATS_PASSWORD": _password,
    "POSTGRES_PASSWORD": _password,
    "REDIS_PASSWORD": _password,
    "GRAFANA_ADMIN_PASSWORD": _password,
    "GRAFANA_POSTGRES_PASSWORD": _password,
}
"""Passwords of servers in containers. A local start keeps those of its servers to itself (`state`)."""

SECRETS: Mapping[str, Callable[[], str]] = {
    "OPERATOR_API_KEYS": _text,
    "JWT_SECRET": _text,
    "FACEBOOK_APP_SECRETS": _text,
    "FACEBOOK_VERIFY_TOKEN": _text,
    "TIKTOK_CLIENT_SECRETS": _text,
    "TIKTOK_SHOP_APP_KEY": _text,
    "TIKTOK_SHOP_APP_SECRETS": _text,
    "WEBHOOK_SECRETS": _sender,
    **SERVER_SECRETS,
}
"""Filled in at random, so that every front door works at once and none is open. INGEST_API_KEYS stays
empty: the gateway listens on the loopback interface only, and the first `curl` should just work."""

_ASSIGNMENT = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_NAMED = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


def ensure(path: Path, example: Path) -> bool:
    """Make `.env` unless it is there. Returns whether it was made."""
    if path.exists():
        return False

    def fill(line: re.Match[str]) -> str:
        return f"{line[1]}={SECRETS[line[1]]()}" if line[1] in SECRETS and not line[2] else line[0]

    text = _ASSIGNMENT.sub(fill, example.read_text())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return True


def add_missing(path: Path, wanted: Mapping[str, Callable[[], str]]) -> list[str]:
    """Fill in those of `wanted` that are empty in an env file or not in it. Returns their names."""
    text = path.read_text()
    given = {match[1] for match in _ASSIGNMENT.finditer(text) if match[2]}
    added = [name for name in wanted if name not in given]
    kept = [line for line in text.splitlines() if line.partition("=")[0] not in added]
    if added:
        path.write_text("\n".join([*kept, *(f"{name}={wanted[name]()}" for name in added), ""]))
    return added


def names(example: Path) -> list[str]:
    """The variables that `.env.example` names: all there are."""
    return [match[1] for match in _NAMED.finditer(example.read_text())]


def load(path: Path, example: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `.env`; one that is set in the environment wins. Unknown ones there are left out."""
    import dotenv  # only here: a start in containers makes `.env` before anything is installed

    values = {name: value for name, value in dotenv.dotenv_values(path, interpolate=False).items() if value}
    return values | {name: environ[name] for name in {*names(example), *values} if environ.get(name)}


def write(path: Path, values: Mapping[str, str]) -> None:
    """An env file that only its owner can read."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
