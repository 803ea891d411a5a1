"""A canonical record travels to the store under the names that the store's statement reads."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import pipeline
from pipeline.events.record import FACET_SEPARATOR, EventRecord, join_facets

FULL = EventRecord(
    event_id="fb-1",
    funnel_stage="bottom",
    event_type="checkout.complete",
    occurred_at=datetime(2026, 5, 14, 10, 46, 28, 214000, tzinfo=UTC),
    received_at=datetime(2026, 5, 14, 10, 46, 29, tzinfo=UTC),
    user_id="u-1",
    facets="18-24",
    payload=msgspec.Raw(b'{ "kept": "as it came" }'),
    amount=Decimal("49.90"),
    currency="EUR",
    campaign_id="camp-1",
    watch_seconds=1.5,
    watched_percent=100.0,
)


def columns_of_the_statement() -> dict[str, str]:
    """Name and type of each column that the store reads, from its SQL."""
    sql = (Path(pipeline.__file__).parent / "store" / "event_store.py").read_text()
    columns = re.search(r"AS batch\((?P<columns>[^)]*)\)", sql)
    assert columns is not None, "the statement reads the batch with json_to_recordset(...) AS batch(...)"
    pairs = (column.split() for column in columns["columns"].split(","))
    return {name.strip('"'): kind for name, kind in pairs}


def test_the_store_reads_every_name_that_a_record_has_and_no_other() -> None:
    assert set(msgspec.json.decode(msgspec.json.encode(FULL))) == set(columns_of_the_statement())


def test_money_and_payload_are_read_without_loss() -> None:
    columns = columns_of_the_statement()
    assert (columns["amount"], columns["payload"]) == ("numeric", "json")


def test_money_travels_as_exact_text_and_the_payload_byte_for_byte() -> None:
    encoded = msgspec.json.encode(FULL)
    assert b'"amount":"49.90"' in encoded
    assert b'"payload":{ "kept": "as it came" }' in encoded


def test_what_is_not_known_is_left_out() -> None:
    bare = EventRecord(
        "fb-1", "top", "ad.view", FULL.occurred_at, FULL.received_at, None, "", msgspec.Raw(b"{}")
    )
    assert set(msgspec.json.decode(msgspec.json.encode(bare))) == {
        *("id", "stage", "type", "at", "received", "user", "facets", "payload")
    }


@pytest.mark.parametrize(
    ("values", "joined"),
    [
        (("18-24", "male", "Portugal"), "18-24\x1fmale\x1fPortugal"),
        (("<100", "", ""), "<100\x1f\x1f"),
        (("a\x1fb", "c"), "a b\x1fc"),
        (("",), ""),
    ],
)
def test_facets_are_joined_so_that_none_can_forge_another(values: tuple[str, ...], joined: str) -> None:
    assert join_facets(*values) == joined
    assert len(joined.split(FACET_SEPARATOR)) == len(values)
