"""The bounded cache: never more entries or bytes than allowed, and the newest ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver.memoize import BoundedCache

MAX_ENTRIES, MAX_BYTES = 4, 100


@given(puts=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 120))))
def test_a_cache_is_bounded_in_entries_and_bytes(puts: list[tuple[int, int]]) -> None:
    cache: BoundedCache[int, int] = BoundedCache(MAX_ENTRIES, MAX_BYTES)
    for key, size in puts:
        before = cache.get(key)
        assert cache.put(key, size, size) == size
        assert cache.get(key) in (size, None) if size <= MAX_BYTES else cache.get(key) == before
        values = [value for number in range(10) if (value := cache.get(number)) is not None]
        assert len(cache) == len(values) <= MAX_ENTRIES
        assert sum(values) == cache._bytes <= MAX_BYTES


def test_the_oldest_entries_are_evicted_and_a_value_too_large_is_not_added() -> None:
    cache: BoundedCache[str, str] = BoundedCache(MAX_ENTRIES, MAX_BYTES)
    for key in "abcde":
        cache.put(key, key, 10)
    assert [cache.get(key) for key in "abcde"] == [None, "b", "c", "d", "e"]
    cache.put("f", "f", 85)
    assert [cache.get(key) for key in "def"] == [None, "e", "f"]
    assert cache.put("g", "g", 101) == "g"
    assert [cache.get(key) for key in "efg"] == ["e", "f", None]


def test_evicted_values_are_reported() -> None:
    evicted: list[str] = []
    cache: BoundedCache[str, str] = BoundedCache(2, MAX_BYTES, evicted.append)
    for key in "abcb":
        cache.put(key, key, 10)
    assert evicted == ["a"]
