"""How actions are put into requests."""

import msgspec

from publisher.social.requests import RequestMaker, address_of
from tests.unit.publisher.social.societies import TAG, actions, requests, settings


def test_the_back_end_sends_arrays_and_some_users_send_for_themselves():
    made = actions(2_000, malformed_ratio=0.05)
    sent = requests(made, own_tokens=0.2)
    own = [request for request in sent if request.user is not None]
    assert 0.15 < len(own) / len(made) < 0.25
    for request in own:
        [action] = request.actions
        assert action.user == request.user
        assert isinstance(msgspec.json.decode(request.payload), dict), "one action is written bare"
    assert sorted(action.number for request in sent for action in request.actions) == [
        action.number for action in made
    ]


def test_with_addresses_each_request_is_that_of_one_user():
    for request in requests(actions(200), forwarded_for=True, own_tokens=0.5):
        [action] = request.actions
        assert request.address == address_of(action.user)
        assert request.address.startswith(("198.18.", "198.19."))
    assert len({address_of(f"u-{number}") for number in range(1_000)}) > 950


def test_an_action_has_an_id_or_its_request_has_a_key():
    sent = requests(actions(2_000, malformed_ratio=0.02))
    keyed = [request for request in sent if request.key]
    assert keyed
    assert len(keyed) < len(sent)
    for request in sent:
        written = msgspec.json.decode(request.payload)
        members = written if isinstance(written, list) else [written]
        assert [member.get("id") for member in members] == list(request.ids)
        assert all(given is None for given in request.ids) == bool(request.key)
        if request.key:  # else nobody could tell them apart in the database
            assert all("timestamp" in member for member in members)
    assert len({request.key for request in keyed}) == len(keyed)


def test_so_many_answers_are_lost():
    made = actions(4_000)
    maker = RequestMaker(1, TAG, settings(own_tokens=1.0, duplicate_ratio=0.1))
    sent = maker.make(made)
    assert 0.08 < sum(request.lost_answers > 0 for request in sent) / len(sent) < 0.12
    assert {request.lost_answers for request in sent} == {0, 1, 2}
