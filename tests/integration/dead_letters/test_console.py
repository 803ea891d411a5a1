"""`sluice dead-letters` as people and programs use it."""

import json
from base64 import b64decode
from datetime import timedelta

import pytest

from pipeline.events.reasons import Reason, Rejection
from pipeline.stream import DeadLetterFilter
from tests.integration.dead_letters.conftest import Console, Desk
from tests.unit.builders import NOW
from tests.unit.letters import letter

EVERYTHING = DeadLetterFilter()
CLEAR_SCREEN = b"\x1b[2J\x1b]0;owned\x07\xc2\x9b31m"


async def test_list_counts_first_and_names_the_newest(desk: Desk, console: Console) -> None:
    letters = [letter(failed_at=NOW + timedelta(seconds=second)) for second in range(30)]
    await desk.keeper.keep([*letters, letter(source="tiktok", reason=Reason.TOO_LARGE)])

    said = console("list", "--limit", "5")

    assert (said.status, said.err) == (0, "")
    counted = next(line.split() for line in said.out.splitlines() if "facebook" in line)
    assert counted == ["facebook", "schema_violation", "30"]
    assert letters[-1].id[:12] in said.out
    assert letters[-6].id[:12] not in said.out
    assert console("list", "--source", "tiktok", "--json").out.count('"id"') == 1


@pytest.mark.exhaustive
async def test_every_filter_reaches_the_stream(desk: Desk, console: Console) -> None:
    meant = letter(
        id="feed" * 8,
        source="tiktok",
        reason=Reason.TOO_LARGE,
        correlation_id="request-99",
        failed_at=NOW + timedelta(days=3),
    )
    await desk.keeper.keep([letter() for _ in range(20)] + [meant])
    day = f"{meant.failed_at:%Y-%m-%d}"
    for options in (
        ["--source", "tiktok"],
        ["--reason", "too_large"],
        ["--from", day],
        ["--from", day, "--to", day],
        ["--correlation-id", "request-99"],
        ["--id", "feedfeed"],
    ):
        told = json.loads(console("list", "--json", *options).out)
        assert [each["id"] for each in told["letters"]] == [meant.id], options
        assert told["total"] == 1
    assert json.loads(console("list", "--json", "--to", f"{NOW:%Y-%m-%d}").out)["total"] == 20


@pytest.mark.exhaustive
async def test_show_tells_everything_and_nothing_of_it_reaches_the_terminal_as_a_command(
    desk: Desk, console: Console, console_at_a_terminal: Console
) -> None:
    rejection = Rejection(Reason.MALFORMED_JSON, "$", "said \x1b[31mred\x1b[0m")
    nasty = letter(b"\xff" + CLEAR_SCREEN + b"[bold]x[/bold]", rejection=rejection, replays=3)
    await desk.keeper.keep([nasty])

    for said in (console("show", nasty.id), console_at_a_terminal("show", nasty.id)):
        assert said.status == 0
        for fact in (
            nasty.id,
            "malformed_json",
            "request-17",
            "gateway",
            "2026-05-14T12:00:00+00:00",
            "replays",
        ):
            assert fact in said.out
        assert "\\xff\\x1b[2J\\x1b]0;owned\\x07\\x9b31m[bold]x[/bold]" in said.out
    assert "\x1b" not in console("show", nasty.id).out
    assert "\x1b[2J" not in console_at_a_terminal("list").out
    assert "\x1b[31m" not in console_at_a_terminal("list").out


@pytest.mark.exhaustive
async def test_show_prints_json_readably_and_bytes_exactly(desk: Desk, console: Console) -> None:
    raw = '{"price":1.50,"name":"Łucja","nested":{"a":[1,2]}}'.encode()
    kept = letter(raw)
    await desk.keeper.keep([kept])
    shown = console("show", kept.id[:6]).out
    assert '  "price": 1.50,\n  "name": "Łucja",\n' in shown
    assert console("show", kept.id, "--raw").out.encode() == raw
    told = json.loads(console("show", kept.id, "--json").out)
    assert (told["raw"].encode(), b64decode(told["rawBase64"])) == (raw, raw)
    assert (told["reason"], told["receivedAt"], told["replays"]) == (
        "schema_violation",
        "2026-05-14T12:00:00Z",
        0,
    )


