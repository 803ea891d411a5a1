"""Makes hostile things of good ones. Everything is drawn from one `Random`, so that a run can be repeated."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.hostile import LITERALS, MARK, TOKENS, VALUES


def mutated_body(random: Random, body: bytes, others: list[bytes]) -> bytes:
    """The body after one to four changes, to its bytes or to its JSON."""
    for _ in range(random.randint(1, 4)):
        change = random.choice(_BODY_CHANGES)
        body = change(random, body, others)[:300_000]
    return body


def mutated_headers(random: Random, headers: dict[str, str], others: list[dict[str, str]]) -> dict[str, str]:
    """The headers after a few changes: names in lower case and text in Latin-1, as every HTTP server gives them."""
    found = dict(headers)
    for _ in range(random.randint(0, 3)):
        if random.random() < 0.3:
            found |= random.choice(others)
        if found:
            name = random.choice(sorted(found))
            if random.random() < 0.1:
                del found[name]
            else:
                damaged = mutated_text(random, found[name])
                found[name] = damaged.encode("latin-1", "replace").decode("latin-1")
    return found


def mutated_text(random: Random, text: str) -> str:
    """A header's or a parameter's text, damaged."""
    place = random.randint(0, len(text))
    odd = random.choice(
        [
            *(
                "",
                ",",
                ", ",
                " ",
                "=",
                ".",
                ";",
                ":",
                "\t",
                "\u00e9",
                "\ud800",
                "\uff10",
                "%",
                "%ff",
                "%00",
                "%zz",
                "v1,",
            ),
            *(
                "t=1",
                "s=",
                "sha256=",
                "sha1=",
                "0",
                "9" * 5000,
                "-1",
                "nan",
                "1.5",
                "1_0",
                "+1",
                "\u0661",
                "AAAA",
                "==",
                '"',
            ),
            chr(random.randrange(0x3000)),
        ]
    )
    return random.choice(
        [
            text[:place] + odd + text[place:],
            text[:place] + odd + text[place + 1 :],
            text[:place],
            text.upper(),
            f"{text},{text}",
            f"{text} {odd}",
            odd,
            text.replace("=", odd),
            text.replace(",", odd),
        ]
    )


def _flip(random: Random, body: bytes, _others: list[bytes]) -> bytes:
    changed = bytearray(body)
    for _ in range(random.randint(1, 5)):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _put_token(random: Random, body: bytes, _others: list[bytes]) -> bytes:
    place = random.randint(0, len(body))
    return body[:place] + random.choice(TOKENS) + body[place + random.randint(0, 2) :]


def _cut(random: Random, body: bytes, _others: list[bytes]) -> bytes:
    begin = random.randint(0, len(body))
    return body[:begin] + body[random.randint(begin, len(body)) :]


def _repeat(random: Random, body: bytes, _others: list[bytes]) -> bytes:
    begin = random.randint(0, len(body))
    end = min(len(body), begin + random.randint(0, 200))
    return body[:end] + body[begin:end] * random.randint(0, 50) + body[end:]


def _splice(random: Random, body: bytes, others: list[bytes]) -> bytes:
    other = random.choice(others)
    return body[: random.randint(0, len(body))] + other[random.randint(0, len(other)) :]


def _change_json(random: Random, body: bytes, others: list[bytes]) -> bytes:
    """Changes a place in the tree. Where the body is no JSON any more, its bytes are changed instead."""
    try:
        document = json.loads(body)
        places = list(_places(document, ()))
        path = random.choice(places)
        document, literal = _with_change(random, document, path, others)
        text = json.dumps(document, ensure_ascii=random.random() < 0.7)
    except (ValueError, RecursionError):
        return _put_token(random, body, others)
    return text.replace(f'"{MARK}"', literal).encode("utf-8", "surrogatepass")


def _with_change(
    random: Random, document: Any, path: tuple[Any, ...], others: list[bytes]
) -> tuple[Any, str]:
    literal = random.choice(LITERALS)
    replacement = MARK if random.random() < 0.3 else random.choice(VALUES)
    if not path:
        return ([document] if random.random() < 0.5 else replacement), literal
    *above, last = path
    parent = document
    for step in above:
        parent = parent[step]
    match random.randrange(6):
        case 0:
            del parent[last]
        case 1 if isinstance(parent, list):
            parent[last:last] = [parent[last]] * random.randint(1, 40)
        case 2 if isinstance(parent, dict):
            parent[
                random.choice(
                    ["id", "time", "field", "value", "item", "type", "data", "\x00", MARK, "", last + " "]
                )
            ] = replacement
        case 3:
            parent[last] = random.choice([[parent[last]], {"value": parent[last]}, str(parent[last])[:2000]])
        case 4:
            grafted = json.loads(random.choice(others))
            parent[last] = grafted
        case _:
            parent[last] = replacement
    return document, literal


def _places(value: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    found = [path]
    if len(path) < 12:
        children = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for step, child in children:
            if len(found) < 2000:
                found += _places(child, (*path, step))
    return found


_BODY_CHANGES: list[Callable[[Random, bytes, list[bytes]], bytes]] = [
    *(_flip, _put_token, _cut, _repeat, _splice),
    *(_change_json,) * 6,
]
