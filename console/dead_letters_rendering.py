"""Dead letters on a terminal and as JSON. What senders wrote reaches the terminal without its control characters."""

import json
from collections.abc import Sequence

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.events.dead_letter import DeadLetter
from pipeline.events.dead_letter_view import detail_of
from pipeline.stream import LetterCount, ReplayTally

_ID_CHARACTERS = 12
_DETAIL_CHARACTERS = 60


def printable(text: str) -> str:
    """The text with everything escaped that is not to be seen: a terminal must not obey a sender."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
    )


def readable(raw: bytes) -> str:
    """The bytes of an event as lines of text: indented when they are JSON, escaped where they are no text."""
    try:
        text = msgspec.json.format(raw, indent=2).decode()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        text = raw.decode("utf-8", "backslashreplace")
    return "\n".join(printable(line) for line in text.split("\n"))


def as_json(document: object) -> str:
    """For programs: one document, in ASCII, so that nothing in it means anything to a terminal."""
    return json.dumps(msgspec.to_builtins(document), indent=2)


def show_counts(console: Console, counts: Sequence[LetterCount]) -> None:
    """By source and reason, most first."""
    table = Table("source", "reason", box=box.SIMPLE_HEAD)
    table.add_column("letters", justify="right")
    for count in counts:
        table.add_row(_cell(count.source), _cell(count.reason), f"{count.letters:,}")
    if len(counts) > 1:
        table.add_section()
        table.add_row("all", "", f"{total_of(counts):,}")
    console.print(table)


def total_of(counts: Sequence[LetterCount]) -> int:
    """All letters of all counts."""
    return sum(count.letters for count in counts)


def show_list(console: Console, letters: Sequence[DeadLetter]) -> None:
    """One line each."""
    if not letters:
        return
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("id", "failed at"):
        table.add_column(name, no_wrap=True)
    for name in ("source", "reason", "path", "replays", "detail"):
        table.add_column(name, overflow="fold")
    for letter in letters:
        rejection = letter.rejection
        table.add_row(
            _cell(letter.id[:_ID_CHARACTERS]),
            f"{letter.failed_at:%Y-%m-%d %H:%M:%S}",
            _cell(letter.source),
            _cell(rejection.reason.value),
            _cell(rejection.path),
            str(letter.replays),
            _cell(rejection.detail[:_DETAIL_CHARACTERS]),
        )
    console.print(table)


def show_letter(console: Console, letter: DeadLetter) -> None:
    """All that is kept of one."""
    detail = detail_of(letter)
    facts = {
        "id": detail.id,
        "source": detail.source,
        "format": detail.format or "not known",
        "reason": detail.reason,
        "path": detail.path,
        "detail": detail.detail,
        "correlation id": detail.correlation_id or "none",
        "failed in": detail.stage,
        "received at": detail.received_at.isoformat(),
        "failed at": detail.failed_at.isoformat(),
        "replays": str(detail.replays),
        "bytes": f"{detail.bytes:,}" + (", only the beginning is kept" if detail.truncated else ""),
    }
    for name, value in facts.items():
        console.print(Text.assemble((f"{name:<15}", "bold"), printable(value)), soft_wrap=True)
    console.print()
    console.print(Text(readable(letter.raw)), soft_wrap=True)


def show_tally(console: Console, tally: ReplayTally, *, dry_run: bool) -> None:
    """What a replay has done, or would do."""
    passed = "would be replayed" if dry_run else "replayed"
    console.print(f"{tally.selected:,} looked at, {tally.replayed:,} {passed}")
    for reason, letters in tally.rejected.items():
        console.print(f"{letters:,} are still refused and stay: {reason}{_WHY.get(reason, '')}")
    if tally.not_replayable:
        console.print(f"{tally.not_replayable:,} cannot be replayed and stay: only their beginning was kept")


_WHY = {
    "malformed_json": " (their bytes are not one JSON event, which no other version of a format will change)"
}


def _cell(text: str) -> Text:
    return Text(printable(text))
