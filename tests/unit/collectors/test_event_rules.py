"""Every rule of EVENTS §1, at its boundary and beyond it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from collectors.registry import SOURCES
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.source import Event
from tests.unit.builders import KINDS, MISSING, NOW, Document, as_json, changed, good_event

USER = "$.data.user"
ENGAGEMENT = "$.data.engagement"
FACEBOOK_TOP, FACEBOOK_BOTTOM, TIKTOK_TOP, TIKTOK_BOTTOM = KINDS
FACEBOOK, TIKTOK = (FACEBOOK_TOP, FACEBOOK_BOTTOM), (TIKTOK_TOP, TIKTOK_BOTTOM)
PAID = (FACEBOOK_BOTTOM, TIKTOK_BOTTOM)

Kind = tuple[str, str]


def judge(event: Document | bytes, source: str) -> Event | Rejection:
    event_format = SOURCES[source].formats[SOURCES[source].event_format or ""]
    return event_format.judge(event if isinstance(event, bytes) else as_json(event), NOW)


def _short(value: object) -> str:
    return "missing" if value is MISSING else repr(value)[:30]


def table(*entries: tuple[tuple[Kind, ...], str, list[Any]]) -> list[Any]:
    """One case for each kind of event that an entry names and each of its values."""
    return [
        pytest.param(source, stage, path, value, id=f"{source}-{stage}-{path}-{_short(value)}")
        for kinds, path, values in entries
        for source, stage in kinds
        for value in values
    ]


IN_A_DAY = NOW + timedelta(hours=24)

ACCEPTED = table(
    (KINDS, "$.eventId", ["x", "x" * 128, "ü" * 128, "not a uuid", " "]),
    (
        KINDS,
        "$.timestamp",
        [
            "2026-05-14T10:46:28Z",
            "2026-05-14T10:46:28.214Z",
            "2026-05-14T10:46:28.214567+00:00",
            "2026-05-14T19:46:28+09:00",
            "2026-05-13T23:16:28-11:30",
            (IN_A_DAY - timedelta(minutes=1)).isoformat(),
            IN_A_DAY.isoformat(),
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
        ],
    ),
    ((FACEBOOK_TOP,), "$.eventType", ["ad.view", "page.like", "comment", "video.view"]),
    ((FACEBOOK_BOTTOM,), "$.eventType", ["ad.click", "form.submission", "checkout.complete"]),
    ((TIKTOK_TOP,), "$.eventType", ["video.view", "like", "share", "comment"]),
    ((TIKTOK_BOTTOM,), "$.eventType", ["profile.visit", "purchase", "follow"]),
    (FACEBOOK, f"{USER}.age", [0, 1, 149, 150]),
    (FACEBOOK, f"{USER}.gender", ["male", "female", "non-binary"]),
    (FACEBOOK, f"{USER}.name", ["", "日本 🛒", "'; DROP TABLE events; --"]),
    ((FACEBOOK_TOP,), f"{ENGAGEMENT}.referrer", ["newsfeed", "marketplace", "groups"]),
    ((FACEBOOK_TOP,), f"{ENGAGEMENT}.videoId", [None, "vid-1"]),
    (
        (FACEBOOK_TOP, TIKTOK_BOTTOM),
        f"{ENGAGEMENT}.actionTime",
        ["2026-05-14T10:46:28Z", "2026-05-14T10:46:28"],
    ),
    ((FACEBOOK_BOTTOM,), f"{ENGAGEMENT}.clickPosition", ["top_left", "bottom_right", "center"]),
    ((FACEBOOK_BOTTOM,), f"{ENGAGEMENT}.device", ["mobile", "desktop"]),
    ((FACEBOOK_BOTTOM,), f"{ENGAGEMENT}.browser", ["Chrome", "Firefox", "Safari"]),
    (
        PAID,
        f"{ENGAGEMENT}.purchaseAmount",
        [None, "0", "0.01", "49.90", "1000.00", "999999999999999.99999999"],
    ),
    (TIKTOK, f"{USER}.followers", [0, 1, 10**12]),
    ((TIKTOK_TOP,), f"{ENGAGEMENT}.watchTime", [0, 0.0, 0.001, 86_400, 1e9]),
    ((TIKTOK_TOP,), f"{ENGAGEMENT}.percentageWatched", [0, 0.5, 99.999, 100, 100.0]),
    ((TIKTOK_TOP,), f"{ENGAGEMENT}.device", ["Android", "iOS", "Desktop"]),
    ((TIKTOK_BOTTOM,), f"{ENGAGEMENT}.profileId", [None, "profile-1"]),
    ((TIKTOK_BOTTOM,), f"{ENGAGEMENT}.purchasedItem", [None, "item-1"]),
)


@pytest.mark.parametrize(("source", "stage", "path", "value"), ACCEPTED)
def test_what_the_rules_allow_is_accepted(source: str, stage: str, path: str, value: object) -> None:
    event = changed(good_event(source, stage), path, value)
    verdict = judge(event, source)
    assert not isinstance(verdict, Rejection), verdict
    assert verdict.event_id == event["eventId"]


BAD_AMOUNTS = [
    *(
        "-1",
        "1e5",
        "NaN",
        "Infinity",
        " 1",
        "1 ",
        "1\n",
        "\n1",
        "",
        ".5",
        "1.",
        "+1",
        "1,5",
        "0x10",
        "1_000",
        "١٢",
    ),
    *("1" * 16, "1.123456789", 49.9, 49, True, []),
]

REFUSED = table(
    (KINDS, "$.eventId", ["", "x" * 129, 17, ["fb-1"], {}]),
    (
        KINDS,
        "$.timestamp",
        [
            *("invalid-timestamp", "", "2026-05-14", "2026-05-14T10:46:28", "2026-02-30T10:46:28Z"),
            *("2026-05-14T25:00:00Z", "14/05/2026 10:46", "10000-01-01T00:00:00Z", 1747219588, 1747219588.2),
        ],
    ),
    (KINDS, "$.source", ["instagram", "Facebook", "", 1]),
    (KINDS, "$.funnelStage", ["invalid-stage", "TOP", "", 1]),
    (KINDS, "$.eventType", ["unknown", "", ["unknown", "event"], 1]),
    (KINDS, "$.data", ["x", [], 1]),
    (KINDS, USER, ["x", [], 1]),
    (KINDS, ENGAGEMENT, ["x", [], 1]),
    (KINDS, f"{USER}.userId", [17, {}]),
    (FACEBOOK, f"{USER}.name", [17, ["Ada"]]),
    (FACEBOOK, f"{USER}.age", [-1, 151, "33", 33.5, True, 2**70, []]),
    (FACEBOOK, f"{USER}.gender", ["alien", "Male", "", 1]),
    (FACEBOOK, f"{USER}.location", ["Portugal", []]),
    (FACEBOOK, f"{USER}.location.country", [351]),
    (FACEBOOK, f"{USER}.location.city", [4000]),
    (
        (FACEBOOK_TOP, TIKTOK_BOTTOM),
        f"{ENGAGEMENT}.actionTime",
        [-1, 1747219588, "yesterday", ""],
    ),
    ((FACEBOOK_TOP,), f"{ENGAGEMENT}.referrer", ["google", "", 1]),
    ((FACEBOOK_TOP,), f"{ENGAGEMENT}.videoId", [17]),
    ((FACEBOOK_BOTTOM,), f"{ENGAGEMENT}.adId", [17]),
    ((FACEBOOK_BOTTOM,), f"{ENGAGEMENT}.campaignId", [17]),
    ((FACEBOOK_BOTTOM,), f"{ENGAGEMENT}.clickPosition", ["top_right", "", 1]),
    ((FACEBOOK_BOTTOM,), f"{ENGAGEMENT}.device", ["tablet", "Mobile", 1]),
    ((FACEBOOK_BOTTOM,), f"{ENGAGEMENT}.browser", ["Netscape", "chrome", 1]),
    (PAID, f"{ENGAGEMENT}.purchaseAmount", BAD_AMOUNTS),
    (TIKTOK, f"{USER}.username", [17]),
    (TIKTOK, f"{USER}.followers", [-1, "x", "17", 1.5, True]),
    ((TIKTOK_TOP,), f"{ENGAGEMENT}.watchTime", [-1, -0.001, "12", True]),
    ((TIKTOK_TOP,), f"{ENGAGEMENT}.percentageWatched", [-0.001, 100.001, "80", True]),
    ((TIKTOK_TOP,), f"{ENGAGEMENT}.device", ["android", "mobile", 1]),
    ((TIKTOK_TOP,), f"{ENGAGEMENT}.country", [351]),
    ((TIKTOK_TOP,), f"{ENGAGEMENT}.videoId", [17]),
    ((TIKTOK_BOTTOM,), f"{ENGAGEMENT}.profileId", [17]),
    ((TIKTOK_BOTTOM,), f"{ENGAGEMENT}.purchasedItem", [17]),
)


@pytest.mark.parametrize(("source", "stage", "path", "value"), REFUSED)
def test_what_the_rules_forbid_is_refused_at_its_path(
    source: str, stage: str, path: str, value: object
) -> None:
    verdict = judge(changed(good_event(source, stage), path, value), source)
    assert isinstance(verdict, Rejection)
    assert (verdict.reason, verdict.path) == (Reason.SCHEMA_VIOLATION, path)
    assert verdict.detail


@pytest.mark.parametrize(("source", "stage"), KINDS)
@pytest.mark.parametrize(
    "timestamp",
    [
        (IN_A_DAY + timedelta(milliseconds=1)).isoformat(),
        (IN_A_DAY + timedelta(minutes=1)).isoformat(),
        "2026-05-16T01:30:00+13:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59+23:59",
    ],
)
def test_an_event_more_than_a_day_ahead_is_refused(source: str, stage: str, timestamp: str) -> None:
    verdict = judge(good_event(source, stage, timestamp=timestamp), source)
    assert isinstance(verdict, Rejection)
    assert (verdict.reason, verdict.path) == (Reason.TIMESTAMP_OUT_OF_RANGE, "$.timestamp")


@pytest.mark.parametrize(("source", "stage"), KINDS)
def test_a_time_before_the_calendar_is_refused(source: str, stage: str) -> None:
    verdict = judge(good_event(source, stage, timestamp="0001-01-01T00:00:00+14:00"), source)
    assert isinstance(verdict, Rejection)
    assert (verdict.reason, verdict.path) == (Reason.TIMESTAMP_OUT_OF_RANGE, "$.timestamp")


NULLABLE = {f"{ENGAGEMENT}.{name}" for name in ("videoId", "purchaseAmount", "profileId", "purchasedItem")}


def paths_of(event: Document, prefix: str = "$") -> Iterator[str]:
    for name, value in event.items():
        yield f"{prefix}.{name}"
        if isinstance(value, dict):
            yield from paths_of(value, f"{prefix}.{name}")


EVERY_FIELD = [
    (source, stage, path) for source, stage in KINDS for path in paths_of(good_event(source, stage))
]


@pytest.mark.parametrize(("source", "stage", "path"), EVERY_FIELD)
def test_no_field_may_be_missing(source: str, stage: str, path: str) -> None:
    parent, _, name = path.rpartition(".")
    verdict = judge(changed(good_event(source, stage), path, MISSING), source)
    assert isinstance(verdict, Rejection)
    assert (verdict.reason, verdict.path) == (Reason.SCHEMA_VIOLATION, parent)
    assert f"`{name}`" in verdict.detail


@pytest.mark.parametrize(("source", "stage", "path"), EVERY_FIELD)
def test_a_field_is_null_only_where_the_rules_say_so(source: str, stage: str, path: str) -> None:
    nullable = path in NULLABLE and (source, stage, path) != ("tiktok", "top", f"{ENGAGEMENT}.videoId")
    verdict = judge(changed(good_event(source, stage), path, None), source)
    if nullable:
        assert not isinstance(verdict, Rejection), verdict
    else:
        assert isinstance(verdict, Rejection)
        assert (verdict.reason, verdict.path) == (Reason.SCHEMA_VIOLATION, path)


@pytest.mark.parametrize(
    ("source", "stage", "event_type"),
    [
        (source.name, stage, event_type)
        for source in (SOURCES["facebook"], SOURCES["tiktok"])
        for stage in ("top", "bottom")
        for other in (SOURCES["facebook"], SOURCES["tiktok"])
        for event_type in (*other.event_types["top"], *other.event_types["bottom"])
        if event_type not in source.event_types[stage]
    ],
)
def test_an_event_type_of_another_stage_or_source_is_refused(
    source: str, stage: str, event_type: str
) -> None:
    verdict = judge(good_event(source, stage, eventType=event_type), source)
    assert isinstance(verdict, Rejection)
    assert (verdict.reason, verdict.path) == (Reason.SCHEMA_VIOLATION, "$.eventType")


@pytest.mark.parametrize(("source", "stage"), KINDS)
def test_the_engagement_of_the_other_stage_is_refused(source: str, stage: str) -> None:
    other = "bottom" if stage == "top" else "top"
    event = changed(good_event(source, stage), ENGAGEMENT, good_event(source, other)["data"]["engagement"])
    verdict = judge(event, source)
    assert isinstance(verdict, Rejection)
    assert verdict.path == ENGAGEMENT


@pytest.mark.parametrize(("source", "stage"), KINDS)
def test_an_event_of_another_source_is_refused(source: str, stage: str) -> None:
    other = "tiktok" if source == "facebook" else "facebook"
    verdict = judge(good_event(other, stage), source)
    assert isinstance(verdict, Rejection)
    assert verdict.reason == Reason.SCHEMA_VIOLATION


@pytest.mark.parametrize(("source", "stage"), KINDS)
@pytest.mark.parametrize("place", ["$", "$.data", USER, ENGAGEMENT])
@pytest.mark.parametrize(
    "literal", ["1.50", "1e400", "1" * 400, "[[[]]]", '{"a":{"b":null}}', '"text"', "null"]
)
def test_unknown_fields_are_accepted_and_kept_byte_for_byte(
    source: str, stage: str, place: str, literal: str
) -> None:
    event = changed(good_event(source, stage), f"{place}.unknown", "@@")
    raw = msgspec.Raw(json.dumps(event, indent=1).replace('"@@"', literal).encode())
    event_format = SOURCES[source].formats[SOURCES[source].event_format or ""]
    verdict = event_format.judge(raw, NOW)
    assert not isinstance(verdict, Rejection), verdict
    assert bytes(event_format.to_record(verdict, raw, NOW).payload) == bytes(raw)


@pytest.mark.parametrize(
    ("path", "literal", "reason"),
    [
        (f"{ENGAGEMENT}.watchTime", "1e400", Reason.SCHEMA_VIOLATION),
        (f"{ENGAGEMENT}.watchTime", "NaN", Reason.MALFORMED_JSON),
        (f"{ENGAGEMENT}.watchTime", "Infinity", Reason.MALFORMED_JSON),
        (f"{ENGAGEMENT}.watchTime", "-1e400", Reason.SCHEMA_VIOLATION),
        (f"{ENGAGEMENT}.watchTime", "01", Reason.MALFORMED_JSON),
        (f"{USER}.followers", "1e400", Reason.SCHEMA_VIOLATION),
        (f"{USER}.followers", "9" * 5_000, Reason.SCHEMA_VIOLATION),
    ],
)
def test_a_number_out_of_range_is_refused_and_never_raises(path: str, literal: str, reason: Reason) -> None:
    event = changed(good_event("tiktok", "top"), path, "@@")
    verdict = judge(as_json(event).replace(b'"@@"', literal.encode()), "tiktok")
    assert isinstance(verdict, Rejection)
    assert verdict.reason == reason


def test_of_a_key_that_comes_twice_the_last_value_counts() -> None:
    raw = msgspec.Raw(as_json(good_event()).replace(b'"age":34', b'"age":34,"age":60'))
    event_format = SOURCES["facebook"].formats["facebook.event.v1"]
    event = event_format.judge(raw, NOW)
    assert not isinstance(event, Rejection)
    assert event_format.to_record(event, raw, NOW).facets.startswith("55+")


def test_of_a_key_that_comes_twice_the_first_value_is_judged_too() -> None:
    verdict = judge(as_json(good_event()).replace(b'"age":34', b'"age":"x","age":34'), "facebook")
    assert isinstance(verdict, Rejection)
    assert verdict.path == f"{USER}.age"
