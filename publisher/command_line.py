"""The publisher's options as people type them, in groups."""

import argparse
import sys
from datetime import UTC, datetime
from typing import NoReturn

from publisher.senders.options import add_options
from publisher.social.options import add_social_options

DEFAULT_BATCH_SIZE = 100


class Parser(argparse.ArgumentParser):
    """Ends the program with one line that names the wrong option."""

    def error(self, message: str) -> NoReturn:
        print(f"publisher: {message}", file=sys.stderr)
        sys.exit(2)


def make_parser() -> Parser:
    """All options of every kind of run."""
    parser = Parser(
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
