"""Compares two Prisma schemas: the one that we wrote, and the one that Prisma read from a database.

Prisma keeps the names of our schema for what it finds, so the lines of a model can be compared. Left out are defaults,
which the database writes in words of its own, and indexes, of which Prisma does not know all.
"""

import re
from collections.abc import Iterator, Mapping

_MODEL = re.compile(r"^model (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_MAP = re.compile(r"@@map\(\"(\w+)\"\)")
_COLUMN = re.compile(r"@map\(\"(\w+)\"\)")
_KEY = re.compile(r"@@id\(.*\)")


def tables(schema: str) -> Mapping[str, Mapping[str, str]]:
    """By table, the type of each column as Prisma writes it, and its primary key under the empty name."""
    found: dict[str, dict[str, str]] = {}
    for name, body in _MODEL.findall(schema):
        lines = [line.split("//")[0].strip() for line in body.splitlines()]
        mapped = _MAP.search(body)
        columns = found.setdefault(mapped[1] if mapped else name, {})
        for line in filter(None, lines):
            if line.startswith("@@"):
                if key := _KEY.match(line):
                    columns[""] = key[0]
                continue
            field, kind, *attributes = line.split()
            column = _COLUMN.search(line)
            kept = [each for each in attributes if each == "@id" or each.startswith(("@db.", "@unique"))]
            columns[column[1] if column else field] = " ".join([kind, *sorted(kept)])
    return found


def differences(wanted: str, found: str) -> Iterator[str]:
    """What of the database `found` is not as the schema `wanted` says, a few words each."""
    expected, actual = tables(wanted), tables(found)
    for table, columns in expected.items():
        if table not in actual:
            yield f"the table {table} is missing"
            continue
        for column, kind in columns.items():
            name = f"{table}.{column}" if column else f"the primary key of {table}"
            there = actual[table].get(column)
            if there is None:
                yield f"{name} is missing"
            elif there != kind:
                yield f"{name} is {there}, and should be {kind}"
        yield from (
            f"{table}.{column} is nowhere in the schema" for column in actual[table] if column not in columns
        )
    yield from (f"the table {table} is nowhere in the schema" for table in actual if table not in expected)