@pytest.mark.exhaustive
async def test_raw_bytes_are_not_sent_to_a_terminal(desk: Desk, console_at_a_terminal: Console) -> None:
    kept = letter(CLEAR_SCREEN)
    await desk.keeper.keep([kept])
    said = console_at_a_terminal("show", kept.id, "--raw")
    assert said.status == 2
    assert "\x1b[2J" not in said.out


@pytest.mark.exhaustive
async def test_an_id_that_is_unclear_is_told_with_what_it_could_mean(desk: Desk, console: Console) -> None:
    await desk.keeper.keep([letter(id="abcdef01" + "0" * 24), letter(id="abcdef02" + "0" * 24)])
    unclear = console("show", "abcdef")
    assert unclear.status == 1
    assert "abcdef01" in unclear.err
    assert "abcdef02" in unclear.err
    assert (console("show", "ffff").status, console("show", "ab").status) == (1, 2)
    assert console("discard", "--id", "abcdef", "--yes").status == 1


@pytest.mark.exhaustive
async def test_nothing_is_discarded_without_a_yes(
    desk: Desk, console: Console, console_at_a_terminal: Console
) -> None:
    await desk.keeper.keep(letter() for _ in range(700))

    assert console("discard").status == 2, "nobody to ask"
    assert console("replay").status == 2
    declined = console_at_a_terminal("discard", answer="n\n")
    assert declined.status == 1
    assert "Discard 700 dead letters for good?" in declined.out
    dry = console("discard", "--dry-run", "--json")
    assert json.loads(dry.out) == {"selected": 700, "discarded": 0, "dryRun": True}
    assert await total(desk) == 700

    assert json.loads(console("discard", "--yes", "--limit", "300", "--json").out)["discarded"] == 300
    assert await total(desk) == 400
    accepted = console_at_a_terminal("discard", answer="y\n")
    assert "400/400" in accepted.out
    assert "400 discarded" in accepted.out
    assert await total(desk) == 0


@pytest.mark.exhaustive
async def test_a_replay_tells_what_stays_and_why(desk: Desk, console: Console) -> None:
    await desk.keeper.keep(
        [
            letter(b'[{"a":1},', Reason.MALFORMED_JSON, source="unknown", format=""),
            letter(b'{"eventId": "fb-1", ', truncated=True),
            letter(b"{}"),
        ]
    )
    dry = console("replay", "--dry-run")
    assert (dry.status, "0 would be replayed" in dry.out) == (0, True)
    said = console("replay", "--yes")
    assert said.status == 0
    assert "3 looked at, 0 replayed" in said.out
    assert "1 are still refused and stay: malformed_json (their bytes are not one JSON event" in said.out
    assert "1 cannot be replayed and stay" in said.out
    assert await total(desk) == 3


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--source", "myspace"],
        ["list", "--reason", "boredom"],
        ["list", "--from", "yesterday"],
        ["list", "--from", "2026-05-15", "--to", "2026-05-14T00:00:00Z"],
        ["replay", "--limit", "0", "--yes"],
        ["forward"],
    ],
)
async def test_what_is_not_understood_is_status_2(console: Console, arguments: list[str]) -> None:
    said = console(*arguments)
    assert (said.status, said.out) == (2, "")
    assert "Traceback" not in said.err


@pytest.mark.exhaustive
async def test_without_nats_there_is_one_clear_line(console: Console) -> None:
    said = console(
        "list", "--json", NATS_URL="nats://operator:secret@127.0.0.1:1", NATS_REQUEST_TIMEOUT_SECONDS="0.5"
    )
    assert (said.status, said.out) == (1, "")
    [line] = said.err.splitlines()
    assert "127.0.0.1:1" in line
    assert "secret" not in line


async def total(desk: Desk) -> int:
    return sum(count.letters for count in await desk.archive.counts(EVERYTHING))
