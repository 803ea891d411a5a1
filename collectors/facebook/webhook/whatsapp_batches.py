"""A change of WhatsApp's may hold several messages: each becomes a change of its own."""

from collections.abc import Iterator

import msgspec

from collectors.facebook.webhook.splicing import Part, is_object, known_members, not_an_update, splice
from pipeline.events.members import NotThisShape, elements
from pipeline.events.reasons import Reason

_BATCHES = ("messages", "statuses")
_MAX_SHARED_BYTES = 4 * 1024
"""What stands beside the messages is copied to each of them, so it must be small."""


def single_messages(head: bytes, change: bytes, path: str) -> Iterator[Part]:
    """The change as it is when it holds at most one message; else one for each, with all that they share."""
    try:
        outer = known_members(change)
        value = known_members(outer.get("value", b"null"))
        batches = {name: elements(value.pop(name)) for name in _BATCHES if name in value}
    except NotThisShape:
        yield splice(head, b"change", change)  # whatever it is: the format reads it and judges
        return
    if sum(map(len, batches.values())) <= 1:
        yield splice(head, b"change", change)
        return
    shared = _shared(value)
    if len(shared) > _MAX_SHARED_BYTES:
        yield not_an_update(change, path, "its messages share too much to part them", Reason.TOO_LARGE)
        return
    field = outer.get("field", b"null")
    for name, batch in batches.items():
        for index, message in enumerate(batch):
            raw = bytes(message)
            if is_object(raw):
                single = b'{"field":%b,"value":{%b"%b":[%b]}}' % (field, shared, name.encode(), raw)
                yield splice(head, b"change", single)
            else:
                yield not_an_update(raw, f"{path}.value.{name}[{index}]", "expected an object")


def _shared(value: dict[str, bytes]) -> bytes:
    """A long list of contacts is left out: it only says what people are called, and each message has their number."""
    if sum(map(len, value.values())) > _MAX_SHARED_BYTES:
        value = {name: text for name, text in value.items() if name != "contacts"}
    return b"".join(b"%b:%b," % (msgspec.json.encode(name), text) for name, text in value.items())
