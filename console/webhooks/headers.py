"""Headers as a delivery has them."""

from collections.abc import Sequence

from console.webhooks.rules import Headers


def headers_of(written: Sequence[tuple[str, str]]) -> tuple[Headers, list[str]]:
    """As the gateway gets them: names in lower case, values in Latin-1, and those that came twice left out (listed)."""
    names = [name.lower() for name, _ in written]
    twice = sorted({name for name in names if names.count(name) > 1})
    found = {name.lower(): value.encode().decode("latin-1") for name, value in written}
    return {name: value for name, value in found.items() if name not in twice}, twice
