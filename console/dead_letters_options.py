"""The options with which somebody says which dead letters they mean."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from collectors.registry import SOURCES
from pipeline.chassis.instants import INSTANT_HELP, parse_instant
from pipeline.events.reasons import Reason
from pipeline.stream import DeadLetterFilter

UNKNOWN_SOURCE = "unknown"
"""Where the gateway files what names no source that it knows."""

MIN_PREFIX = 4
"""Characters of an id that it can be found by."""


def _instant(*, whole_day: bool) -> Callable[[click.Context, click.Parameter, str | None], datetime | None]:
    def read(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            return parse_instant(text, whole_day=whole_day)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return read


def check_prefix(_context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
    """Ids by at least so many characters that a typing error does not mean another letter."""
    for prefix in [value] if isinstance(value, str) else value:
        if len(prefix) < MIN_PREFIX:
            raise click.BadParameter(f"{prefix!r}: give at least {MIN_PREFIX} characters of the id")
    return value


_OPTIONS = (
    click.option("--source", type=click.Choice([*SOURCES, UNKNOWN_SOURCE]), help="Only of this source."),
    click.option(
        "--reason", type=click.Choice([each.value for each in Reason]), help="Only with this reason."
    ),
    click.option(
        "--from",
        "failed_from",
        metavar="TIME",
        callback=_instant(whole_day=False),
        help=f"Failed at or after: {INSTANT_HELP}.",
    ),
    click.option(
        "--to",
        "failed_before",
        metavar="TIME",
        callback=_instant(whole_day=True),
        help="Failed before; a bare date means the whole day.",
    ),
    click.option("--correlation-id", metavar="ID", help="Only from the request with this correlation id."),
    click.option(
        "--id",
        "ids",
        metavar="ID",
        multiple=True,
        callback=check_prefix,
        help="Only this letter; the beginning of its id is enough. May be given several times.",
    ),
)


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of a filter; they arrive as one argument `wanted`."""

    @functools.wraps(command)
    def with_filter(
        source: str | None,
        reason: str | None,
        failed_from: datetime | None,
        failed_before: datetime | None,
        correlation_id: str | None,
        ids: tuple[str, ...],
        **others: Any,
    ) -> None:
        if failed_from and failed_before and failed_from >= failed_before:
            raise click.UsageError("--from must lie before --to")
        wanted = DeadLetterFilter(
            source=source,
            reason=Reason(reason) if reason else None,
            failed_from=failed_from,
            failed_before=failed_before,
            correlation_id=correlation_id,
            ids=ids,
        )
        command(wanted=wanted, **others)

    decorated: Callable[..., None] = with_filter
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
