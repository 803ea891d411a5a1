"""Ports, disk, clock, open files."""

import socket
from pathlib import Path

import pytest

from console.doctor.disk import judge_disk, judge_growth
from console.doctor.machine import judge_clock, judge_open_files
from console.doctor.ports import holder, judge_port
from console.status.services import Service

GATEWAY = Service("gateway", "gateway", "http://127.0.0.1:3001")
COLLECTOR = Service("facebook-collector", "collector", "http://127.0.0.1:3002", "facebook")
GB = 1024**3
FOLDER = Path("/data")


@pytest.mark.parametrize(
    ("answers", "held_by", "status", "found"),
    [
        ("gateway", "python3, process 7", "ok", "3001: gateway"),
        ("", None, "ok", "3001: free for gateway, which does not run"),
        ("", "nginx, process 7", "failed", "3001: taken by nginx, process 7, and gateway does not answer"),
        ("reporter", "python3, process 7", "failed", "3001: reporter where gateway should be"),
    ],
)
def test_a_port_is_ours_free_or_taken(answers: str, held_by: str | None, status: str, found: str) -> None:
    (result,) = judge_port(GATEWAY, 3001, answers, held_by)

    assert (result.status, result.found) == (status, found)


def test_the_variable_that_changes_the_port_is_named() -> None:
    (result,) = judge_port(COLLECTOR, 3002, "", "nginx, process 7")

    assert "FACEBOOK_COLLECTOR_PORT" in result.advice


def test_whoever_holds_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert "process" in (holder(port) or "")
    assert holder(port) is None


@pytest.mark.parametrize(
    ("free", "held", "status"),
    [(100 * GB, 0, "ok"), (5 * GB, 0, "warning"), (5 * GB, 4 * GB, "ok"), (GB // 2, 5 * GB, "failed")],
)
def test_the_streams_have_room_up_to_their_limits(free: int, held: int, status: str) -> None:
    (result,) = judge_disk(free, 5 * GB, held, FOLDER)

    assert result.status == status


def test_the_disk_lasts_so_many_days() -> None:
    (soon,) = judge_growth(11 * GB, GB, None, 40 * GB)
    (now,) = judge_growth(2 * GB, GB, None, 40 * GB)
    (late,) = judge_growth(500 * GB, GB, None, 40 * GB)

    assert (soon.status, "lasts 10 days" in soon.found) == ("warning", True)
    assert (now.status, "lasts 1 days" in now.found) == ("failed", True)
    assert late.status == "ok"


def test_a_database_that_retention_keeps_in_bounds_does_not_fill_the_disk() -> None:
    (result,) = judge_growth(50 * GB, GB, 30, 40 * GB)

    assert (result.status, "RETENTION_DAYS" in result.found) == ("ok", True)


def test_a_new_database_has_no_growth_yet() -> None:
    (result,) = judge_growth(50 * GB, 0.0, 90, 10 * 1024**2)

    assert (result.status, "10.0 MB" in result.found) == ("ok", True)


@pytest.mark.parametrize(
    ("theirs", "status"),
    [
        (1000.0, "ok"),
        (1000.4, "ok"),
        (1001.9, "ok"),
        (1002.6, "warning"),
        (998.5, "warning"),
        (4600.0, "warning"),
    ],
)
def test_clocks_agree_within_a_second_of_the_time_that_the_question_took(theirs: float, status: str) -> None:
    (result,) = judge_clock("Postgres", theirs, before=1000.0, after=1001.0)

    assert result.status == status


def test_the_direction_of_a_skew_is_told() -> None:
    (ahead,) = judge_clock("NATS", 4600.0, before=1000.0, after=1000.0)
    (behind,) = judge_clock("NATS", 400.0, before=1000.0, after=1000.0)

    assert "NATS is 1:00:00 ahead of this machine" in ahead.found
    assert "NATS is 0:10:00 behind this machine" in behind.found


@pytest.mark.parametrize(
    ("limit", "status"), [(1024, "warning"), (4096, "ok"), (1_048_576, "ok"), (-1, "ok")]
)
def test_open_files(limit: int, status: str) -> None:
    (result,) = judge_open_files(limit)

    assert result.status == status
