"""Settings are data: one msgspec Struct per concern, filled from a mapping that `__main__` passes in.

A field `max_bytes` is read from `MAX_BYTES`. A Struct field without a default is required. Types are converted
strictly by msgspec; on top of that `ByteSize` understands `50mb`, and `tuple[str, ...]` is a comma-separated list.
A Struct may check its values further in `__post_init__`, with a ValueError that names the variable.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from pipeline.errors import ConfigurationError

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)

_UNITS = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_SIZE = re.compile(r"(\d+)\s*([a-z]*)", re.IGNORECASE)


class ByteSize(int):
    """A number of bytes, written as `1048576`, `1mb`, `512kb` or `2gb` (powers of 1024)."""

    @classmethod
    def parse(cls, text: str) -> "ByteSize":
        """Raises ValueError when the text is not a size."""
        match = _SIZE.fullmatch(text.strip())
        unit = _UNITS.get(match[2].lower()) if match else None
        if match is None or unit is None:
            raise ValueError(f"expected a size like 50mb, got {text!r}")
        return cls(int(match[1]) * unit)


def load_settings(settings: type[SettingsT], environ: Mapping[str, str]) -> SettingsT:
    """The Struct filled from the environment. Raises ConfigurationError naming the variable that is wrong.

    An empty value counts as unset, so that `NAME=` in an env file means the default.
    """
    hints = get_type_hints(settings)
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        variable = field.name.upper()
        text = environ.get(variable, "").strip()
        if not text:
            if field.required:
                raise ConfigurationError(f"{variable}: required, but not set")
            continue
        values[field.name] = _convert(variable, text, hints[field.name])
    try:
        return msgspec.convert(values, settings, strict=False, dec_hook=_decode_custom)
    except msgspec.ValidationError as error:
        # msgspec ends its message with the path of the field: `… - at `$.port``
        message, at, path = str(error).rpartition(" - at ")
        if not at:  # the Struct's own complaint
            raise ConfigurationError(str(error)) from None
        raise ConfigurationError(f"{path.strip('`$.').upper()}: {message}") from None


def _convert(variable: str, text: str, hint: Any) -> Any:
    if get_origin(hint) is tuple and get_args(hint)[:1] == (str,):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if hint is ByteSize:
        try:
            return ByteSize.parse(text)
        except ValueError as error:
            raise ConfigurationError(f"{variable}: {error}") from None
    return text


def _decode_custom(kind: type, value: Any) -> Any:
    if kind is ByteSize and isinstance(value, int):
        return ByteSize(value)
    raise NotImplementedError(f"no conversion to {kind}")
