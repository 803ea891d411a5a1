"""`sluice dead-letters`: what was refused, to look at, to try again and to throw away."""

import asyncio
import sys

import click
import msgspec
from rich.console import Console

from console.context import Context
from console.dead_letters_options import check_prefix, filter_options
from console.dead_letters_rendering import (
    as_json,
    show_counts,
    show_letter,
    show_list,
    show_tally,
    total_of,
)
from console.dead_letters_work import opened_desk
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.dead_letter_view import detail_of, summary_of
from pipeline.stream import DeadLetterFilter, LetterCount, ReplayTally

_json_option = click.option(
    "--json", "json_wanted", is_flag=True, help="One JSON document on standard output."
)
_limit_option = click.option("--limit", type=click.IntRange(min=1), help="At most so many, oldest first.")
_yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
_dry_run_option = click.option("--dry-run", is_flag=True, help="Only tell what would happen.")


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Events that were refused: list, show, replay, discard.

    Exit status: 0 when the command did what it says, 1 when it could not, 2 when it was called wrongly.
    """


@dead_letters.command("list")
@filter_options
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Letters to list.")
@_json_option
@click.pass_obj
def list_letters(context: Context, *, wanted: DeadLetterFilter, limit: int, json_wanted: bool) -> None:
    """Counts by source and reason, and the letters that failed last."""

    async def look() -> tuple[list[LetterCount], list[DeadLetter]]:
        async with opened_desk(context) as desk:
            counts = await desk.archive.counts(wanted)
            return counts, await desk.archive.newest(wanted, limit) if limit else []

    counts, letters = asyncio.run(look())
    if json_wanted:
        summaries = [summary_of(letter) for letter in letters]
        click.echo(as_json({"total": total_of(counts), "counts": counts, "letters": summaries}))
    elif counts:
        show_counts(_out(), counts)
        show_list(_out(), letters)
    else:
        _out().print("No dead letters.")


@dead_letters.command()
@click.argument("letter_id", metavar="ID", callback=check_prefix)
@_json_option
@click.option("--raw", "raw_wanted", is_flag=True, help="Only its bytes, as they came: for a file or a pipe.")
@click.pass_obj
def show(context: Context, *, letter_id: str, json_wanted: bool, raw_wanted: bool) -> None:
    """Everything about one letter. The beginning of its id is enough."""
    if raw_wanted and sys.stdout.isatty():
        raise click.UsageError("--raw could send anything to this terminal: redirect it to a file or a pipe")

    async def find() -> DeadLetter:
        async with opened_desk(context) as desk:
            return await desk.archive.find(letter_id)

    letter = asyncio.run(find())
    if raw_wanted:
        sys.stdout.buffer.write(letter.raw)
    elif json_wanted:
        click.echo(as_json(detail_of(letter)))
    else:
        show_letter(_out(), letter)


@dead_letters.command()
@filter_options
@_limit_option
@_dry_run_option
@_yes_option
@_json_option
@click.pass_obj
def replay(
    context: Context,
    *,
    wanted: DeadLetterFilter,
    limit: int | None,
    dry_run: bool,
    yes: bool,
    json_wanted: bool,
) -> None:
    """Tries letters again by the rules of today, with the time at which they were first received.

    What is accepted is stored once, however often it is replayed. What is refused again stays.
    """
    _must_be_able_to_ask(yes or dry_run)

    chosen, total = asyncio.run(_chosen(context, wanted, limit))
    if total and not dry_run:
        _confirm(f"Replay {total:,} dead letters?", yes)

    async def work() -> ReplayTally:
        async with opened_desk(context) as desk:
            return await desk.replay(chosen, limit, total, _err(), dry_run=dry_run)

    tally = asyncio.run(work()) if total else ReplayTally()
    if json_wanted:
        click.echo(as_json({**msgspec.to_builtins(tally), "dryRun": dry_run}))
    elif total:
        show_tally(_out(), tally, dry_run=dry_run)


@dead_letters.command()
@filter_options
@_limit_option
@_dry_run_option
@_yes_option
@_json_option
@click.pass_obj
def discard(
    context: Context,
    *,
    wanted: DeadLetterFilter,
    limit: int | None,
    dry_run: bool,
    yes: bool,
    json_wanted: bool,
) -> None:
    """Throws letters away for good."""
    _must_be_able_to_ask(yes or dry_run)

    chosen, total = asyncio.run(_chosen(context, wanted, limit))
    if total and not dry_run:
        _confirm(f"Discard {total:,} dead letters for good?", yes)

    async def work() -> int:
        async with opened_desk(context) as desk:
            return await desk.discard(chosen, limit, total, _err())

    discarded = asyncio.run(work()) if total and not dry_run else 0
    if json_wanted:
        click.echo(as_json({"selected": total, "discarded": discarded, "dryRun": dry_run}))
    elif total:
        _out().print(f"{total:,} would be discarded" if dry_run else f"{discarded:,} discarded")


async def _chosen(
    context: Context, wanted: DeadLetterFilter, limit: int | None
) -> tuple[DeadLetterFilter, int]:
    """What is meant, by whole ids, and how many letters that are; shows their counts.

    On a connection of its own: nobody answers NATS while a person thinks about a question.
    """
    async with opened_desk(context) as desk:
        chosen = await desk.resolve(wanted)
        counts: list[LetterCount] = await desk.archive.counts(chosen)
    if counts:
        show_counts(_err(), counts)
    else:
        _err().print("No dead letters match.")
    total = total_of(counts)
    return chosen, total if limit is None else min(total, limit)


def _must_be_able_to_ask(is_answered: bool) -> None:
    if not is_answered and not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask at: say --yes, or --dry-run to see what would happen"
        )


def _confirm(question: str, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True, err=True)


def _out() -> Console:
    """For what a command tells. Made when it is used: tests and pipes have an output of their own."""
    return Console(highlight=False)


def _err() -> Console:
    """For what is said on the way: counts, questions, progress. Standard output stays clean for programs."""
    return Console(stderr=True, highlight=False)
