"""The span of one SQL statement, by the names of OpenTelemetry's conventions for databases."""

import functools
import re
from contextlib import AbstractContextManager
from typing import NamedTuple

from pipeline.chassis import tracing

_TEXT_MAX_CHARACTERS = 1_000
_WRITES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_READS = re.compile(r"\bFROM (\w+)")


class _Statement(NamedTuple):
    summary: str
    text: str


def statement_span(sql: str) -> AbstractContextManager[tracing.Span | None]:
    """The span while a statement runs. Its parameters are bound, so the text says nothing about anybody."""
    if tracing.current() is None:
        return tracing.NOTHING
    statement = _read(sql)
    attributes: dict[str, tracing.Value] = {
        "db.system.name": "postgresql",
        "db.query.summary": statement.summary,
        "db.query.text": statement.text,
    }
    return tracing.child(statement.summary, "client", attributes)


@functools.lru_cache(maxsize=256)
def _read(sql: str) -> _Statement:
    """The first table that it writes to names a statement, else the first that it reads."""
    text = " ".join(sql.split())
    if write := _WRITES.search(text):
        summary = f"{write[1].split()[0]} {write[2]}"
    elif read := _READS.search(text):
        summary = f"SELECT {read[1]}"
    else:
        summary = "SELECT"
    return _Statement(summary, text[:_TEXT_MAX_CHARACTERS])
