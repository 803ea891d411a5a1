"""Updates that no receiver can store, as they turn up now and then between good ones."""

from collections.abc import Sequence
from typing import Any, cast

from publisher.senders.draft import Draft
from publisher.senders.update import Content

_TIMES = ("event_time", "created_time", "create_time", "timestamp")
_BEYOND_THE_CALENDAR = 10**17

ANY = ("text", "time", "money", "type")


def spoil(draft: Draft, content: dict[str, Any], flavours: Sequence[str] = ANY) -> Content:
    """The same update with something in it that cannot be, or something that is no update; its token is still there."""
    flavour = draft.choose(flavours)
    if flavour == "time" and (holder := _holder_of_time(content)) is not None:
        name = next(name for name in _TIMES if name in holder)
        return _changed(content, holder, name, _BEYOND_THE_CALENDAR)
    if flavour == "money" and (holder := _holder_of_money(content)) is not None:
        return _changed(content, holder, "value", "ten euros")
    if flavour == "type":
        return f"not an update but {draft.token}"
    spoilt = {"note": "text with a NUL: \0"}
    value = content.get("value")
    return {**content, "value": {**value, **spoilt}} if isinstance(value, dict) else {**content, **spoilt}


def _holder_of_time(content: dict[str, Any]) -> dict[str, Any] | None:
    """The object whose time is the update's own, at the top or in the value of a change."""
    candidates = (content, content.get("value"))
    found = next((found for each in candidates if (found := _having(each, _TIMES))), None)
    return None if found is None or "edited_time" in found else found  # of an edit only that time counts


def _holder_of_money(content: dict[str, Any]) -> dict[str, Any] | None:
    is_purchase = content.get("event_name", content.get("event")) in ("Purchase", "CompletePayment")
    if not is_purchase:
        return None
    candidates = (content.get("custom_data"), content.get("properties"))
    return next((found for each in candidates if (found := _having(each, ("value",)))), None)


def _having(value: Any, names: tuple[str, ...]) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    found = cast("dict[str, Any]", value)
    return found if any(name in found for name in names) else None


def _changed(content: dict[str, Any], holder: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    changed = {**holder, name: value}
    if holder is content:
        return changed
    return {key: changed if each is holder else each for key, each in content.items()}
