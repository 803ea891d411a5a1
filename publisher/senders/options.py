"""The command line of a run in the part of a provider, and the secrets that it signs with."""

import argparse
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from pipeline.errors import ConfigurationError
from publisher.senders.making import Ratios
from publisher.senders.providers import PROVIDERS, Provider
from publisher.senders.settings import SenderSettings
from publisher.senders.signing import Credentials
from publisher.settings import DEFAULT_ENDPOINT
from publisher.social.options import SOCIAL

FOR_EVENTS_ONLY = (
    *("firehose", "min", "max", "returning_users", "user_pool", "out_of_order", "spread"),
    *("retry_deadline", "compare_reports", "truth"),
)
"""Options of `POST /events` that mean nothing to a provider."""

_SIGNING_PREFIX = "whsec_"


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--as`, and what goes with it."""
    group = parser.add_argument_group("webhooks")
    group.add_argument(
        "--as",
        dest="provider",
        choices=(*PROVIDERS, SOCIAL),
        help="signed deliveries of a provider to the gateway's webhooks instead of events, or the social actions of "
        "many users; 50 a second",
    )
    group.add_argument(
        "--sender", help="standard-webhooks: the name in WEBHOOK_SECRETS; the first one when not given"
    )
    group.add_argument(
        "--unknown-ratio", type=float, default=0.03, help="updates of kinds that nobody knows (%(default)s)"
    )
    group.add_argument(
        "--attempts", type=int, help="before a delivery is given up; the provider's own number"
    )
    group.add_argument(
        "--retry-delays",
        type=_delays,
        help="seconds between attempts, comma-separated: the provider's own, much shortened, when not given",
    )


def read_options(given: argparse.Namespace, environ: Mapping[str, str]) -> SenderSettings:
    """Raises ConfigurationError that names the option or the variable which is wrong or missing."""
    provider = PROVIDERS[given.provider]
    if given.batch_size is not None and given.batch_size > provider.max_updates:
        raise ConfigurationError(
            f"--batch-size: {given.provider} sends at most {provider.max_updates} updates a POST"
        )
    if given.attempts is not None and given.attempts < 1:
        raise ConfigurationError(f"--attempts: must be above 0, got {given.attempts}")
    if not 0 <= given.unknown_ratio <= 1:
        raise ConfigurationError(f"--unknown-ratio: a ratio is between 0 and 1, got {given.unknown_ratio:g}")
    if given.sender and given.provider != "standard-webhooks":
        raise ConfigurationError("--sender: only standard-webhooks has one")
    defaults = Ratios()
    return SenderSettings(
        name=given.provider,
        credentials=_credentials(given, provider, environ),
        ratios=Ratios(
            unknown=given.unknown_ratio,
            malformed=defaults.malformed if given.malformed_ratio is None else given.malformed_ratio,
            duplicate=defaults.duplicate if given.duplicate_ratio is None else given.duplicate_ratio,
        ),
        attempts=given.attempts or 0,
        retry_delays_seconds=given.retry_delays or (),
    )


def door_of(sender: SenderSettings, environ: Mapping[str, str]) -> str:
    """Where to send: beside `POST /events`, which is where EVENT_ENDPOINT leads."""
    url = urlsplit(environ.get("EVENT_ENDPOINT") or DEFAULT_ENDPOINT)
    door = sender.provider.door or sender.credentials.name
    path = f"{url.path.removesuffix('/').removesuffix('/events')}/webhooks/{door}"
    return urlunsplit((url.scheme, url.netloc, path, "", ""))


def _credentials(given: argparse.Namespace, provider: Provider, environ: Mapping[str, str]) -> Credentials:
    secrets = _list(environ, provider.secret_variable)
    if not secrets:
        raise ConfigurationError(f"{provider.secret_variable}: needed to sign as {given.provider}")
    if given.provider == "standard-webhooks":
        return _sender(secrets, given.sender)
    name = environ.get(provider.name_variable, "").strip() if provider.name_variable else ""
    if provider.name_variable and not name:
        raise ConfigurationError(f"{provider.name_variable}: needed to sign as {given.provider}")
    return Credentials(secrets[0], name)


def _sender(entries: list[str], wanted: str | None) -> Credentials:
    """The first secret of the sender that signs; of the first such sender when nobody says which."""
    for entry in entries:
        name, _, secret = (part.strip() for part in entry.partition(":"))
        if secret.startswith(_SIGNING_PREFIX) and wanted in (None, name):
            try:
                b64decode(secret.removeprefix(_SIGNING_PREFIX), validate=True)
            except ValueError:
                raise ConfigurationError(f"WEBHOOK_SECRETS: the secret of {name} is no base64") from None
            return Credentials(secret, name)
    whose = f"of {wanted} " if wanted else ""
    raise ConfigurationError(f"WEBHOOK_SECRETS: has no secret {whose}that begins with {_SIGNING_PREFIX}")


def _list(environ: Mapping[str, str], variable: str) -> list[str]:
    return [part.strip() for part in environ.get(variable, "").split(",") if part.strip()]


def _delays(text: str) -> tuple[float, ...]:
    try:
        delays = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not seconds, comma-separated: {text!r}") from None
    if not all(0 <= delay < float("inf") for delay in delays):
        raise argparse.ArgumentTypeError(f"a delay is not negative: {text!r}")
    return delays
