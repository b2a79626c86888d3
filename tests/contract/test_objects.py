"""What every object store promises; see ``ports.ObjectStore``."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from calotype.errors import InvalidRequest, NotFound, OutOfResources
from calotype.services.archive.ports import ObjectStore
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.stores.objects.syscalls import Syscalls


def memory(path):
    return MemoryObjectStore()


def files(path):
    return FileObjectStore(FileStoreSettings(root=path / "objects"))


def files_without_fast_paths(path):
    return FileObjectStore(FileStoreSettings(root=path / "objects"), Syscalls.portable())


def files_without_sync(path):
    return FileObjectStore(FileStoreSettings(root=path / "objects", durable=False))


@pytest.fixture(params=[memory, files, files_without_fast_paths, files_without_sync])
def store(request, tmp_path) -> ObjectStore:
    return request.param(tmp_path)


def kept(store, key, content):
    spool = store.spool()
    spool.write((content,))
    return store.put(spool, key)


def content_of(store, key):
    with store.open(key) as reader:
        return reader.read_at(0, reader.size_bytes)


def test_an_object_comes_back_as_it_was_written(store):
    spool = store.spool()
    spool.write((b"DICM", bytearray(b"abc"), memoryview(b"xdefx")[1:4]))
    spool.write((b"",))
    spool.write((b"ghi", b"jkl"))
    assert spool.size_bytes == 16
    assert store.put(spool, "2026/01/02/1.2.dcm") == "2026/01/02/1.2.dcm"
    assert content_of(store, "2026/01/02/1.2.dcm") == b"DICMabcdefghijkl"


def test_buffers_may_be_reused_after_write(store):
    buffer = bytearray(b"first")
    spool = store.spool()
    spool.write((memoryview(buffer),))
    buffer[:] = b"other"
    spool.write((memoryview(buffer),))
    store.put(spool, "a")
    assert content_of(store, "a") == b"firstother"


def test_many_parts_are_written_in_order(store):
    parts = [bytes([number % 251]) * (number % 7) for number in range(5000)]
    spool = store.spool()
    spool.write(parts)
    store.put(spool, "many")
    assert content_of(store, "many") == b"".join(parts)


def test_an_empty_object_can_be_kept(store):
    assert kept(store, "empty", b"") == "empty"
    assert content_of(store, "empty") == b""


def test_view_shows_what_was_written_so_far(store):
    spool = store.spool()
    assert bytes(spool.view()) == b""
    spool.write((b"abc",))
    first = spool.view()
    spool.write((b"def",))
    second = spool.view()
    assert second.readonly
    assert (bytes(first), bytes(second)) == (b"abc", b"abcdef")
    store.put(spool, "viewed")
    assert content_of(store, "viewed") == b"abcdef"


def test_a_view_that_is_still_held_does_not_stop_put(store):
    spool = store.spool()
    spool.write((b"abcdef",))
    held = spool.view()[2:4]
    store.put(spool, "held")
    assert bytes(held) == b"cd"
    assert content_of(store, "held") == b"abcdef"


def test_a_taken_key_is_never_overwritten(store):
    keys = [kept(store, "s/1.2.3.dcm", content) for content in (b"one", b"two", b"three")]
    assert keys == ["s/1.2.3.dcm", "s/1.2.3.1.dcm", "s/1.2.3.2.dcm"]
    assert [content_of(store, key) for key in keys] == [b"one", b"two", b"three"]


def test_a_key_without_suffix_is_numbered_at_its_end(store):
    assert [kept(store, "s.x/name", b"") for _ in range(2)] == ["s.x/name", "s.x/name.1"]


def test_discard_leaves_nothing(store):
    spool = store.spool()
    spool.write((b"abc",))
    spool.discard()
    spool.discard()
    assert list(store.keys()) == []


def test_discard_after_put_leaves_the_object(store):
    spool = store.spool()
    spool.write((b"abc",))
    store.put(spool, "a/b")
    spool.discard()
    assert content_of(store, "a/b") == b"abc"


def test_a_spool_is_no_key(store):
    spool = store.spool()
    spool.write((b"abc",))
    assert list(store.keys()) == []
    spool.discard()


def test_keys_are_all_keys(store):
    names = {f"2026/0{month}/{uid}.dcm" for month in (1, 2) for uid in ("1.2", "1.3")} | {"top"}
    for name in names:
        kept(store, name, b"x")
    assert sorted(store.keys()) == sorted(names)


def test_deleted_objects_are_gone(store):
    kept(store, "a/b/c", b"1")
    kept(store, "a/d", b"2")
    store.delete("a/b/c")
    assert list(store.keys()) == ["a/d"]
    with pytest.raises(NotFound):
        store.open("a/b/c")
    with pytest.raises(NotFound):
        store.delete("a/b/c")


def test_a_deleted_key_can_be_used_again(store):
    for content in (b"1", b"2", b"3"):
        assert kept(store, "a/b/c", content) == "a/b/c"
        assert content_of(store, "a/b/c") == content
        store.delete("a/b/c")


def test_opening_what_is_not_there_is_not_found(store):
    kept(store, "a/b", b"1")
    for key in ("nothing", "a", "a/b/c", "x/y/z"):
        with pytest.raises(NotFound):
            store.open(key)


def test_reading_at_offsets(store):
    kept(store, "digits", b"0123456789")
    with store.open("digits") as reader:
        assert reader.size_bytes == 10
        assert reader.read_at(3, 4) == b"3456"
        assert reader.read_at(8, 100) == b"89"
        assert reader.read_at(10, 1) == b""
        assert reader.read_at(0, 0) == b""


def test_a_reader_outlives_its_object(store):
    kept(store, "a", b"still here")
    with store.open("a") as reader:
        store.delete("a")
        assert reader.read_at(0, 10) == b"still here"


@pytest.mark.parametrize(
    "key",
    [
        *("", "/etc/passwd", "../up", "a/../b", "a/./b", "a//b", "a/", ".incoming/x", "a/.hidden", "a b", "a\\b"),
        *("C:x", "a\nb", "a\x00b", "ä", "a\n", "x" * 256, "/".join(["x" * 200] * 20)),
    ],
)
def test_unsafe_keys_are_refused(store, key):
    spool = store.spool()
    spool.write((b"x",))
    for act in (lambda: store.put(spool, key), lambda: store.open(key), lambda: store.delete(key)):
        with pytest.raises(InvalidRequest):
            act()
    spool.discard()
    assert list(store.keys()) == []


def test_concurrent_writers_of_one_key_lose_nothing(store):
    count = 16
    start = threading.Barrier(count)
    keys: list[tuple[str, bytes]] = []

    def write(number):
        content = hashlib.sha256(bytes([number])).digest()
        start.wait()
        keys.append((kept(store, "race/a/b/c.dcm", content), content))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({key for key, _ in keys}) == count
    assert all(content_of(store, key) == content for key, content in keys)


def test_concurrent_put_and_delete_in_one_folder(store):
    """A delete that empties a folder may not pull it from under a put."""

    def churn(name):
        for _ in range(60):
            store.delete(kept(store, f"churn/deep/{name}", b"x"))
        return name

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(churn, "abcd")) == ["a", "b", "c", "d"]
    assert list(store.keys()) == []


def test_a_full_store_says_so():
    store = MemoryObjectStore(capacity_bytes=4)
    kept(store, "a", b"123")
    spool = store.spool()
    with pytest.raises(OutOfResources):
        spool.write((b"45",))
    spool.discard()
    store.delete("a")
    assert kept(store, "b", b"4567") == "b"
