"""From stored actions to FRAUD alerts, through the real database: one for each attack, and none for what people do."""

import asyncio
import random
from datetime import timedelta

import pytest

from tests.integration.alerts.conftest import MINUTE, NOON, OpenDatabase, System, turn_unless_contested
from tests.integration.alerts.crowds import (
    PEOPLE,
    acquainted,
    action,
    by_minute,
    likes_over,
    usual_likes,
)

RNG = random.Random(5)
BOTS = [f"bot-{number}" for number in range(240)]


@pytest.fixture(autouse=True)
async def usual_day(system: System) -> None:
    """There is something to compare with."""
    await system.store(acquainted())
    await system.store(usual_likes(random.Random(1)))
    await system.look_at(NOON)


async def test_an_attack_raises_one_alert_that_clears_once(system: System) -> None:
    for end, actions in by_minute(likes_over(RNG, BOTS, "p-1", NOON, 12)):
        await system.store(actions)
        await system.look_at(end)

    [alert] = await system.alerts()
    assert (alert["subject"], alert["rule"], alert["cleared_at"]) == ("p-1", "bot-burst", None)
    assert NOON < alert["opened_at"] < NOON + 6 * MINUTE, "while it went on"

    for minutes in range(15, 240, 5):
        await system.look_at(NOON + minutes * MINUTE)

    [alert] = await system.alerts()
    assert alert["cleared_at"] > NOON + 12 * MINUTE
    assert await system.deliveries() == [("opened", "FRAUD"), ("cleared", "FRAUD")]


async def test_a_post_that_goes_viral_raises_none(system: System) -> None:
    for end, actions in by_minute(likes_over(RNG, PEOPLE, "p-1", NOON, 12)):
        await system.store(actions)
        await system.look_at(end)

    assert await system.alerts() == []


async def test_an_attack_that_comes_again_within_the_cool_down_is_the_same(system: System) -> None:
    more_bots = [f"other-{bot}" for bot in BOTS]
    attack = [
        *likes_over(RNG, BOTS, "p-1", NOON, 5),
        *likes_over(RNG, more_bots, "p-1", NOON + 240 * MINUTE, 5),
    ]

    for end, actions in by_minute(attack):
        await system.store(actions)
        await system.look_at(end)

    assert len(await system.alerts()) == 1


async def test_two_attacks_on_two_posts_are_two(system: System) -> None:
    more_bots = [f"other-{bot}" for bot in BOTS]

    await system.store(likes_over(RNG, BOTS, "p-1", NOON, 5))
    await system.store(likes_over(RNG, more_bots, "p-2", NOON + 10 * MINUTE, 5))
    await system.look_at(NOON + 16 * MINUTE)

    assert {alert["subject"] for alert in await system.alerts()} == {"p-1", "p-2"}


async def test_a_restart_in_the_middle_raises_no_second_one(system: System) -> None:
    for end, actions in by_minute(likes_over(RNG, BOTS, "p-1", NOON, 12)):
        await system.store(actions)
        system.restart()
        await system.look_at(end)

    assert len(await system.alerts()) == 1
    assert await system.deliveries() == [("opened", "FRAUD")]


async def test_what_was_folded_and_not_judged_is_judged_after_a_restart(system: System) -> None:
    await system.store(likes_over(RNG, BOTS, "p-1", NOON, 5))
    # As an evaluator that dies after its first statement.
    now = int((NOON + 5 * MINUTE).timestamp()) // 60
    folded, _ = await system.new_evaluator()._facts.fold(now - 360, now)
    assert folded == 1

    await system.look_at(NOON + 5 * MINUTE)

    assert len(await system.alerts()) == 1
    assert await system.look.fetchval("SELECT count(*) FROM alert_facts") == 0


async def test_redelivery_raises_none(system: System) -> None:
    attack = likes_over(RNG, BOTS, "p-1", NOON, 5)
    await system.store(attack)
    await system.look_at(NOON + 5 * MINUTE)
    before = await system.look.fetch("SELECT * FROM social_like_minutes ORDER BY 1, 2, 3")

    for _ in range(3):
        await system.store(attack)
        system.restart()
        await system.look_at(NOON + 5 * MINUTE)

    assert len(await system.alerts()) == 1
    assert await system.look.fetch("SELECT * FROM social_like_minutes ORDER BY 1, 2, 3") == before


async def test_evaluators_that_see_the_same_raise_one_between_them(
    system: System, open_database: OpenDatabase
) -> None:
    evaluators = [system.new_evaluator(await open_database()) for _ in range(3)]
    for end, actions in by_minute(likes_over(RNG, BOTS, "p-1", NOON, 8)):
        await system.store(actions)
        await asyncio.gather(*(turn_unless_contested(evaluator, end) for evaluator in evaluators))
    await system.look_at(NOON + 10 * MINUTE)

    assert len(await system.alerts()) == 1
    assert await system.deliveries() == [("opened", "FRAUD")]


async def test_an_attack_that_is_told_of_late_is_an_alert_of_its_own_time(system: System) -> None:
    await system.store(likes_over(RNG, BOTS, "p-1", NOON - 120 * MINUTE, 5))

    await system.look_at(NOON + 90 * MINUTE)

    [alert] = await system.alerts()
    assert NOON - 120 * MINUTE < alert["opened_at"] < NOON - 110 * MINUTE


async def test_many_likes_from_one_address_are_fraud(system: System) -> None:
    await system.store(likes_over(RNG, PEOPLE[:150], "p-1", NOON, 8, address="one-host"))

    await system.look_at(NOON + 8 * MINUTE)

    [alert] = await system.alerts()
    assert alert["subject"] == "p-1"
    assert '"one address"' in alert["details"]


async def test_likes_that_are_taken_back_again_and_again_are_fraud(system: System) -> None:
    for number in range(10):
        for kind, seconds in (("like", 0), ("unlike", 20)):
            at = NOON + timedelta(seconds=45 * number + seconds)
            await system.store([action(kind, user, at, postId="p-1") for user in PEOPLE[:8]])

    await system.look_at(NOON + 9 * MINUTE)

    [alert] = await system.alerts()
    assert (alert["subject"], alert["rule"]) == ("p-1", "like-flapping")


async def test_many_who_change_their_mind_once_are_no_fraud(system: System) -> None:
    await system.store(likes_over(RNG, PEOPLE[:200], "p-1", NOON - 60 * MINUTE, 30))
    await system.store([action("unlike", user, NOON + MINUTE, postId="p-1") for user in PEOPLE[:200]])

    await system.look_at(NOON + 2 * MINUTE)

    assert await system.alerts() == []


async def test_as_long_as_nobody_knows_what_is_usual_nothing_is_judged(system: System) -> None:
    await system.look.execute("TRUNCATE social_like_minutes, social_like_quarters")

    await system.store(likes_over(RNG, BOTS, "p-1", NOON, 5))
    await system.look_at(NOON + 5 * MINUTE)

    assert await system.alerts() == []


async def test_figures_by_minute_go_when_no_rule_looks_at_them_any_more(system: System) -> None:
    assert await system.look.fetchval("SELECT count(*) > 0 FROM social_like_minutes")

    system.restart()  # a new one looks after old figures at once
    await system.look_at(NOON + timedelta(hours=7))

    assert await system.look.fetchval("SELECT count(*) FROM social_like_minutes") == 0
    assert await system.look.fetchval("SELECT count(*) FROM social_like_quarters") == 0
