"""What every source in the registry promises. A new row in the registry is covered without a new test.

What it promises of its webhooks is in test_webhooks.py; where the samples are and what is in them, in samples.py.
"""

import ast
import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from collectors.registry import SOURCES
from pipeline.events.reasons import Rejection
from pipeline.events.record import FACET_SEPARATOR, EventRecord
from pipeline.events.source import Source
from pipeline.store.projections import PROJECTIONS
from tests.contract.samples import (
    FOLDER,
    RECEIVED_AT,
    deliveries_to,
    events_in,
    facet_values,
    golden_of,
    judged,
    outcomes_of,
    readable,
    request_of,
)

each_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


each_sample = pytest.mark.parametrize(
    ("source", "sample"),
    [
        pytest.param(source, sample, id=f"{source.name}/{sample.stem}")
        for source in SOURCES.values()
        for sample in events_in(source)
    ],
)


@each_sample
def test_a_sample_becomes_the_record_beside_it(source: Source, sample: Path) -> None:
    golden = golden_of(sample)
    record = judged(source.formats[golden["format"]], sample.read_bytes(), RECEIVED_AT)
    assert isinstance(record, EventRecord), record
    assert readable(record, source) == golden["record"]


@each_sample
def test_a_sample_keeps_every_byte_and_its_time_of_arrival(source: Source, sample: Path) -> None:
    raw = sample.read_bytes()
    record = judged(source.formats[golden_of(sample)["format"]], raw, RECEIVED_AT)
    assert isinstance(record, EventRecord), record
    assert bytes(record.payload) == raw
    assert record.received_at == RECEIVED_AT


def records_of_events(source: Source) -> Iterator[EventRecord]:
    """The records of all samples, and of all samples with the event type replaced by each other one."""
    types = list(chain.from_iterable(source.event_types.values()))
    for sample in events_in(source):
        golden = golden_of(sample)
        event = json.loads(sample.read_bytes())
        for event_type in types:
            variant = {
                name: event_type if value == golden["record"]["event_type"] else value
                for name, value in event.items()
            }
            raw = json.dumps(variant).encode()
            record = judged(source.formats[golden["format"]], raw, RECEIVED_AT)
            if isinstance(record, EventRecord):
                yield record


def records_of_deliveries(source: Source) -> Iterator[EventRecord]:
    for webhook in source.webhooks:
        for sample in deliveries_to(source, webhook):
            for outcome in outcomes_of(source, webhook, request_of(webhook, sample)):
                if isinstance(outcome, EventRecord):
                    yield outcome


def records_of(source: Source) -> Iterator[EventRecord]:
    yield from records_of_events(source)
    yield from records_of_deliveries(source)


@each_source
def test_exactly_the_event_types_of_the_source_can_come_out(source: Source) -> None:
    declared = {(stage, kind) for stage, kinds in source.event_types.items() for kind in kinds}
    seen = {(record.funnel_stage, record.event_type) for record in records_of(source)}
    is_open = tuple(source.open_event_types)
    assert declared - seen == set(), "no sample becomes one of these"
    assert {(stage, kind) for stage, kind in seen - declared if not kind.startswith(is_open)} == set()


@each_source
def test_a_declared_event_type_is_no_open_one(source: Source) -> None:
    declared = chain.from_iterable(source.event_types.values())
    prefixes = tuple(filter(None, source.open_event_types))
    assert [kind for kind in declared if kind.startswith(prefixes or ("\0",))] == []


@each_source
def test_a_record_has_one_value_for_each_facet_and_keeps_to_closed_sets(source: Source) -> None:
    seen: dict[str, set[str]] = {name: set() for name in source.facets}
    for record in records_of(source):
        for name, value in zip(source.facets, facet_values(record, source), strict=True):
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
    samples = [events_in(source), *(deliveries_to(source, webhook) for webhook in source.webhooks)]
    assert sum(map(len, samples)) >= 4


@each_source
def test_a_source_knows_its_formats_by_their_names(source: Source) -> None:
    assert source.event_format is None or source.event_format in source.formats
    has_its_own_door = bool(source.projection)
    assert source.event_format is not None or source.webhooks or has_its_own_door, "nothing can come in"
    assert {name: event_format.name for name, event_format in source.formats.items()} == {
        name: name for name in source.formats
    }


def test_no_two_sources_share_a_projection() -> None:
    names = [source.projection for source in SOURCES.values() if source.projection]
    assert sorted(set(names)) == sorted(names)


@each_source
def test_people_are_kept_for_reports_where_something_is_known_of_them(source: Source) -> None:
    assert PROJECTIONS[source.projection].has_audience == bool(source.facets)


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
