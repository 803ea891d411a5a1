import asyncio
import io
from collections import Counter

import pytest
from msgspec.structs import replace
from rich.console import Console

from publisher.account import Account
from publisher.answers import UNKNOWN, Outcome
from publisher.ledger import Offence, Offender
from publisher.progress import Reporter
from publisher.report import show_summary
from publisher.settings import Settings
from publisher.summary import Summary, Verification

SUMMARY = Summary(
    seed=7,
    elapsed_seconds=10.0,
    posts=11,
    bytes=4_300_000,
    sent=10_001,
    accepted=10_000,
    rejected=1,
    unknown=0,
    duplicates=12,
    corrupted=1,
    retries=2,
    answers={"202": 11, "reset": 2},
    latency_p50_ms=1.5,
    latency_p95_ms=20.0,
    latency_p99_ms=300.25,
)


def pipe() -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=100), text


def verification(*offenders: Offender) -> Verification:
    return Verification(9_999, 0, 1.5, True, "", len(offenders), list(offenders))


def shown(**changes) -> str:
    console, text = pipe()
    show_summary(console, replace(SUMMARY, **changes))
    return text.getvalue()


def test_the_summary_has_every_figure_and_no_escape_codes():
    text = shown()
    for part in (
        "10,001 events in 11 POSTs",
        "1,000 events/s",
        "202: 11, reset: 2",
        "1.5 / 20.0 / 300.2 ms",
        "12 sent",
    ):
        assert part in text
    assert "\x1b" not in text


def test_a_passed_verification_says_how_much_was_checked():
    assert "verified: 9,999 events stored exactly once; reports agree with the truth" in shown(
        verification=verification()
    )


def test_a_failed_verification_names_the_offenders_and_fails_the_program():
    found = verification(*[Offender(Offence.LOST, f"fb-{number}", "stored 0 times") for number in range(30)])
    text = shown(verification=found)
    assert "verification FAILED: 30 offenders" in text
    assert "acknowledged, but not stored: fb-0 (stored 0 times)" in text
    assert text.count("fb-") == 20
    assert replace(SUMMARY, verification=found).exit_code == 1
    assert replace(SUMMARY, verification=verification()).exit_code == SUMMARY.exit_code == 0


async def watched(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("publisher.progress.LINE_SECONDS", 0.02)
    monkeypatch.setattr("publisher.progress.QUIET_LINE_SECONDS", 0.06)
    console, text = pipe()
    account = Account()
    with Reporter(console, quiet).watching(account, Counter({"202": 3}), Settings()):
        account.totals.sent = 500
        await asyncio.sleep(0.15)
    return text.getvalue()


async def test_in_a_pipe_progress_is_plain_lines(monkeypatch: pytest.MonkeyPatch):
    text = await watched(False, monkeypatch)
    assert len(text.splitlines()) >= 3
    assert "sent=500 accepted=0 rejected=0 unknown=0 202=3" in text
    assert "\x1b" not in text


async def test_quiet_means_far_fewer_lines(monkeypatch: pytest.MonkeyPatch):
    assert 1 <= len((await watched(True, monkeypatch)).splitlines()) <= 2


async def test_on_a_terminal_there_is_a_bar():
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    account = Account()
    with Reporter(console).watching(account, Counter(), Settings(count=1_000)):
        account.totals.sent = 500
        await asyncio.sleep(0.3)
    assert "━" in text.getvalue()


def test_of_the_same_problem_only_one_line_is_shown_for_a_while():
    console, text = pipe()
    reporter = Reporter(console)
    for _ in range(1_000):
        reporter.problem(Outcome(503, bytes([UNKNOWN]), [], "later"))
        reporter.problem(Outcome(0, bytes([UNKNOWN]), [], "reset: connection closed"))
    lines = [line.partition(" ")[2] for line in text.getvalue().splitlines()]
    assert lines == ["answered 503: later", "no answer: reset: connection closed"]


def test_text_from_the_gateway_is_not_taken_for_markup():
    console, text = pipe()
    Reporter(console).problem(Outcome(400, b"", [], "[red]not[/red] [/]"))
    assert "[red]not[/red] [/]" in text.getvalue()
