"""What every source in the registry promises. A new row in the registry is covered without a new test.

A sample is one event in `collectors/<source>/samples/<name>.json`; beside it `<name>.expected.json` holds the
format that reads it and the canonical record that it must become.
"""

import ast
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest

import collectors
from collectors.registry import SOURCES
from pipeline.events.reasons import Rejection
from pipeline.events.record import FACET_SEPARATOR, EventRecord
from pipeline.events.source import Format, Source

FOLDER = Path(collectors.__file__).parent
RECEIVED_AT = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
OPTIONAL = ("amount", "currency", "campaign_id", "watch_seconds", "watched_percent")

each_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


def samples_of(source: Source) -> list[Path]:
    files = sorted((FOLDER / source.name / "samples").glob("*.json"))
    return [file for file in files if not file.name.endswith(".expected.json")]


each_sample = pytest.mark.parametrize(
    ("source", "sample"),
    [
        pytest.param(source, sample, id=f"{source.name}/{sample.stem}")
        for source in SOURCES.values()
        for sample in samples_of(source)
    ],
)


def golden_of(sample: Path) -> dict[str, Any]:
    file = sample.with_suffix(".expected.json")
    assert file.exists(), f"write the record that {sample.name} must become to {file.name}"
    return json.loads(file.read_text())


def record_of(event_format: Format, raw: bytes) -> EventRecord | Rejection:
    event = event_format.judge(raw, RECEIVED_AT)
    if isinstance(event, Rejection):
        return event
    return event_format.to_record(event, msgspec.Raw(raw), RECEIVED_AT)


def readable(record: EventRecord, source: Source) -> dict[str, Any]:
    """The record as a golden file shows it: facets by name, what is not known left out."""
    shown = msgspec.structs.asdict(record)
    del shown["payload"], shown["received_at"]
    shown["occurred_at"] = record.occurred_at.isoformat()
    shown["facets"] = dict(zip(source.facets, record.facets.split(FACET_SEPARATOR), strict=True))
    shown["amount"] = None if record.amount is None else str(record.amount)
    return {name: value for name, value in shown.items() if value is not None or name not in OPTIONAL}


@each_sample
def test_a_sample_becomes_the_record_beside_it(source: Source, sample: Path) -> None:
    golden = golden_of(sample)
    record = record_of(source.formats[golden["format"]], sample.read_bytes())
    assert isinstance(record, EventRecord), record
    assert readable(record, source) == golden["record"]


@each_sample
def test_a_sample_keeps_every_byte_and_its_time_of_arrival(source: Source, sample: Path) -> None:
    raw = sample.read_bytes()
    record = record_of(source.formats[golden_of(sample)["format"]], raw)
    assert isinstance(record, EventRecord), record
    assert bytes(record.payload) == raw
    assert record.received_at == RECEIVED_AT


def records_of(source: Source) -> Iterator[EventRecord]:
    """The records of all samples, and of all samples with the event type replaced by each other one."""
    types = list(chain.from_iterable(source.event_types.values()))
    for sample in samples_of(source):
        golden = golden_of(sample)
        event = json.loads(sample.read_bytes())
        for event_type in types:
            variant = {
                name: event_type if value == golden["record"]["event_type"] else value
                for name, value in event.items()
            }
            record = record_of(source.formats[golden["format"]], json.dumps(variant).encode())
            if isinstance(record, EventRecord):
                yield record


@each_source
def test_exactly_the_event_types_of_the_source_can_come_out(source: Source) -> None:
    declared = {(stage, kind) for stage, kinds in source.event_types.items() for kind in kinds}
    assert {(record.funnel_stage, record.event_type) for record in records_of(source)} == declared


@each_source
def test_a_record_has_one_value_for_each_facet_and_keeps_to_closed_sets(source: Source) -> None:
    seen: dict[str, set[str]] = {name: set() for name in source.facets}
    for record in records_of(source):
        for name, value in zip(source.facets, record.facets.split(FACET_SEPARATOR), strict=True):
            seen[name].add(value)
    for name, closed in source.facets.items():
        assert seen[name] - {""}, f"no sample has a value for {name}"
        if closed is not None:
            assert seen[name] - {""} <= set(closed)


@each_source
def test_a_closed_set_has_no_value_twice_and_no_separator(source: Source) -> None:
    for closed in source.facets.values():
        values = closed or ()
        assert len(set(values)) == len(values)
        assert not any(FACET_SEPARATOR in value or not value for value in values)


@each_source
def test_a_source_is_registered_under_its_own_name_and_folder(source: Source) -> None:
    assert SOURCES[source.name] is source
    assert (FOLDER / source.name / "__init__.py").exists()
    assert len(samples_of(source)) >= 4


@each_source
def test_a_source_knows_its_formats_by_their_names(source: Source) -> None:
    assert source.event_format in source.formats
    assert {name: event_format.name for name, event_format in source.formats.items()} == {
        name: name for name in source.formats
    }


def test_no_two_sources_share_the_name_of_a_format() -> None:
    names = [name for source in SOURCES.values() for name in source.formats]
    assert sorted(set(names)) == sorted(names)


@each_source
@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{}", b"[]", b"null", b"0", b'""', b"[{}]", b'{"source":"facebook"}', b'"\xff"', b"\x00"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 100_000,
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_nothing_that_a_sender_can_write_makes_a_format_raise(source: Source, raw: bytes) -> None:
    for event_format in source.formats.values():
        assert isinstance(event_format.judge(raw, RECEIVED_AT), Rejection)


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield node.module or ""


@each_source
def test_a_source_is_pure_code_and_knows_no_other_source(source: Source) -> None:
    allowed = ("msgspec", "pipeline.events", f"collectors.{source.name}")
    files = list((FOLDER / source.name).rglob("*.py"))
    assert files
    for file in files:
        for module in imports_of(file):
            is_allowed = any(module == name or module.startswith(f"{name}.") for name in allowed)
            assert is_allowed or module.partition(".")[0] in sys.stdlib_module_names, f"{file}: {module}"
