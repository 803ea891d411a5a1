"""A dead letter is judged by the rules of today, in the format that it came in or as the source that it names."""

from datetime import timedelta

import msgspec
import pytest

from collectors.registry import SOURCES
from pipeline.events.judging import EventJudge
from pipeline.events.reasons import Reason
from tests.unit.builders import NOW, as_json, changed, good_event
from tests.unit.letters import letter

GOOD = as_json(good_event())


@pytest.fixture
def judge() -> EventJudge:
    return EventJudge(SOURCES, event_size_limit=10_000)


@pytest.mark.parametrize(
    ("source", "format_name"),
    [("facebook", "facebook.event.v1"), ("facebook", ""), ("unknown", ""), ("left-us", "left-us.event.v1")],
)
def test_what_the_rules_of_today_accept_passes_as_the_event_that_it_is(
    judge: EventJudge, source: str, format_name: str
) -> None:
    verdict = judge.judge_letter(letter(GOOD, source=source, format=format_name), NOW)
    assert (verdict.source, verdict.format, verdict.rejection) == ("facebook", "facebook.event.v1", None)


@pytest.mark.parametrize("format_name", ["facebook.event.v1", ""])
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (as_json(good_event(funnelStage="middle")), Reason.SCHEMA_VIOLATION),
        (as_json(good_event(eventId="fb-\x00")), Reason.UNSTORABLE_TEXT),
        (GOOD[:-1], Reason.MALFORMED_JSON),
        (b"\xff\xfe no JSON", Reason.MALFORMED_JSON),
        (b"", Reason.MALFORMED_JSON),
        (b"[" + GOOD + b"]", Reason.SCHEMA_VIOLATION),
        (as_json(good_event(timestamp=(NOW + timedelta(days=2)).isoformat())), Reason.TIMESTAMP_OUT_OF_RANGE),
        (as_json(good_event(more="x" * 10_000)), Reason.TOO_LARGE),
    ],
)
def test_what_they_refuse_is_refused_with_the_reason_of_today(
    judge: EventJudge, raw: bytes, reason: Reason, format_name: str
) -> None:
    verdict = judge.judge_letter(letter(raw, Reason.STORAGE_REJECTED, format=format_name), NOW)
    assert verdict.rejection
    assert verdict.rejection.reason == reason
    assert verdict.source == "facebook"


def test_a_format_that_is_still_unknown_is_still_refused(judge: EventJudge) -> None:
    verdict = judge.judge_letter(letter(GOOD, format="facebook.event.v99"), NOW)
    assert verdict.rejection
    assert verdict.rejection.reason == Reason.UNSUPPORTED_FORMAT
    assert verdict.format == "facebook.event.v99"


def test_a_source_that_has_been_added_since_takes_its_letters(judge: EventJudge) -> None:
    came = letter(as_json(changed(good_event(), "$.source", "instagram")), source="unknown", format="")
    refused = judge.judge_letter(came, NOW).rejection
    assert refused
    assert refused.path == "$.source"
    instagram = msgspec.structs.replace(SOURCES["facebook"], name="instagram")
    added = EventJudge({**SOURCES, "instagram": instagram}, event_size_limit=10_000)
    assert added.judge_letter(came, NOW).source == "instagram"
