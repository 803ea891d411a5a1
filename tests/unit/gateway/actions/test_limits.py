"""What answers say of the limits, with no Redis at all: each process counts by itself."""

from gateway.actions.assembly import SocialSettings
from gateway.actions.settings import ActionSettings
from pipeline.live import RateLimitSettings
from tests.unit.gateway.actions.conftest import ANY, TOKENS, Door, MakeApp, like, rates, token
from tests.unit.gateway.fakes import RecordingPublisher, client_of


def social(limits: RateLimitSettings) -> SocialSettings:
    return SocialSettings(
        tokens=TOKENS, rates=limits, actions=ActionSettings(trusted_proxies=("127.0.0.0/8",))
    )


async def test_every_answer_tells_what_is_left(make_app: MakeApp) -> None:
    limits = rates(rate_limit_per_address=3, rate_limit_per_user=2)
    async with client_of(make_app(publisher := RecordingPublisher(), social(limits))) as client:
        door = Door(client, publisher)
        first = await door.post(like())
        bad = await door.post(b"{")
        refused = await door.post(like())
        other = await door.post(like(userId="u-18"), token("u-18"))
        full = await door.post(like(userId="u-19"), token("u-19"))

    assert first.headers["ratelimit-policy"] == '"address-local";q=3;w=60, "user-local";q=2;w=60'
    assert first.headers["ratelimit"].startswith('"address-local";r=2;t=')
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    assert (bad.status_code, bad.headers["ratelimit-remaining"]) == (400, "0")
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:sluice:problem:rate-limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert refused.headers["ratelimit-reset"] == refused.headers["retry-after"]
    assert "user" in refused.json()["detail"]
    assert other.status_code == 202, "the user was refused, and used up nothing of the address"
    assert full.status_code == 429
    assert "address" in full.json()["detail"]
    assert len(publisher.published) == 2


async def test_a_bad_token_counts_for_its_address(make_app: MakeApp) -> None:
    limits = rates(rate_limit_per_address=3)
    wrong = {"Authorization": "Bearer nobody"}
    async with client_of(make_app(publisher := RecordingPublisher(), social(limits))) as client:
        door = Door(client, publisher)
        guessed = [(await door.post(like(), wrong)).status_code for _ in range(5)]
        right = await door.post(like())
        elsewhere = await door.post(like(), **{"X-Forwarded-For": "203.0.113.9"})

    assert guessed == [401, 401, 401, 429, 429]
    assert right.status_code == 429, "who guesses learns nothing from a hit"
    assert elsewhere.status_code == 202


async def test_a_back_end_speaks_for_many_and_has_a_limit_of_its_own(make_app: MakeApp) -> None:
    limits = rates(rate_limit_per_address=1, rate_limit_per_user=1)
    async with client_of(make_app(publisher := RecordingPublisher(), social(limits))) as client:
        door = Door(client, publisher)
        answers = [await door.post(like(userId=f"u-{n}"), token("backend", ANY)) for n in range(5)]
    assert {answer.status_code for answer in answers} == {202}
    assert "ratelimit" not in answers[0].headers

    limits = rates(rate_limit_per_address=1, rate_limit_per_backend=2)
    async with client_of(make_app(publisher, social(limits))) as client:
        door = Door(client, publisher)
        answers = [await door.post(like(), token("backend", ANY)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[0].headers["ratelimit-policy"] == '"backend-local";q=2;w=60'


async def test_without_redis_in_the_settings_nothing_is_degraded(make_app: MakeApp) -> None:
    async with client_of(make_app(RecordingPublisher(), social(rates(rate_limit_per_user=1)))) as client:
        checks = (await client.get("/health/ready")).json()["checks"]
        metrics = (await client.get("/metrics")).text

    assert "redis" not in {check["name"] for check in checks}
    assert "rate_limit_decisions" in metrics
