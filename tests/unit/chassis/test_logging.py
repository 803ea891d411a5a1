"""One line per record, with what is needed to find its request and nothing that must stay secret."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from pipeline.chassis.correlation import begin_correlation
from pipeline.chassis.logging import LoggingSettings, configure_logging

Lines = Callable[[], list[str]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """What was written to standard output since the last look."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    # A module that logs for the first time here must not keep this configuration for ever.
    configured = structlog.get_config()
    yield lambda: capsys.readouterr().out.splitlines()
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**configured)


def configure(**settings: Any) -> Any:
    configure_logging(LoggingSettings(**settings), "gateway")
    return structlog.get_logger()


def test_a_record_is_one_line_of_json_with_service_and_correlation_id(lines: Lines) -> None:
    log = configure()
    begin_correlation("request-17")
    log.info("something_happened", events=3, text="with\na new line")
    (line,) = lines()
    record = json.loads(line)
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "event": "something_happened",
        "level": "info",
        "service": "gateway",
        "correlation_id": "request-17",
        "events": 3,
        "text": "with\na new line",
    }


def test_records_of_libraries_have_the_same_form(lines: Lines) -> None:
    configure()
    begin_correlation("request-17")
    logging.getLogger("some.library").warning("lost %s", "connection")
    (line,) = lines()
    record = json.loads(line)
    assert (record["event"], record["level"]) == ("lost connection", "warning")
    assert (record["service"], record["correlation_id"]) == ("gateway", "request-17")


def test_a_batch_may_carry_the_correlation_id_of_its_own(lines: Lines) -> None:
    log = configure()
    begin_correlation("request-17")
    log.info("event_dead_lettered", correlation_id="request-16")
    assert json.loads(lines()[0])["correlation_id"] == "request-16"


@pytest.mark.parametrize(("level", "written"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_what_is_below_the_level_is_not_written(lines: Lines, level: str, written: int) -> None:
    log = configure(log_level=level)
    for method in (log.debug, log.info, log.warning, log.error):
        method("something_happened")
    assert len(lines()) == written


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_an_exception_shows_its_traceback_but_no_local_variables(lines: Lines, log_format: str) -> None:
    log = configure(log_format=log_format)

    def work() -> None:
        password = "".join(["hunter", "2"])
        raise RuntimeError(f"{len(password)} characters were not enough")

    try:
        work()
    except RuntimeError:
        log.exception("unexpected_error")
    written = "\n".join(lines())
    assert "7 characters were not enough" in written
    assert "in work" in written
    assert "hunter2" not in written


def test_an_exception_is_still_one_line_of_json(lines: Lines) -> None:
    log = configure()
    try:
        raise RuntimeError("first\nsecond")
    except RuntimeError as error:
        log.error("unexpected_error", exc_info=error)
    (line,) = lines()
    assert "second" in json.loads(line)["exception"]


def test_the_form_for_people_is_no_json(lines: Lines) -> None:
    configure(log_format="console").info("something_happened", events=3)
    (line,) = lines()
    assert not line.startswith("{")
    assert "something_happened" in line
    assert "events=3" in line


@pytest.mark.parametrize("value", ["\x00\ud83d", b"\xff", object(), {1, 2}, float("nan")])
def test_no_value_keeps_a_record_from_being_written(lines: Lines, value: object) -> None:
    configure().warning("odd", value=value)
    assert json.loads(lines()[0])["event"] == "odd"


def test_client_libraries_do_not_log_their_requests(lines: Lines) -> None:
    configure()
    for name in ("httpx", "prisma", "uvicorn"):
        logging.getLogger(name).info("GET https://user:secret@host/")
    assert lines() == []
