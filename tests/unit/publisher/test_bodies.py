import json
from collections import Counter

from publisher.bodies import Body, BodyMaker
from publisher.generator import Generator

NOON_NS = 1_778_760_000_000_000_000
SECOND_NS = 1_000_000_000


def bodies(maker: BodyMaker, sizes: list[int]) -> list[Body]:
    return [body for body in maker.make(sizes, NOON_NS, SECOND_NS) if body is not None]


def maker(**options) -> BodyMaker:
    return BodyMaker(Generator(1), 1, **options)


def test_a_body_is_a_bare_array_of_as_many_events_as_asked_for():
    first, second = bodies(maker(), [3, 2_500])
    assert (len(json.loads(first.payload)), len(json.loads(second.payload))) == (3, 2_500)
    assert (len(first), len(second)) == (3, 2_500)


def test_the_same_seed_gives_the_same_bodies():
    options = {"malformed_ratio": 0.3, "duplicate_ratio": 0.1}
    again = [body.payload for body in bodies(maker(**options), [50] * 40)]
    assert [body.payload for body in bodies(maker(**options), [50] * 40)] == again


def test_the_fresh_events_do_not_depend_on_how_they_are_cut_into_bodies():
    [one] = bodies(maker(), [300])
    many = bodies(maker(), [100, 100, 100])
    assert json.loads(one.payload) == [event for body in many for event in json.loads(body.payload)]


def test_events_happen_evenly_over_the_time_that_the_bodies_cover():
    [body] = bodies(maker(), [4])
    times = [event["timestamp"][17:] for event in json.loads(body.payload)]
    assert times == ["00.000Z", "00.250Z", "00.500Z", "00.750Z"]
    assert (body.earliest_ms, body.latest_ms) == (NOON_NS // 1_000_000, NOON_NS // 1_000_000 + 750)


def test_a_corrupted_event_is_appended_as_the_last_element():
    for body in bodies(maker(malformed_ratio=1.0), [10] * 20):
        assert body.corrupted is not None
        elements = json.loads(body.payload)
        assert len(elements) == len(body) == 11
        assert elements[-1] == json.loads(body.corrupted.raw)
        assert len(body.facts) == 10


def test_corrupted_events_come_with_their_probability_per_body():
    made = bodies(maker(malformed_ratio=0.1), [1] * 2_000)
    assert 150 < sum(body.corrupted is not None for body in made) < 250


def test_duplicates_are_the_same_bytes_as_events_of_earlier_bodies():
    publisher = maker(duplicate_ratio=0.2)
    seen: set[bytes] = set()
    repeated = total = 0
    for _ in range(40):
        [body] = bodies(publisher, [100])
        elements = [json.dumps(element).encode() for element in json.loads(body.payload)]
        assert len(elements) == len(body) == 100
        old = sum(element in seen for element in elements)
        assert old == len(body.repeats)
        seen.update(elements)
        repeated, total = repeated + old, total + 100
    assert 0.15 < repeated / total < 0.25


def test_without_duplicates_nothing_is_kept_in_memory():
    assert all(body.kept == {} for body in bodies(maker(), [100] * 5))


def test_single_bodies_are_bare_objects_and_a_corrupted_event_takes_the_place_of_one():
    made = bodies(maker(single=True, malformed_ratio=0.5, duplicate_ratio=0.1), [1] * 300)
    kinds = Counter(bool(body.corrupted) for body in made)
    assert kinds[True] > 100
    assert kinds[False] > 100
    for body in made:
        assert isinstance(json.loads(body.payload), dict)
        assert len(body) == 1
