"""Command line and environment to `Settings`.

A wrong option ends with one line that names it and status 2.
"""

import argparse
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from pipeline.errors import ConfigurationError
from publisher.command_line import DEFAULT_BATCH_SIZE, Parser, make_parser
from publisher.generator import Mix
from publisher.pool import Timeouts
from publisher.senders.options import FOR_EVENTS_ONLY, door_of, read_options
from publisher.senders.settings import SenderSettings
from publisher.settings import DEFAULT_ENDPOINT, DEFAULT_REPORTER, Settings, check
from publisher.social.options import (
    FOR_PROVIDERS_ONLY,
    FOR_SOCIAL_ONLY,
    SOCIAL,
    door_of_actions,
    duration_of,
    read_social_options,
)
from publisher.social.settings import DEFAULT_BATCH_SIZE as SOCIAL_BATCH_SIZE
from publisher.social.settings import SocialSettings


class Options(msgspec.Struct, frozen=True):
    """What `__main__` needs."""

    settings: Settings
    as_json: bool
    sender: SenderSettings | None = None
    """In the part of which provider; None sends events."""
    social: SocialSettings | None = None
    """As which society."""


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Exits with status 2 and one line on stderr when an option or a variable is wrong."""
    parser = make_parser()
    given = parser.parse_args(arguments)
    if given.firehose and given.rate is not None:
        parser.error("argument --firehose: is a preset of its own, not to be used with --rate")
    try:
        if given.provider == SOCIAL:
            return _as_society(given, environ, parser)
        _refuse(given, parser, FOR_SOCIAL_ONLY, "only with --as social")
        if given.provider is not None:
            return _as_provider(given, environ, parser)
        return Options(check(_settings(given, environ)), given.json)
    except ConfigurationError as error:
        parser.error(str(error))


def _as_provider(given: argparse.Namespace, environ: Mapping[str, str], parser: Parser) -> Options:
    _refuse(given, parser, FOR_EVENTS_ONLY, "not to be used with --as")
    sender = read_options(given, environ)
    settings = msgspec.structs.replace(
        _settings(given, environ),
        endpoint=given.endpoint or door_of(sender, environ),
        batch_size=given.batch_size or sender.provider.max_updates,
        api_key=None,
        malformed_ratio=sender.ratios.malformed,
        duplicate_ratio=sender.ratios.duplicate,
    )
    return Options(check(settings), given.json, sender)


def _as_society(given: argparse.Namespace, environ: Mapping[str, str], parser: Parser) -> Options:
    unwanted = [name for name in FOR_EVENTS_ONLY if name != "retry_deadline"]
    _refuse(given, parser, (*unwanted, *FOR_PROVIDERS_ONLY), "not to be used with --as social")
    social = read_social_options(given, environ)
    settings = msgspec.structs.replace(
        _settings(given, environ),
        endpoint=given.endpoint or door_of_actions(environ),
        batch_size=given.batch_size or SOCIAL_BATCH_SIZE,
        duration_seconds=duration_of(given),
        api_key=None,
        malformed_ratio=social.malformed_ratio,
        duplicate_ratio=social.duplicate_ratio,
    )
    return Options(check(settings), given.json, social=social)


def _refuse(given: argparse.Namespace, parser: Parser, names: Sequence[str], why: str) -> None:
    """Ends the program when one of these options is given."""
    for name in names:
        if getattr(given, name) != parser.get_default(name):
            parser.error(f"argument --{name.replace('_', '-')}: {why}")


def _settings(given: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    keys = [key.strip() for key in environ.get("INGEST_API_KEYS", "").split(",") if key.strip()]
    return Settings(
        endpoint=given.endpoint or environ.get("EVENT_ENDPOINT") or DEFAULT_ENDPOINT,
        api_key=keys[0] if keys else None,
        seed=secrets.randbelow(1_000_000_000) if given.seed is None else given.seed,
        start_ms=given.start,
        rate=given.rate,
        batch_size=DEFAULT_BATCH_SIZE if given.batch_size is None else given.batch_size,
        minimum=given.min,
        maximum=given.max,
        concurrency=given.concurrency,
        duration_seconds=given.duration,
        count=given.count,
        mix=Mix(
            returning_users=given.returning_users,
            user_pool=given.user_pool,
            out_of_order=given.out_of_order,
            spread_seconds=given.spread,
        ),
        malformed_ratio=given.malformed_ratio,
        duplicate_ratio=given.duplicate_ratio or 0.0,
        timeouts=Timeouts(connect=given.connect_timeout, answer=given.timeout),
        max_connections=given.max_connections,
        retry_deadline_seconds=given.retry_deadline,
        verify=given.verify,
        reporter=(environ.get("REPORTER_URL") or DEFAULT_REPORTER).rstrip("/"),
        database_url=environ.get("DATABASE_URL") or None,
        verify_timeout_seconds=given.verify_timeout,
        compare_reports=given.compare_reports,
        keep_truth=given.truth,
        quiet=given.quiet,
    )
