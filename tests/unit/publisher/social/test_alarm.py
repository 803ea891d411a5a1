"""Waiting for the alert that must follow an attack."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pipeline.errors import TransientError
from publisher.reports import Reports
from publisher.social.alarm import Alarm
from publisher.social.attack import BotAttack
from publisher.social.settings import AttackSettings
from publisher.social.society import post_prefix
from publisher.summary import AttackResult
from tests.unit.publisher.social.societies import TAG, past

BEGAN = datetime(2026, 5, 14, 12, tzinfo=UTC)
OURS = f"{post_prefix(TAG)}1"


class Reporter:
    """`GET /alerts`, one answer after the other; the last one again and again."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert (request.url.path, request.url.params["kind"]) == ("/alerts", "FRAUD")
        self.asked += 1
        return httpx.Response(200, json=self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


def alert(subject: str = OURS, after_seconds: float = 4.5) -> dict[str, Any]:
    at = (BEGAN + timedelta(seconds=after_seconds)).isoformat()
    return {
        "id": "1",
        "rule": "bot-burst",
        "kind": "FRAUD",
        "subject": subject,
        "openedAt": at,
        "raisedAt": at,
    }


def attack() -> BotAttack:
    society, _ = past()
    made = BotAttack(AttackSettings(post=OURS, bots=10, over_seconds=1), society)
    made.choose_post()
    likes = made.likes(3, BEGAN.timestamp())
    assert len({like.user for like in likes}) == 3
    return made


async def waited(reporter: Reporter, timeout_seconds: float = 5) -> AttackResult:
    reports = Reports("http://reporter", httpx.MockTransport(reporter))
    notes: list[str] = []
    async with reports:
        return await Alarm(reports, TAG, BEGAN.timestamp()).wait(attack(), timeout_seconds, notes.append)


async def test_it_tells_by_which_rule_and_how_soon():
    reporter = Reporter([], [alert("p-of-others")], [alert()])
    assert await waited(reporter) == AttackResult(OURS, 1, 4.5, "bot-burst")
    assert reporter.asked == 3


async def test_an_older_alert_is_not_that_of_this_attack():
    result = await waited(Reporter([alert(after_seconds=-3600)]), 0)
    assert not result.is_caught
    assert "older" in result.problem


async def test_two_alerts_are_one_too_many():
    result = await waited(Reporter([alert(), alert(after_seconds=9)]))
    assert (result.alerts, result.is_caught) == (2, False)


async def test_a_false_alarm_is_one_about_another_post_of_the_run():
    reporter = Reporter([alert(), alert(f"{post_prefix(TAG)}2"), alert("p-of-others")])
    async with Reports("http://reporter", httpx.MockTransport(reporter)) as reports:
        found = await Alarm(reports, TAG, BEGAN.timestamp()).false_alarms(OURS)
    assert [each.subject for each in found] == [f"{post_prefix(TAG)}2"]


async def test_without_alerts_to_be_had_there_is_no_attack():
    transport = httpx.MockTransport(lambda _: httpx.Response(404))
    async with Reports("http://reporter", transport) as reports:
        with pytest.raises(TransientError, match="REPORTER_URL"):
            await Alarm(reports, TAG, BEGAN.timestamp()).check()


def test_the_bots_like_evenly_over_the_time_of_the_attack():
    society, _ = past()
    plan = list(BotAttack(AttackSettings(bots=100, over_seconds=20), society).plan())
    assert sum(due.size for due in plan) == 100
    assert [due.at_seconds for due in plan[:2]] == [0.0, pytest.approx(0.4)]
    assert plan[-1].at_seconds == pytest.approx(20, abs=1)
