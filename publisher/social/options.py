"""The command line of a run as a society, and the secret that its tokens are signed with."""

import argparse
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from pipeline.chassis.settings import load_settings
from pipeline.chassis.tokens import TokenSettings
from pipeline.errors import ConfigurationError
from publisher.settings import DEFAULT_ENDPOINT
from publisher.social.settings import MAX_ACTIONS, AttackSettings, SocialSettings
from publisher.social.tokens import Tokens

SOCIAL = "social"
"""What `--as` says."""

FOR_PROVIDERS_ONLY = ("sender", "unknown_ratio", "attempts", "retry_delays")
"""Options of webhooks that mean nothing here."""

FOR_SOCIAL_ONLY = (
    *("users", "own_tokens", "forwarded_for"),
    *("bot_attack", "bots", "attack_seconds", "alert_timeout"),
)
"""Options that mean nothing elsewhere."""

_MIN_USERS = 50
_ATTACKED_RUN_SECONDS = 30.0
_DEFAULTS = AttackSettings()


def add_social_options(parser: argparse.ArgumentParser) -> None:
    """What goes with `--as social`."""
    group = parser.add_argument_group("social actions (--as social)")
    group.add_argument(
        "--users", type=int, default=1_000, help="people who have been there for days (%(default)s)"
    )
    group.add_argument(
        "--own-tokens",
        type=float,
        help="actions that a user sends alone, with a token of their own (0.1; with --forwarded-for 1); the rest is "
        "sent by the app's back end in arrays",
    )
    group.add_argument(
        "--forwarded-for",
        action="store_true",
        help="an address for each user, in X-Forwarded-For: only where TRUSTED_PROXIES of the gateway holds ours",
    )
    group.add_argument(
        "--bot-attack",
        nargs="?",
        const="",
        metavar="POST",
        help="bots like one post, and an alert must follow: status 1 without one; 30 seconds when nothing else is said",
    )
    group.add_argument("--bots", type=int, default=_DEFAULTS.bots, help="so many of them (%(default)s)")
    group.add_argument(
        "--attack-seconds",
        type=float,
        default=_DEFAULTS.over_seconds,
        help="how long the attack takes (%(default)s)",
    )
    group.add_argument(
        "--alert-timeout",
        type=float,
        default=_DEFAULTS.timeout_seconds,
        help="seconds to wait for the alert after the run (%(default)s)",
    )


def read_social_options(given: argparse.Namespace, environ: Mapping[str, str]) -> SocialSettings:
    """Raises ConfigurationError that names the option or the variable which is wrong or missing."""
    _check(given)
    tokens = load_settings(TokenSettings, environ)
    if not tokens.jwt_secret:
        raise ConfigurationError("JWT_SECRET: needed to sign the tokens of users; it must be the gateway's")
    Tokens(tokens).check()
    defaults = SocialSettings(tokens=tokens)
    own_tokens = 1.0 if given.forwarded_for else defaults.own_tokens
    return SocialSettings(
        tokens=tokens,
        users=given.users,
        own_tokens=own_tokens if given.own_tokens is None else given.own_tokens,
        forwarded_for=given.forwarded_for,
        malformed_ratio=_or(given.malformed_ratio, defaults.malformed_ratio),
        duplicate_ratio=_or(given.duplicate_ratio, defaults.duplicate_ratio),
        retry_deadline_seconds=_or(given.retry_deadline, defaults.retry_deadline_seconds),
        attack=None if given.bot_attack is None else _attack(given),
    )


def door_of_actions(environ: Mapping[str, str]) -> str:
    """`POST /api/events`, beside `POST /events`, which is where EVENT_ENDPOINT leads."""
    url = urlsplit(environ.get("EVENT_ENDPOINT") or DEFAULT_ENDPOINT)
    path = f"{url.path.removesuffix('/').removesuffix('/events')}/api/events"
    return urlunsplit((url.scheme, url.netloc, path, "", ""))


def duration_of(given: argparse.Namespace) -> float | None:
    """How long to send: an attack does not go on for ever."""
    if given.bot_attack is not None and given.duration is None and given.count is None:
        return _ATTACKED_RUN_SECONDS
    return given.duration


def _attack(given: argparse.Namespace) -> AttackSettings:
    return AttackSettings(
        post=given.bot_attack,
        bots=given.bots,
        over_seconds=given.attack_seconds,
        timeout_seconds=given.alert_timeout,
    )


def _check(given: argparse.Namespace) -> None:
    if given.own_tokens is not None and not 0 <= given.own_tokens <= 1:
        raise ConfigurationError(f"--own-tokens: a ratio is between 0 and 1, got {given.own_tokens:g}")
    if given.users < _MIN_USERS:
        raise ConfigurationError(f"--users: at least {_MIN_USERS}, got {given.users}")
    if given.batch_size is not None and given.batch_size > MAX_ACTIONS:
        raise ConfigurationError(f"--batch-size: the gateway takes at most {MAX_ACTIONS} actions a request")
    if given.bot_attack is not None and given.start is not None:
        raise ConfigurationError("--start: not to be used with --bot-attack, which happens now")
    positive = {"--bots": given.bots, "--attack-seconds": given.attack_seconds}
    for option, value in (positive | {"--alert-timeout": given.alert_timeout}).items():
        if not 0 < value < float("inf"):
            raise ConfigurationError(f"{option}: must be above 0, got {value:g}")


def _or(given: float | None, default: float) -> float:
    return default if given is None else given
