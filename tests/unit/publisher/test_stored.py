from uuid import UUID, uuid4

from publisher.stored import SLICE_ROWS, is_empty_from, read_stored
from tests.unit.publisher.fake_database import FakeDatabase

NOON_MS = 1_778_760_000_000


async def test_every_row_in_the_range_is_read_once_and_no_other():
    database = FakeDatabase()
    inside = [uuid4() for _ in range(500)]
    for index, uuid in enumerate(inside):
        database.store(NOON_MS + index * 37, "facebook", f"fb-{uuid}")
    database.store(NOON_MS - 1, "facebook", f"fb-{uuid4()}")
    database.store(NOON_MS + 60_000, "facebook", f"fb-{uuid4()}")
    stored = await read_stored(database, NOON_MS, NOON_MS + 60_000)
    keys = stored.keys["facebook"]
    assert sorted(UUID(bytes=bytes(keys[at : at + 16])) for at in range(0, len(keys), 16)) == sorted(inside)
    assert (stored.rows, stored.foreign) == (500, 0)


async def test_dense_and_empty_times_are_read_in_bounded_slices():
    database = FakeDatabase()
    for second, rows in ((0, 15_000), (1, 15_000), (2, 30_000), (4_000, 10), (4_001, 19_000)):
        for _ in range(rows):
            database.store(NOON_MS + second * 1_000 + 999, "tiktok", f"ttk-{UUID(int=len(database.rows))}")
    stored = await read_stored(database, NOON_MS, NOON_MS + 7_200_000)
    assert stored.rows == len(database.rows) == 79_010
    # A single second may hold more than a slice, two together never do.
    assert database.slices == [15_000, 15_000, 30_000, 19_010]
    assert SLICE_ROWS == 20_000


async def test_foreign_rows_are_counted_and_other_sources_ignored():
    database = FakeDatabase()
    database.store(NOON_MS, "facebook", f"fb-{uuid4()}")
    database.store(NOON_MS, "facebook", "whatever")
    database.store(NOON_MS, "facebook", "x" * 39)
    database.store(NOON_MS, "tiktok", "7301234567890123456")
    database.store(NOON_MS, "social", "like-1")
    stored = await read_stored(database, NOON_MS, NOON_MS + 1)
    assert (stored.rows, stored.foreign) == (4, 3)


async def test_the_range_is_empty_unless_one_of_our_sources_has_an_event_at_or_after_its_start():
    database = FakeDatabase()
    database.store(NOON_MS - 1, "facebook", "earlier")
    database.store(NOON_MS + 5, "social", "like-1")
    assert await is_empty_from(database, NOON_MS)
    database.store(NOON_MS, "tiktok", "exactly then")
    assert not await is_empty_from(database, NOON_MS)


async def test_an_empty_database_has_nothing_stored():
    stored = await read_stored(FakeDatabase(), NOON_MS, NOON_MS + 10)
    assert (stored.rows, stored.foreign) == (0, 0)
