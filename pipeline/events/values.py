"""Reads values that a sender may have written in any way: what is missing or odd becomes nothing, what would be wrong
money or a time beyond the calendar is refused with its path.

`read_object` gives integers as `int`, however long, and other numbers as `msgspec.Raw`, which keeps their digits as
they were written: no number passes through a float.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, cast

import msgspec

from pipeline.events.reasons import Reason, Rejected

MAX_ID_LENGTH = 256
"""Longer text is no id of anything."""

MAX_NAME_LENGTH = 100
"""A part of an event type; filters of reports take 128 characters in all."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MILLISECONDS = 10**11
"""From here on a time is in milliseconds: 1973 in these, the year 5138 in seconds."""

_CALENDAR_ENDS = 253_402_300_800_000  # milliseconds
_MAX_ISO_LENGTH = 40
_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_UNUSUAL = re.compile(r"[^a-z0-9_.-]+")
_MONEY_LIMIT = Decimal(10) ** 15
_MAX_DECIMALS = 30


def number_as_written(digits: str) -> msgspec.Raw:
    """For the `float_hook` of a decoder."""
    return msgspec.Raw(digits.encode())


read_object = msgspec.json.Decoder(dict[str, Any], float_hook=number_as_written).decode
"""The members of a JSON object. Raises what msgspec raises."""


def digest(value: Any) -> str:
    """Of what `read_object` gave, or a part of it: the same for the same JSON, whatever its blanks and the order of its
    keys; every number counts with the digits that it came with."""
    return sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def plain_name(written: str) -> str:
    """A name as it may be part of an event type: lower case, of a-z, 0-9, `_`, `.` and `-`, at most 100 characters.

    What is something else becomes `_`; empty when there was nothing.
    """
    return _UNUSUAL.sub("_", written[:MAX_NAME_LENGTH].lower())[:MAX_NAME_LENGTH]


def at(value: Any, *names: str) -> Any:
    """What lies under these names, one object in another; None where there is nothing."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = cast(dict[str, Any], value).get(name)
    return value


def items(value: Any) -> list[Any]:
    """The elements of an array; of anything else none."""
    return cast(list[Any], value) if isinstance(value, list) else []


def text(value: Any) -> str:
    """A string; empty for anything else."""
    return value if isinstance(value, str) else ""


def identifier(value: Any) -> str:
    """An id, which may be written as a string or as an integer of any length; empty where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and len(value) <= MAX_ID_LENGTH else ""


def moment(value: Any, path: str) -> datetime | None:
    """A time in seconds or milliseconds, as a number or in digits, or ISO 8601; None where it is none of these.

    Raises Rejected for a number beyond the calendar.
    """
    number = _number(value)
    if isinstance(value, msgspec.Raw) and number is None:
        raise _beyond_calendar(path)
    if number is None:
        return iso_moment(value)
    milliseconds = number if abs(number) >= _FIRST_MILLISECONDS else number * 1000
    if abs(milliseconds) >= _CALENDAR_ENDS:
        raise _beyond_calendar(path)
    try:
        return _EPOCH + timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        raise _beyond_calendar(path) from None


def iso_moment(value: Any) -> datetime | None:
    """A time in ISO 8601, in UTC where it names no offset; None for anything else."""
    if not isinstance(value, str) or len(value) > _MAX_ISO_LENGTH:
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def money(value: Any, path: str) -> Decimal | None:
    """An exact amount, written as a number or as a string; None where there is none.

    Raises Rejected for what is there and is no amount: not a number, negative, 10^15 or more, endless decimals.
    """
    if value is None or value == "":
        return None
    number = _number(value)
    if number is None:
        raise Rejected(Reason.SCHEMA_VIOLATION, path, "not a decimal number")
    if not 0 <= number < _MONEY_LIMIT:
        raise Rejected(Reason.SCHEMA_VIOLATION, path, "an amount is not negative and less than 10^15")
    digits = number.as_tuple().exponent
    if isinstance(digits, int) and digits < -_MAX_DECIMALS:
        raise Rejected(Reason.SCHEMA_VIOLATION, path, f"more than {_MAX_DECIMALS} decimals")
    return Decimal(format(number.copy_abs(), "f"))


def currency(value: Any, path: str) -> str | None:
    """An ISO 4217 code in capitals; None where there is none. Raises Rejected for what is there and is no code."""
    if value is None or value == "":
        return None
    code = text(value).strip()
    if not _CURRENCY.fullmatch(code):
        raise Rejected(Reason.SCHEMA_VIOLATION, path, "a currency is a code of three letters")
    return code.upper()


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, msgspec.Raw):
        value = bytes(value).decode()
    if not isinstance(value, str):
        return None
    written = value.strip()
    return Decimal(written) if _NUMBER.fullmatch(written) else None


def _beyond_calendar(path: str) -> Rejected:
    return Rejected(Reason.TIMESTAMP_OUT_OF_RANGE, path, "beyond the calendar")
