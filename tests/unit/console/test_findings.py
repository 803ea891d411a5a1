"""What is failing, and what to do about it."""

import msgspec
import pytest

from console.status.findings import Finding, findings_of
from console.status.snapshot import FailingCheck, Snapshot
from tests.unit.console.snapshots import server, service, snapshot, source, stream, with_service


def only(found: Snapshot) -> Finding:
    (finding,) = findings_of(found)
    return finding


def test_nothing_is_said_when_all_is_well() -> None:
    assert findings_of(snapshot()) == []


def test_a_server_that_is_away_is_said_once_and_not_by_each_service_that_needs_it() -> None:
    services = [
        service("facebook-collector", "not ready", failing=[FailingCheck("postgres", "refused")]),
        service("tiktok-collector", "not ready", failing=[FailingCheck("postgres", "refused")]),
        service("reporter", "not ready", failing=[FailingCheck("postgres", "refused")]),
    ]
    found = snapshot(services=services, servers=[server("nats"), server("postgres", away="refused")])

    finding = only(found)

    assert finding.severity == "problem"
    assert finding.what == "Postgres is not reachable: refused"
    assert "Events are accepted and wait" in finding.advice


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("nats", "senders get 503"), ("postgres", "wait in the stream"), ("redis", "Live counters stand still")],
)
def test_each_server_that_is_away_means_something_else(name: str, meaning: str) -> None:
    well = snapshot()
    servers = [each for each in well.servers if each.name != name]

    finding = only(snapshot(servers=[server(name, away="no answer in time"), *servers]))

    assert meaning in finding.advice
    assert "no answer in time" in finding.what


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("gateway", "Senders reach nobody"),
        ("facebook-collector", "wait in the stream"),
        ("reporter", "Nobody can read reports"),
    ],
)
def test_a_service_that_is_away_is_named_with_its_log(name: str, meaning: str) -> None:
    finding = only(with_service(name, "away", detail="nothing listens there"))

    assert finding.severity == "problem"
    assert f"{name} at http://{name}:80 does not answer: nothing listens there" in finding.what
    assert meaning in finding.advice
    assert f"./start.sh logs {name}" in finding.advice


def test_a_stalled_writer_is_a_reason_of_the_collectors_own() -> None:
    finding = only(
        with_service("facebook-collector", "not ready", FailingCheck("writer", "stalled for 61 s"))
    )

    assert finding.what == "facebook-collector is not ready: writer: stalled for 61 s"
    assert finding.severity == "problem"


def test_a_service_that_can_do_without_something_is_worth_a_note() -> None:
    lacking = FailingCheck("counters", "being rebuilt", optional=True)

    finding = only(with_service("facebook-collector", "degraded", lacking))

    assert (finding.severity, finding.what) == (
        "note",
        "facebook-collector is degraded: counters: being rebuilt",
    )


def test_what_a_service_can_do_without_is_not_why_it_is_not_ready() -> None:
    optional = FailingCheck("redis", "it asks Postgres first", optional=True)
    services = [
        service("facebook-collector", "not ready", failing=[FailingCheck("postgres", "refused"), optional])
    ]
    found = snapshot(
        services=services, servers=[server("postgres", away="refused")], sources=[source("facebook")]
    )

    assert only(found).what == "Postgres is not reachable: refused"


def test_a_stream_that_fills_up_is_a_problem_before_it_is_full() -> None:
    assert findings_of(snapshot(streams=[stream("EVENTS", 0.69)])) == []

    nearly, full = (only(snapshot(streams=[stream("EVENTS", share)])) for share in (0.7, 0.99))

    assert (nearly.severity, nearly.what) == ("problem", "the stream of accepted events is 70 % full")
    assert (full.severity, "senders get 503" in full.what) == ("problem", True)
    assert "EVENTS_MAX_BYTES" in full.advice


def test_many_dead_letters_are_worth_a_note_because_the_oldest_go() -> None:
    finding = only(snapshot(streams=[stream("DEAD_LETTERS", 0.95)]))

    assert finding.severity == "note"
    assert "./sluice dead-letters" in finding.advice


def test_a_missing_stream_is_a_problem() -> None:
    assert only(snapshot(streams=[stream("EVENTS", exists=False)])).what == "there is no stream EVENTS"


def test_events_that_wait_for_a_collector_that_was_never_there() -> None:
    finding = only(snapshot(sources=[source("facebook", has_consumer=False, batches=7)]))

    assert (finding.severity, finding.what) == (
        "problem",
        "7 batches of facebook wait, and no collector was ever there",
    )


def test_no_consumer_and_nothing_waits_is_nothing_to_talk_of() -> None:
    assert findings_of(snapshot(sources=[source("facebook", has_consumer=False, batches=0)])) == []


def test_a_backlog_that_shrinks_needs_nobody() -> None:
    behind = source("facebook", oldest_seconds=180.0, catch_up_seconds=45.0)

    finding = only(snapshot(sources=[behind]))

    assert (finding.severity, finding.what) == (
        "note",
        "facebook is 3 min 0 s behind and catches up in 45 s",
    )


def test_a_backlog_that_does_not_shrink_is_a_problem() -> None:
    finding = only(snapshot(sources=[source("facebook", oldest_seconds=180.0, catch_up_seconds=None)]))

    assert (finding.severity, finding.what) == (
        "problem",
        "facebook is 3 min 0 s behind and does not catch up",
    )
    assert "start another" in finding.advice


def test_a_backlog_is_not_told_besides_the_collector_that_causes_it() -> None:
    found = msgspec.structs.replace(
        with_service("facebook-collector", "away"), sources=[source("facebook", oldest_seconds=180.0)]
    )

    assert only(found).what.startswith("facebook-collector at")


def test_a_collector_that_looks_well_and_reports_nothing_is_found_out() -> None:
    finding = only(snapshot(sources=[source("tiktok", silent_seconds=75.0)]))

    assert finding.what == "the collectors of tiktok have reported no progress for 1 min 15 s"
    assert finding.severity == "problem"


def test_a_few_refused_events_are_a_note_and_a_flood_is_a_problem() -> None:
    few = only(snapshot(sources=[source("facebook", refused_per_second=6.0)]))
    flood = only(snapshot(sources=[source("facebook", accepted_per_second=0.0, refused_per_second=900.0)]))

    assert (few.severity, few.what) == (
        "note",
        "facebook: 6 events a second are refused, 0.5 % of what comes",
    )
    assert (flood.severity, "100 %" in flood.what) == ("problem", True)
    assert "./sluice dead-letters list --source facebook" in flood.advice


def test_collectors_of_unknown_whereabouts_are_one_note() -> None:
    finding = only(snapshot(services=[service("gateway"), service("reporter")]))

    assert finding.severity == "note"
    assert "facebook, tiktok" in finding.what
    assert "COLLECTOR_URLS=facebook=" in finding.advice


def test_problems_come_before_notes() -> None:
    found = findings_of(
        snapshot(
            sources=[source("facebook", refused_per_second=1.0), source("tiktok")],
            streams=[stream("EVENTS", 0.8)],
        )
    )

    assert [finding.severity for finding in found] == ["problem", "note"]
