"""Ids made from what identifies an event."""

from pipeline.events.identity import stable_id


def test_the_same_parts_give_the_same_id() -> None:
    assert stable_id("meta-feed", "123", "add") == stable_id("meta-feed", "123", "add")


def test_where_one_part_ends_and_the_next_begins_matters() -> None:
    assert stable_id("x", "a", "bc") != stable_id("x", "ab", "c")
    assert stable_id("x", "a", "") != stable_id("x", "a")


def test_it_fits_an_event_id_and_shows_what_it_is() -> None:
    made = stable_id("meta-feed", "\ud800" * 10_000)
    assert made.startswith("meta-feed-")
    assert len(made) == len("meta-feed-") + 40
