"""Societies and requests for tests of `publisher/social`."""

from pipeline.chassis.tokens import TokenSettings
from publisher.social.action import Action
from publisher.social.requests import Request, RequestMaker
from publisher.social.settings import SocialSettings
from publisher.social.society import Society, tag_of

NOON_US = 1_778_760_000_000_000
SECRET = "a secret of the tests that has 32 bytes"
TAG = tag_of(1, NOON_US // 1000)


def settings(**options) -> SocialSettings:
    return SocialSettings(**{"tokens": TokenSettings(jwt_secret=(SECRET,)), **options})


def past(seed: int = 1, users: int = 300, malformed_ratio: float = 0.0) -> tuple[Society, list[Action]]:
    society = Society(seed, TAG, users, malformed_ratio)
    return society, list(society.past(NOON_US))


def actions(count: int, seed: int = 1, users: int = 300, malformed_ratio: float = 0.0) -> list[Action]:
    """What a society does within a minute, after its past."""
    society, _ = past(seed, users, malformed_ratio)
    return [society.act(NOON_US + number * 60_000_000 // count) for number in range(count)]


def like(user: str = "u-1", post: str = "p-1", at_us: int = NOON_US, number: int = 1, **changes) -> Action:
    return Action("like", user, post, at_us, number, **changes)


def requests(sent: list[Action], **options) -> list[Request]:
    """In arrays of the back end, none of them sent twice, all with ids of their own."""
    plain = {"own_tokens": 0.0, "duplicate_ratio": 0.0}
    maker = RequestMaker(1, TAG, settings(**plain | options))
    return [request for at in range(0, len(sent), 20) for request in maker.make(sent[at : at + 20])]
