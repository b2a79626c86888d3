"""A folder of results that may be lost, and never says what it was not given."""

from __future__ import annotations

import os
import threading

import pytest

from calotype.stores.cache import FolderCache

KEYS = [f"{number:040x}" for number in range(0, 4096, 256)]


@pytest.fixture
def cache(tmp_path):
    return FolderCache(tmp_path / "cache", 10_000)


def test_what_is_kept_comes_back(cache):
    assert cache.get(KEYS[0]) is None
    cache.put(KEYS[0], b"one")
    cache.put(KEYS[1], b"two")

    assert [cache.get(key) for key in KEYS[:3]] == [b"one", b"two", None]


def test_another_process_finds_it(cache, tmp_path):
    cache.put(KEYS[0], b"one")

    assert FolderCache(tmp_path / "cache", 10_000).get(KEYS[0]) == b"one"


def test_the_oldest_goes_and_what_is_read_stays(cache, tmp_path):
    for age, key in enumerate(KEYS[:10]):
        cache.put(key, bytes(984))
        os.utime(tmp_path / "cache" / key[:2] / key, (age + 1, age + 1))
    assert cache.get(KEYS[0]) is not None

    cache.put(KEYS[10], bytes(984))

    kept = [cache.get(key) is not None for key in KEYS[:11]]
    assert kept == [True, False, False, False, True, True, True, True, True, True, True]
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()) <= 10_000


def test_what_was_there_before_counts(cache, tmp_path):
    for key in KEYS[:9]:
        cache.put(key, bytes(984))
    later = FolderCache(tmp_path / "cache", 5000)

    later.put(KEYS[9], bytes(484))

    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()) <= 5000


def test_what_is_too_large_or_empty_is_not_kept(cache):
    cache.put(KEYS[0], bytes(5000))
    cache.put(KEYS[1], b"")

    assert [cache.get(key) for key in KEYS[:2]] == [None, None]


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path, caplog):
    (tmp_path / "cache").write_bytes(b"a file in the way")
    cache = FolderCache(tmp_path / "cache", 10_000)

    cache.put(KEYS[0], b"one")

    assert cache.get(KEYS[0]) is None
    assert "cannot keep" in caplog.text


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 40, "0" * 80])
def test_a_key_is_never_a_path(cache, key):
    with pytest.raises(ValueError, match="no key"):
        cache.get(key)


def test_many_may_use_it_at_once(cache):
    wrong = []

    def work(seed):
        for turn in range(200):
            key = KEYS[(seed + turn) % len(KEYS)]
            cache.put(key, key.encode() * 20)
            found = cache.get(key)
            if found not in {None, key.encode() * 20}:
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_what_is_not_whole_is_not_handed_out_and_goes(cache, tmp_path, caplog):
    for key, damaged in zip(KEYS, (b"", b"short", b"content" * 9), strict=False):
        cache.put(key, b"content" * 10)
        path = tmp_path / "cache" / key[:2] / key
        path.write_bytes(damaged)

        assert cache.get(key) is None
        assert not path.exists()
    assert "damaged" in caplog.text


def test_a_file_that_grows_is_read_as_far_as_it_is_there_and_kept_when_it_is_whole(cache, tmp_path):
    with cache.begin(KEYS[0]) as growing:
        assert growing.write(b"abc")
        assert growing.write(b"def")
        assert growing.read_at(2, 2) == b"cd"
        assert cache.get(KEYS[0]) is None
        growing.keep()
        assert growing.read_at(0, 6) == b"abcdef"

    assert cache.get(KEYS[0]) == b"abcdef"
    with cache.begin(KEYS[1]) as growing:
        growing.write(b"never to be whole")
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [KEYS[0]]


def test_what_grows_too_large_stays_readable_and_is_not_kept(cache, tmp_path):
    with cache.begin(KEYS[0]) as growing:
        assert growing.write(bytes(2000))
        growing.keep()
        assert growing.read_at(0, 3000) == bytes(2000)

    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_all_that_starts_alike_is_forgotten_together(cache):
    keys = ["aa" * 8 + "01" * 4, "aa" * 8 + "02" * 4, "aa" * 7 + "bb" + "01" * 4]
    for key in keys:
        cache.put(key, b"content")

    cache.forget("aa" * 8)

    assert [cache.get(key) for key in keys] == [None, None, b"content"]
