"""From columns to JSON: each row is put into the template of its (source, funnel stage) once."""

import random
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import compress

from publisher import columns, templates
from publisher.facts import Facts
from publisher.people import facebook_cast, tiktok_cast
from publisher.templates import IS_SHAPE, SHAPE_OF_CODE, TEMPLATES, TYPES

_TYPE_TEXT = tuple(kind.event_type.encode() for kind in TYPES)


def render(
    rng: random.Random, facts: Facts, moments_ms: list[int], users: list[bytes], personas: list[int]
) -> list[bytes]:
    """The JSON of every event, in order. What no figure depends on (video, ad, item) is drawn here."""
    shared = (columns.uuid_texts(facts.ids), list(map(columns.iso, moments_ms)), users, personas)
    rendered = [iter(_render_shape(rng, shape, facts, *shared)) for shape in templates.SHAPES]
    return list(map(next, map(rendered.__getitem__, facts.codes.translate(SHAPE_OF_CODE))))


def _render_shape(
    rng: random.Random,
    shape: int,
    facts: Facts,
    ids: list[bytes],
    stamps: list[bytes],
    users: list[bytes],
    personas: list[int],
) -> list[bytes]:
    chosen = facts.codes.translate(IS_SHAPE[shape])
    own_stamps = list(compress(stamps, chosen))
    own_personas = list(compress(personas, chosen))
    user_json = _facebook_users() if shape <= templates.FACEBOOK_BOTTOM else _tiktok_users()
    head = (
        compress(ids, chosen),
        own_stamps,
        map(_TYPE_TEXT.__getitem__, compress(facts.codes, chosen)),
        compress(users, chosen),
        map(user_json.__getitem__, own_personas),
    )
    measures = list(facts.of_shape(facts.measures, shape))
    template = TEMPLATES[shape]
    tail = _engagement(rng, shape, own_stamps, own_personas, measures)
    return [template % row for row in zip(*head, *tail, strict=True)]


def _engagement(
    rng: random.Random, shape: int, stamps: list[bytes], personas: list[int], measures: list[int]
) -> Iterator[Iterable[bytes]]:
    """The columns of `data.engagement`, in the order of the template's placeholders."""
    count = len(stamps)
    if shape == templates.FACEBOOK_TOP:
        coins = rng.randbytes(count)
        videos = columns.alphanumeric(rng, count, 8)
        yield stamps
        yield map(columns.REFERRERS.__getitem__, coins)
        yield [
            b'"vid-%b"' % video if coin & 64 else b"null" for video, coin in zip(videos, coins, strict=True)
        ]
    elif shape == templates.FACEBOOK_BOTTOM:
        yield columns.alphanumeric(rng, count, 8)
        yield columns.alphanumeric(rng, count, 5)
        yield map(columns.CLICKS.__getitem__, rng.randbytes(count))
        yield map(columns.money, measures)
    elif shape == templates.TIKTOK_TOP:
        yield map(columns.WATCHES.__getitem__, measures)
        yield map(_tiktok_viewing().__getitem__, personas)
        yield columns.alphanumeric(rng, count, 8)
    else:
        names = columns.alphanumeric(rng, count, 8)
        yield stamps
        yield [b"null" if cents else b'"prof-%b"' % name for name, cents in zip(names, measures, strict=True)]
        yield [b'"item-%b"' % name if cents else b"null" for name, cents in zip(names, measures, strict=True)]
        yield map(columns.money, measures)


@cache
def _facebook_users() -> list[bytes]:
    return [persona.user for persona in facebook_cast()]


@cache
def _tiktok_users() -> list[bytes]:
    return [persona.user for persona in tiktok_cast()]


@cache
def _tiktok_viewing() -> list[bytes]:
    return [persona.viewing for persona in tiktok_cast()]
