"""Command line and environment to `Settings`.

A wrong option ends with one line that names it and status 2.
"""

import argparse
import secrets
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NoReturn

import msgspec

from pipeline.errors import ConfigurationError
from publisher.generator import Mix
from publisher.pool import Timeouts
from publisher.senders.options import FOR_EVENTS_ONLY, add_options, door_of, read_options
from publisher.senders.settings import SenderSettings
from publisher.settings import DEFAULT_ENDPOINT, DEFAULT_REPORTER, Settings, check
from publisher.social.options import (
    FOR_PROVIDERS_ONLY,
    FOR_SOCIAL_ONLY,
    SOCIAL,
    add_social_options,
    door_of_actions,
    duration_of,
    read_social_options,
)
from publisher.social.settings import DEFAULT_BATCH_SIZE as SOCIAL_BATCH_SIZE
from publisher.social.settings import SocialSettings

DEFAULT_BATCH_SIZE = 100


class Options(msgspec.Struct, frozen=True):
    """What `__main__` needs."""

    settings: Settings
    as_json: bool
    sender: SenderSettings | None = None
    """In the part of which provider; None sends events."""
    social: SocialSettings | None = None
    """As which society."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"publisher: {message}", file=sys.stderr)
        sys.exit(2)


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Exits with status 2 and one line on stderr when an option or a variable is wrong."""
    parser = _parser()
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


def _as_provider(given: argparse.Namespace, environ: Mapping[str, str], parser: _Parser) -> Options:
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


def _as_society(given: argparse.Namespace, environ: Mapping[str, str], parser: _Parser) -> Options:
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


def _refuse(given: argparse.Namespace, parser: _Parser, names: Sequence[str], why: str) -> None:
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


def _parser() -> _Parser:
    parser = _Parser(
        prog="publisher",
        description="Sends the event firehose to $EVENT_ENDPOINT: without --rate one POST every second.",
        epilog="Environment: EVENT_ENDPOINT, INGEST_API_KEYS (first one), REPORTER_URL, DATABASE_URL; with --as the "
        "secrets of the gateway's webhooks (first one), or JWT_SECRET.",
    )
    pace = parser.add_argument_group("pace")
    pace.add_argument(
        "--firehose", action="store_true", help="the default: --min..--max events on every second"
    )
    pace.add_argument("--min", type=int, default=1_000, help="events per POST of the firehose")
    pace.add_argument("--max", type=int, default=50_000, help="to (%(default)s)")
    pace.add_argument("--rate", type=float, help="events a second instead; 0 is as fast as answers come back")
    pace.add_argument(
        "--batch-size", type=int, help=f"events per POST with --rate ({DEFAULT_BATCH_SIZE}); 1: bare"
    )
    pace.add_argument(
        "--concurrency", type=int, default=8, help="POSTs in flight with --rate 0 (%(default)s)"
    )
    pace.add_argument("--duration", type=float, help="seconds to send for; unlimited when not given")
    pace.add_argument("--count", type=int, help="events to send; unlimited when not given")

    mix = parser.add_argument_group("mix")
    mix.add_argument(
        "--seed", type=int, default=None, help="the same seed sends the same events; random when not given"
    )
    mix.add_argument("--start", type=_moment, help="ISO 8601 time of the first event instead of now")
    mix.add_argument(
        "--malformed-ratio",
        type=float,
        help="corrupted last elements per POST (firehose: 0.1, else 0); with --as corrupted updates (0.01)",
    )
    mix.add_argument(
        "--duplicate-ratio",
        type=float,
        help="elements that were sent before (0); with --as also answers that are lost (0.02)",
    )
    mix.add_argument("--returning-users", type=float, default=0.0, help="events by known users (%(default)s)")
    mix.add_argument("--user-pool", type=int, default=10_000, help="how many users return (%(default)s)")
    mix.add_argument(
        "--out-of-order", type=float, default=0.0, help="events moved into the past (%(default)s)"
    )
    mix.add_argument("--spread", type=float, default=3_600.0, help="by up to so many seconds (%(default)s)")

    add_options(parser)
    add_social_options(parser)
    sending = parser.add_argument_group("sending")
    sending.add_argument("--endpoint", help="instead of $EVENT_ENDPOINT")
    sending.add_argument(
        "--timeout", type=float, default=30.0, help="seconds to wait for an answer (%(default)s)"
    )
    sending.add_argument(
        "--connect-timeout", type=float, default=5.0, help="and for a connection (%(default)s)"
    )
    sending.add_argument("--max-connections", type=int, default=512, help="at the same time (%(default)s)")
    sending.add_argument(
        "--retry-deadline", type=float, help="seconds to re-send unanswered bodies (--verify: 120)"
    )

    checking = parser.add_argument_group("checking")
    checking.add_argument(
        "--verify", action="store_true", help="afterwards check that every event is stored once"
    )
    checking.add_argument(
        "--verify-timeout", type=float, default=300.0, help="seconds to wait for it (%(default)s)"
    )
    checking.add_argument(
        "--compare-reports",
        action=argparse.BooleanOptionalAction,
        help="compare the reports with the truth (with --verify: when nobody else has events in that time)",
    )
    checking.add_argument(
        "--truth", action="store_true", help="put totals of the accepted events into --json"
    )
    output = parser.add_argument_group("output")
    output.add_argument("--quiet", action="store_true", help="one line a minute")
    output.add_argument(
        "--json", action="store_true", help="the summary as JSON on stdout, all else on stderr"
    )
    return parser


def _moment(text: str) -> int:
    """ISO 8601, UTC without an offset, as milliseconds since 1970."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not an ISO 8601 time: {text!r}") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
