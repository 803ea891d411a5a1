"""The eight ways in which the firehose corrupts events (EVENTS §2), each judged as EVENTS §1 says.

The flavour is drawn independently of the event's source: an event that lacks what it never had is still valid.
"""

import itertools
from typing import NamedTuple, cast

import pytest

from collectors.registry import SOURCES
from pipeline.events.reasons import Reason, Rejection
from publisher.batch import GeneratedEvent
from publisher.corruption import BRANCHES
from tests.unit.builders import NOW, Document, as_json, changed, good_event

ANY = "*"

# An event type that has no item takes another way through the seventh branch.
EVENTS: dict[tuple[str, str], Document] = {
    ("facebook", "top"): good_event("facebook", "top"),
    ("facebook", "bottom"): good_event("facebook", "bottom"),
    ("tiktok", "top"): good_event("tiktok", "top"),
    ("tiktok", "bottom"): good_event("tiktok", "bottom"),
    ("tiktok", "bottom, no item"): changed(
        good_event("tiktok", "bottom", eventType="follow"), "$.data.engagement.purchasedItem", None
    ),
}


class Row(NamedTuple):
    branch: str
    flavour: str
    source: str
    stage: str
    path: str | None  # where it is refused; None: accepted

    def covers(self, *case: str) -> bool:
        return all(pattern in (ANY, value) for pattern, value in zip(self[:4], case, strict=True))


ACCEPTED = None
TABLE = [
    # branch            flavour     source      stage              refused at
    Row("bad_timestamp", ANY, ANY, ANY, "$.timestamp"),
    Row("no_event_id", ANY, ANY, ANY, "$"),
    Row("no_user_name", "facebook", "facebook", ANY, "$.data.user"),
    Row("no_user_name", "facebook", "tiktok", ANY, ACCEPTED),
    Row("no_user_name", "tiktok", "tiktok", ANY, "$.data.user"),
    Row("no_user_name", "tiktok", "facebook", ANY, ACCEPTED),
    Row("no_user", ANY, ANY, ANY, "$.data"),
    Row("bad_stage", ANY, ANY, ANY, "$.funnelStage"),
    Row("bad_type", ANY, ANY, ANY, "$.eventType"),
    Row("bad_engagement", "facebook", "facebook", "top", "$.data.engagement.actionTime"),
    Row("bad_engagement", "facebook", "facebook", "bottom", "$.data.engagement"),
    Row("bad_engagement", "facebook", "tiktok", ANY, ACCEPTED),
    Row("bad_engagement", "tiktok", "tiktok", "top", "$.data.engagement.watchTime"),
    Row("bad_engagement", "tiktok", "tiktok", "bottom", "$.data.engagement"),
    Row("bad_engagement", "tiktok", "tiktok", "bottom, no item", ACCEPTED),
    Row("bad_engagement", "tiktok", "facebook", ANY, ACCEPTED),
    Row("bad_user", "facebook", "facebook", ANY, "$.data.user.gender"),
    Row("bad_user", "facebook", "tiktok", ANY, ACCEPTED),
    Row("bad_user", "tiktok", "tiktok", ANY, "$.data.user.followers"),
    Row("bad_user", "tiktok", "facebook", ANY, ACCEPTED),
]

CASES = [
    (branch.name, flavour, source, stage)
    for branch, flavour, (source, stage) in itertools.product(BRANCHES, ("facebook", "tiktok"), EVENTS)
]


@pytest.mark.parametrize(("branch", "flavour", "source", "stage"), CASES)
def test_a_corrupted_event_is_judged_by_the_rules_of_its_own_source(
    branch: str, flavour: str, source: str, stage: str
) -> None:
    (row,) = [row for row in TABLE if row.covers(branch, flavour, source, stage)]
    document = changed(EVENTS[source, stage], "$.source", source)  # a copy to damage
    next(known for known in BRANCHES if known.name == branch).apply(document, flavour)

    event_format = SOURCES[source].formats[SOURCES[source].event_format or ""]
    verdict = event_format.judge(as_json(document), NOW)

    if row.path is ACCEPTED:
        assert not isinstance(verdict, Rejection), verdict
        assert verdict.event_id == EVENTS[source, stage]["eventId"]
    else:
        assert isinstance(verdict, Rejection)
        assert (verdict.reason, verdict.path) == (Reason.SCHEMA_VIOLATION, row.path)


class Drawn(NamedTuple):
    """As much of a generated event as the checker looks at."""

    source: str
    funnel_stage: str
    event_type: str


@pytest.mark.parametrize(("branch", "flavour", "source", "stage"), CASES)
def test_the_publisher_expects_what_the_table_says(
    branch: str, flavour: str, source: str, stage: str
) -> None:
    (row,) = [row for row in TABLE if row.covers(branch, flavour, source, stage)]
    event = EVENTS[source, stage]
    drawn = Drawn(source, event["funnelStage"], event["eventType"])
    known = next(known for known in BRANCHES if known.name == branch)
    assert known.still_valid(cast("GeneratedEvent", drawn), flavour) == (row.path is ACCEPTED)


def test_about_a_fifth_of_the_corrupted_events_is_still_valid() -> None:
    # Stages are equally likely; two of three bottom types of TikTok have no item.
    weights = {("tiktok", "bottom"): 1 / 3, ("tiktok", "bottom, no item"): 2 / 3}
    valid = sum(
        weights.get((source, stage), 1.0)
        for *case, source, stage in CASES
        if next(row for row in TABLE if row.covers(*case, source, stage)).path is ACCEPTED
    )
    assert 0.18 < valid / (len(BRANCHES) * 2 * 4) < 0.24
