"""Cuts one entry of an envelope into its updates, whichever of Meta's shapes it has."""

from collections.abc import Iterator

from collectors.facebook.webhook.splicing import (
    Part,
    head_of,
    is_object,
    is_string,
    known_members,
    not_an_update,
    scalar_text,
    splice,
)
from collectors.facebook.webhook.update import WHATSAPP
from collectors.facebook.webhook.whatsapp_batches import single_messages
from pipeline.events.members import NotThisShape, elements

_LISTS = {
    "changes": b"change",
    "messaging": b"messaging",
    "standby": b"standby",
    "changed_fields": b"changed_field",
}
"""The lists that an entry may have, and the member of the spliced object that each of their elements becomes."""


def split_entry(kind_of_object: str, entry: bytes, received_at: int, path: str) -> Iterator[Part]:
    """The updates of an entry in their order. Never raises: an entry that is none is one BadUpdate."""
    try:
        found = known_members(entry)
        entry_id = scalar_text(found.get("id") or found.get("uid") or b'""')
    except NotThisShape as error:
        yield not_an_update(entry, path, str(error), error.reason)
        return
    head = head_of(kind_of_object, entry_id, found.get("time"), received_at)
    lists = [name for name in found if name in _LISTS]
    for name in lists:
        yield from _split_list(kind_of_object, head, name, found[name], f"{path}.{name}")
    if "field" in found:
        change = b'{"field":%b,"value":%b}' % (found["field"], found.get("value", b"null"))
        yield splice(head, b"change", change)
    elif not lists:
        yield not_an_update(entry, path, f"an entry has a field or one of {', '.join(_LISTS)}")


def _split_list(kind_of_object: str, head: bytes, name: str, text: bytes, path: str) -> Iterator[Part]:
    try:
        updates = elements(text)
    except NotThisShape as error:
        yield not_an_update(text, path, str(error), error.reason)
        return
    is_update, expected = (is_string, "a string") if name == "changed_fields" else (is_object, "an object")
    for index, update in enumerate(updates):
        raw = bytes(update)
        if not is_update(raw):
            yield not_an_update(raw, f"{path}[{index}]", f"expected {expected}")
        elif kind_of_object == WHATSAPP and name == "changes":
            yield from single_messages(head, raw, f"{path}[{index}]")
        else:
            yield splice(head, _LISTS[name], raw)
