"""Lays updates into one body, in the shapes that Meta uses.

Meta escapes everything beyond ASCII, and slashes: a receiver that parses a body and writes it anew to check the
signature finds out with its first customer called Zoë.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from publisher.senders.meta.mix import CONVERSIONS
from publisher.senders.update import Update

_ALONE = ("flat", "changed_fields")
"""Shapes that hold one update an entry."""

_TOGETHER = 3
"""So many messages of WhatsApp lie in one change at most."""


def body_of(kind_of_object: str, updates: Sequence[Update], sent_at: int) -> bytes:
    """The body as it is sent at that time (s): `entry[].time` says so, of messages in milliseconds."""
    if kind_of_object == CONVERSIONS:
        return _written({"data": [update.content for update in updates]})
    entries = [_timed(entry, kind_of_object, sent_at) for entry in _entries(updates)]
    return _written({"object": kind_of_object, "entry": entries})


def _written(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def _timed(entry: dict[str, Any], kind_of_object: str, sent_at: int) -> dict[str, Any]:
    if kind_of_object == "whatsapp_business_account":
        return entry  # which tells no time
    in_milliseconds = "messaging" in entry or "standby" in entry
    identity = {name: entry[name] for name in ("id", "uid") if name in entry}
    return {**identity, "time": sent_at * 1000 + 123 if in_milliseconds else sent_at, **entry}


def _entries(updates: Sequence[Update]) -> Iterator[dict[str, Any]]:
    """One for each account and shape, but for shapes that hold a single update."""
    lists: dict[tuple[str, str], list[Update]] = {}
    for update in updates:
        if update.shape in _ALONE and isinstance(update.content, dict):
            uid = {"uid": update.account} if update.shape == "changed_fields" else {}
            yield {"id": update.account, **uid, **update.content}
        else:
            lists.setdefault((update.account, update.shape), []).append(update)
    for (account, shape), found in lists.items():
        if shape == "whatsapp":
            yield {"id": account, "changes": list(_whatsapp_changes(account, found))}
        else:
            name = "changes" if shape == "flat" else shape
            yield {"id": account, name: [update.content for update in found]}


def _whatsapp_changes(account: str, updates: Sequence[Update]) -> Iterator[dict[str, Any]]:
    """A few messages of a kind to a change, as they come."""
    run: list[Update] = []
    for update in updates:
        if run and (len(run) == _TOGETHER or _list_of(run[0]) != _list_of(update)):
            yield _whatsapp_change(account, run)
            run = []
        run.append(update)
    if run:
        yield _whatsapp_change(account, run)


def _whatsapp_change(account: str, run: Sequence[Update]) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": account[::-1]}
    value = {"messaging_product": "whatsapp", "metadata": metadata}
    return {"field": "messages", "value": {**value, _list_of(run[0]): [each.content for each in run]}}


def _list_of(update: Update) -> str:
    is_status = isinstance(update.content, dict) and "status" in update.content
    return "statuses" if is_status else "messages"
