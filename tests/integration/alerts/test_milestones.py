"""Milestones: each once for a post, for ever."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.alerts.conftest import MINUTE, NOON, System
from tests.integration.alerts.crowds import action, like

RULES = """
[[rule]]
name = "likes-milestone"
kind = "milestone"
steps = [3, 5, 20]
"""


@pytest.fixture(autouse=True)
def rules(system: System, tmp_path: Path) -> Path:
    file = tmp_path / "rules.toml"
    file.write_text(RULES)
    system.rules_file = str(file)
    return file


async def steps(system: System) -> list[int]:
    return [json.loads(alert["details"])["step"] for alert in await system.alerts("MILESTONE")]


async def test_each_step_is_told_once_with_the_owner_of_the_post(system: System) -> None:
    await system.store([action("post", "owner", NOON, postId="p-1")])
    for number in range(7):
        await system.store([like(f"u-{number}", "p-1", NOON + number * MINUTE)])
        await system.look_at(NOON + number * MINUTE)

    alerts = await system.alerts("MILESTONE")

    assert await steps(system) == [3, 5]
    assert [alert["opened_at"] for alert in alerts] == [NOON + 3 * MINUTE, NOON + 5 * MINUTE]
    assert all(alert["cleared_at"] == alert["opened_at"] for alert in alerts), "it is an instant"
    assert {json.loads(alert["details"])["userId"] for alert in alerts} == {"owner"}


async def test_a_post_that_falls_below_a_step_and_reaches_it_again_is_told_once(system: System) -> None:
    for number, kind in enumerate(("like", "unlike", "like", "unlike", "like")):
        at = NOON + number * MINUTE
        await system.store([action(kind, f"u-{user}", at, postId="p-1") for user in range(4)])
        system.restart()
        await system.look_at(at)

    assert await steps(system) == [3]


async def test_a_post_that_leaps_over_a_step_is_told_of_both(system: System) -> None:
    await system.store([like(f"u-{number}", "p-1", NOON) for number in range(9)])

    await system.look_at(NOON)

    assert await steps(system) == [3, 5]


async def test_a_milestone_counts_likes_of_long_ago(system: System) -> None:
    await system.store([like(f"u-{number}", "p-1", NOON - timedelta(days=9)) for number in range(2)])
    await system.store([like("u-9", "p-1", NOON)])

    await system.look_at(NOON)

    assert await steps(system) == [3]


async def test_a_step_that_is_added_below_what_was_told_is_not_told_afterwards(
    system: System, rules: Path
) -> None:
    await system.store([like(f"u-{number}", "p-1", NOON) for number in range(6)])
    await system.look_at(NOON)
    rewrite(rules, "[3, 4, 5, 7]")
    system.restart()

    await system.store([like("u-7", "p-1", NOON + MINUTE)])
    await system.look_at(NOON + MINUTE)

    assert await steps(system) == [3, 5, 7]


def rewrite(rules: Path, steps: str) -> None:
    rules.write_text(RULES.replace("[3, 5, 20]", steps))
