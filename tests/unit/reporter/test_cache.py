from collections.abc import Hashable

import msgspec

from reporter.cache import ByteBoundedCache


class Block(msgspec.Struct):
    nbytes: int


def kept(cache: ByteBoundedCache[Block], *keys: Hashable) -> list[bool]:
    return [cache.get(key) is not None for key in keys]


def test_what_was_used_longest_ago_makes_room() -> None:
    cache = ByteBoundedCache[Block](30_000)
    for key in "abc":
        cache.put(key, Block(9_000))
    cache.get("a")
    cache.put("d", Block(9_000))
    assert kept(cache, "a", "b", "c", "d") == [True, False, True, True]
    assert cache.nbytes <= 30_000


def test_a_value_that_grew_is_counted_anew() -> None:
    cache, block = ByteBoundedCache[Block](30_000), Block(1_000)
    cache.put("other", Block(5_000))
    cache.put("block", block)
    block.nbytes = 25_000
    cache.put("block", block)
    assert kept(cache, "other", "block") == [False, True]
    assert cache.nbytes == 26_000


def test_what_is_larger_than_the_cache_is_not_kept_and_pushes_nothing_out() -> None:
    cache = ByteBoundedCache[Block](30_000)
    cache.put("small", Block(1_000))
    cache.put("large", Block(31_000))
    assert kept(cache, "small", "large") == [True, False]
    cache.clear()
    assert cache.nbytes == 0
