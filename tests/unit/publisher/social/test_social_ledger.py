"""What was sent against what is stored, and the truth that follows."""

from datetime import UTC, datetime

import pytest

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.ledger import Offence
from publisher.social.action import Action
from publisher.social.answers import Answered
from publisher.social.comparison import compare_post, compare_top
from publisher.social.ledger import ActionLedger, StoredAction, misjudged
from publisher.social.requests import Request
from publisher.social.truth import Figures, PostTruth
from tests.unit.publisher.social.societies import NOON_US, like

DAY_US = 86_400_000_000


def stored(action: Action, action_id: str = "a-1", **changes) -> StoredAction:
    values = {
        "kind": action.kind,
        "user": action.user,
        "subject": action.subject,
        "at_us": action.at_us,
        "text": action.text,
        "action_id": action_id,
    }
    return StoredAction(**values | changes)


def ledger(action: Action, *verdicts: int, action_id: str | None = "a-1") -> ActionLedger:
    """Of one action, about which there were such answers."""
    kept = ActionLedger()
    for verdict in verdicts:
        kept.record(Request((action,), (action_id,), b"{}"), Answered(202, bytes([verdict])))
    return kept


@pytest.mark.parametrize(
    ("verdicts", "times", "offences"),
    [
        ((ACCEPTED,), 1, []),
        ((ACCEPTED,), 0, [Offence.LOST]),
        ((ACCEPTED,), 2, [Offence.STORED_TWICE]),
        ((UNKNOWN,), 0, []),
        ((UNKNOWN,), 1, []),
        ((UNKNOWN,), 2, [Offence.STORED_TWICE]),
        ((REJECTED,), 0, []),
        ((REJECTED,), 1, [Offence.REJECTED_BUT_STORED]),
        ((UNKNOWN, ACCEPTED), 0, [Offence.LOST]),
    ],
)
@pytest.mark.parametrize("action_id", ["a-1", None])
def test_each_action_is_stored_as_often_as_its_answer_says(
    verdicts: tuple[int, ...], times: int, offences: list[Offence], action_id: str | None
):
    rows = [stored(like(), action_id or "")] * times
    found = ledger(like(), *verdicts, action_id=action_id).compare(rows)
    assert [offender.offence for offender in found] == offences


@pytest.mark.parametrize(
    "changes",
    [{"kind": "unlike"}, {"user": "u-2"}, {"subject": "p-2"}, {"at_us": NOON_US + 1}, {"text": "x"}],
)
def test_an_action_is_stored_as_it_was_sent(changes: dict):
    [offender] = ledger(like(), ACCEPTED).compare([stored(like(), **changes)])
    assert offender.offence == Offence.WRONG_RECORD


def test_one_without_a_time_happened_when_it_arrived():
    action = Action("share", "u-1", "p-1", NOON_US, 1, says_when=False)
    assert not list(ledger(action, ACCEPTED).compare([stored(action, at_us=NOON_US + 17)]))


def test_what_nobody_sent_is_found():
    [offender] = ledger(like(), ACCEPTED).compare([stored(like()), stored(like(), "a-2")])
    assert offender.subject == "a-2"


def test_a_verdict_that_is_wrong_is_found_with_its_reason():
    good, flawed = like(), like(flaw="kind", number=2)
    request = Request((good, flawed), ("a-1", "a-2"), b"[]")
    offences = [
        offender.offence for offender in misjudged(request, Answered(202, bytes([REJECTED, ACCEPTED])))
    ]
    assert offences == [Offence.REJECTED_THOUGH_VALID, Offence.ACCEPTED_THOUGH_INVALID]
    assert not list(misjudged(request, Answered(202, bytes([ACCEPTED, REJECTED]))))


def test_the_last_word_counts_in_whatever_order_it_comes():
    words = [
        Action("like", "u-1", "p-1", NOON_US, 1),
        Action("unlike", "u-1", "p-1", NOON_US + 2, 2),
        Action("like", "u-1", "p-1", NOON_US + 1, 3),
        Action("like", "u-2", "p-1", NOON_US - DAY_US, 4),
        Action("comment", "u-2", "p-1", NOON_US, 5, "so"),
        Action("share", "u-3", "p-2", NOON_US, 6),
        Action("follow", "u-3", "u-1", NOON_US, 7),
    ]
    for order in (words, words[::-1]):
        truth = PostTruth()
        for word in order:
            truth.add(word)
        assert truth.figures() == {"p-1": Figures(1, 1, 0), "p-2": Figures(0, 0, 1)}
        day = datetime.fromtimestamp(NOON_US / 1e6, UTC).date()
        assert truth.likes_of_day(day) == {}
        assert truth.by_likes() == ["p-1", "p-2"]


def test_the_truth_holds_what_was_accepted_and_what_is_stored_without_an_answer():
    for verdict, rows, likes in ((ACCEPTED, 0, 1), (UNKNOWN, 0, None), (UNKNOWN, 1, 1), (REJECTED, 0, None)):
        truth = ledger(like(), verdict).truth([stored(like())] * rows)
        assert truth.figures() == ({} if likes is None else {"p-1": Figures(1, 0, 0)})


def test_the_figures_of_a_post_must_be_equal():
    told = {"likes": 3, "comments": 2, "shares": 1}
    assert not list(compare_post("p-1", told, Figures(3, 2, 1)))
    assert not list(compare_post("p-1", None, Figures(0, 0, 0)))
    assert len(list(compare_post("p-1", told, Figures(3, 2, 2)))) == 1
    assert len(list(compare_post("p-1", None, Figures(3, 0, 0)))) == 1


TOP = [{"postId": "p-x-1", "likes": 9}, {"postId": "other", "likes": 5}, {"postId": "p-x-2", "likes": 4}]


@pytest.mark.parametrize(
    ("limit", "likes", "offenders"),
    [
        (3, {"p-x-1": 9, "p-x-2": 4, "p-x-3": 4}, 0),
        (3, {"p-x-1": 9, "p-x-2": 4, "p-x-3": 5}, 1),
        (100, {"p-x-1": 9, "p-x-2": 4}, 0),
        (100, {"p-x-1": 9, "p-x-2": 4, "p-x-3": 1}, 1),
        (3, {"p-x-1": 8, "p-x-2": 4}, 1),
        (3, {"p-x-1": 9}, 1),
    ],
)
def test_a_top_list_holds_ours_with_their_likes_beside_those_of_others(
    limit: int, likes: dict, offenders: int
):
    assert len(list(compare_top("day", TOP, limit, "p-x-", likes))) == offenders


def test_a_top_list_is_in_order():
    assert len(list(compare_top("day", TOP[::-1], 100, "p-x-", {"p-x-1": 9, "p-x-2": 4}))) == 1
