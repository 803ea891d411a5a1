"""What a society does: seeded, in the proportions of people, and in a form that the registry's own rules accept."""

from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest

from collectors.registry import SOURCES
from collectors.social import ACTION_FORMAT
from collectors.social.events import decode_sent, envelop
from pipeline.events.reasons import Rejection
from publisher.social.action import content, instant
from publisher.social.requests import RequestMaker
from publisher.social.society import MINUTE_US, MIX, PAST_MINUTES, post_prefix, user_prefix
from publisher.social.spoiling import FLAWS, spoil
from tests.unit.publisher.social.societies import NOON_US, TAG, actions, past, settings

REACTIONS = ("like", "comment", "share")


def test_the_same_seed_makes_the_same_actions_and_the_same_bytes():
    def payloads(seed: int) -> list[bytes]:
        maker = RequestMaker(seed, TAG, settings())
        _, before = past(seed, malformed_ratio=0.1)
        made = [*before, *actions(2_000, seed, malformed_ratio=0.1)]
        return [
            request.payload for at in range(0, len(made), 10) for request in maker.make(made[at : at + 10])
        ]

    assert payloads(3) == payloads(3)
    assert payloads(3) != payloads(4)


def test_every_action_is_one_by_the_rules_of_the_registry():
    _, before = past()
    noon = datetime.fromtimestamp(NOON_US / 1e6, UTC)
    stages = {kind for kinds in SOURCES["social"].event_types.values() for kind in kinds}
    seen: Counter[str] = Counter()
    for action in [*before, *actions(3_000)]:
        raw = msgspec.Raw(msgspec.json.encode(content(action, f"a-{action.number}")))
        decode_sent(raw)
        judged = ACTION_FORMAT.judge(envelop(raw, f"a-{action.number}", instant(action.at_us), ""), noon)
        assert not isinstance(judged, Rejection), (action, judged)
        record = ACTION_FORMAT.to_record(judged, raw, noon)
        assert (record.event_type, record.user_id) == (action.kind, action.user)
        seen[action.kind] += 1
    assert set(seen) == stages, "each kind of action comes"


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flawed_action_is_none_by_these_rules(flaw: str):
    noon = datetime.fromtimestamp(NOON_US / 1e6, UTC)
    for action in actions(300):
        flawed = msgspec.structs.replace(action, flaw=flaw)
        members = spoil(content(flawed, "a-1"), flawed)
        raw = msgspec.Raw(msgspec.json.encode(members))
        judged = ACTION_FORMAT.judge(
            envelop(raw, "a-1", members.get("timestamp", instant(NOON_US)), ""), noon
        )
        assert isinstance(judged, Rejection), members


def test_people_do_what_people_do_in_its_proportions():
    made = actions(20_000)
    kinds = Counter(action.kind for action in made)
    for kind, percent in MIX.items():
        assert kinds[kind] / len(made) == pytest.approx(percent / 100, rel=0.25), kind
    assert sum(not action.says_when for action in made) > 500, "some apps do not say when"
    assert all(action.says_when for action in made if action.kind in ("like", "unlike", "follow", "unfollow"))


def test_a_few_posts_and_a_few_people_have_most_of_it():
    made = actions(20_000, users=1_000)
    by_post = Counter(action.subject for action in made if action.kind in REACTIONS).most_common()
    total = sum(count for _, count in by_post)
    tenth = by_post[: len(by_post) // 10]
    assert sum(count for _, count in tenth) > 0.5 * total, "a tenth of the posts has half of it"
    assert by_post[0][1] < 0.25 * total, "no post has all of it: what is usual would be its own"
    assert by_post[0][1] > 40 * by_post[len(by_post) // 2][1], "the tail is heavy"
    by_user = Counter(action.user for action in made).most_common()
    assert sum(count for _, count in by_user[: len(by_user) // 10]) > 0.25 * len(made)
    followed = Counter(action.subject for action in made if action.kind == "follow").most_common()
    assert followed[0][1] > 10 * followed[len(followed) // 2][1]


def test_a_new_post_has_its_hour_which_passes():
    made = actions(20_000)
    born = {action.subject: index for index, action in enumerate(made) if action.kind == "post"}
    early = late = 0
    for index, action in enumerate(made):
        if action.kind in REACTIONS and action.subject in born:
            age = index - born[action.subject]
            early += age < 2_000
            late += 8_000 <= age < 10_000
    assert early > 2 * late > 0


def test_people_repeat_themselves_and_change_their_minds():
    made = actions(10_000)
    words = Counter((action.user, action.subject) for action in made if action.kind == "like")
    assert sum(count > 1 for count in words.values()) > 100
    taken_back = {(action.user, action.subject) for action in made if action.kind == "unlike"}
    assert len(taken_back & words.keys()) > 100
    assert len({(action.user, action.at_us) for action in made}) == len(made), "at different times"


def test_everybody_came_days_before_the_likes_by_which_rules_know_what_is_usual():
    society, before = past(users=200)
    first_seen = {}
    for action in before:
        first_seen[action.user] = min(first_seen.get(action.user, action.at_us), action.at_us)
    for user in society.people.names:
        assert NOON_US - first_seen[user] > 1.5 * 1440 * MINUTE_US
    likes = [action for action in before if action.kind == "like"]
    assert all(NOON_US - like.at_us <= (PAST_MINUTES + 1) * MINUTE_US for like in likes)
    elsewhere = {(like.user, like.subject) for like in likes if like.subject != society.quiet_post()}
    assert len(elsewhere) > 300, "usual_likes is 200, and a like counts once for a user and a post"


def test_few_are_new():
    made = actions(20_000, users=1_000)
    known = {f"{user_prefix(TAG)}{number}" for number in range(1, 1_001)}
    likes = [action for action in made if action.kind == "like"]
    newcomers = sum(action.user not in known for action in likes)
    assert 0 < newcomers < 0.05 * len(likes)


def test_all_names_tell_whose_run_it_is():
    for action in actions(1_000):
        assert action.user.startswith(user_prefix(TAG))
        assert action.subject.startswith(user_prefix(TAG) if action.is_about_a_user else post_prefix(TAG))
