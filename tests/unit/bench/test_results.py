"""What is written down: met and missed targets as they are, errors too."""

import pytest

from bench import markdown, targets
from bench.options import SECTIONS, parse
from bench.outcome import Cost, Outcome, Usage, Verdict


def usage(elsewhere_seconds: float = 0.0) -> Usage:
    return Usage(
        [Cost("nats", 2.0, 30_000_000), Cost("gateway", 6.0, 90_000_000)], 100_000, 10.0, elsewhere_seconds
    )


def test_costs_are_per_thousand_events_with_the_dearest_first_and_a_sum():
    rows = list(markdown.cost_rows(usage()))
    assert rows[0] == ("gateway", "0.06000", "60%", "90 MB")
    assert [row[0] for row in rows] == ["gateway", "nats", "together", "everything else on the machine"]
    assert rows[2] == ("together", "0.08000", "80%", "120 MB")


def test_a_busy_machine_is_said_to_be_one():
    assert "50% of a core" in markdown.caution(usage(elsewhere_seconds=5.0))
    assert markdown.caution(usage(elsewhere_seconds=1.0)) == ""


def test_a_missed_target_is_written_down_as_missed():
    outcome = Outcome("Single", [("POSTs/s", "985")], verdicts=[targets.single_posts(985)])
    text = markdown.document([("commit", "abc")], {"single": outcome}, [Verdict("ratio", "2x", None)])
    assert "| 985/s | MISSED |" in text
    assert "| ratio | 2x |  |" in text
    assert "## Single" in text


def test_a_failed_section_says_why():
    text = markdown.document([], {"peer": Outcome("peer", error="RuntimeError: no server")}, [])
    assert "Not measured: RuntimeError: no server" in text


def test_a_bar_in_a_cell_does_not_break_the_table():
    assert markdown.table(("a",), [("x|y",)])[-1] == "| x\\|y |"


def test_only_a_run_that_was_long_enough_and_kept_up_meets_the_target():
    def met(per_second: float, drain: float, seconds: float, refused: str = "") -> bool | None:
        return targets.end_to_end("firehose", per_second, drain, seconds, refused)[0].met

    assert met(25_400, 0.6, 60)
    assert not met(25_400, 0.6, 10)
    assert not met(25_400, 12.0, 60)
    assert not met(25_400, 0.6, 60, "3 POSTs with 503")
    assert not met(19_999, 0.6, 60)


def test_ratios_appear_when_both_sides_were_measured():
    ours = Outcome("closed", values={"per_second": 20_000.0, "cpu_per_thousand": 0.08})
    peer = Outcome("peer", values={"per_second": 1_000.0, "cpu_per_thousand": 1.2})
    assert targets.ratios({"closed": ours}) == []
    assert [(v.measured[:5], v.met) for v in targets.ratios({"closed": ours, "peer": peer})] == [
        ("20.0x", True),
        ("15.0x", None),
    ]


def test_sections_are_chosen_by_name_or_group_and_run_in_their_order():
    assert parse([]).only == SECTIONS
    assert parse(["--only", "peer,pipeline"]).only == ("firehose", "steady", "closed", "peer")
    assert parse(["--no-write"]).output is None
    with pytest.raises(SystemExit):
        parse(["--only", "weather"])
