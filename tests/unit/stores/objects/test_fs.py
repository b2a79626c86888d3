"""What the file store does to the file system, in which order, and what becomes of it when that fails."""

import errno
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from calotype.errors import NotFound, OutOfResources, Unavailable
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.stores.objects.syscalls import Syscalls
from support.syscall_recorder import Recorder


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path / "objects")


def store_of(recorder, base=None, **settings):
    return FileObjectStore(FileStoreSettings(root=recorder.root, **settings), recorder.syscalls(base))


def kept(store, key, content=b"abc"):
    spool = store.spool()
    try:
        spool.write((content,))
        return store.put(spool, key)
    finally:
        spool.discard()


def what_matters(log):
    return [line for line in log if line.split()[0] not in {"open", "close"}]


# -- the order that durability rests on ------------------------------------------------------------------------------


def test_put_links_then_syncs_file_then_folder_then_new_parents(recorder):
    store = store_of(recorder)
    recorder.clear()
    kept(store, "2026/01/1.dcm")
    assert recorder.log == [
        "open spool",
        "writev spool",
        "mkdir objects/2026",
        "mkdir objects/2026/01",
        "link spool objects/2026/01/1.dcm",
        "fsync spool",
        "close spool",
        "open objects/2026/01",
        "fsync objects/2026/01",
        "close objects/2026/01",
        "open objects/2026",
        "fsync objects/2026",
        "close objects/2026",
        "open objects",
        "fsync objects",
        "close objects",
        # What follows is done when the sender has been answered: the spool's name goes, the next spool is made.
        "unlink spool",
        "open spool",
    ]


def test_put_into_a_known_folder_syncs_file_and_folder_only(recorder):
    store = store_of(recorder)
    kept(store, "2026/01/1.dcm")
    recorder.clear()
    kept(store, "2026/01/2.dcm")
    assert what_matters(recorder.log) == [
        "writev spool",
        "link spool objects/2026/01/2.dcm",
        "fsync spool",
        "fsync objects/2026/01",
        "unlink spool",
    ]


def test_put_syncs_only_the_parents_that_are_not_known(recorder):
    store = store_of(recorder)
    kept(store, "2026/01/1.dcm")
    recorder.clear()
    kept(store, "2026/02/1.dcm")
    assert [line for line in recorder.log if line.startswith(("fsync", "mkdir"))] == [
        "mkdir objects/2026/02",
        "fsync spool",
        "fsync objects/2026/02",
        "fsync objects/2026",
    ]


def test_folders_found_at_start_are_synced_once_more(recorder):
    """A process that died may have made them and not have come to its sync."""
    (recorder.root / "2026" / "01").mkdir(parents=True)
    store = store_of(recorder)
    recorder.clear()
    kept(store, "2026/01/1.dcm")
    assert [line for line in recorder.log if line.startswith("fsync")] == [
        "fsync spool",
        "fsync objects/2026/01",
        "fsync objects/2026",
        "fsync objects",
    ]


def test_a_folder_another_thread_is_making_is_not_taken_for_durable(recorder):
    """Two threads meet in a new folder: each must sync its parent, for neither knows whether the other did."""
    at_link = threading.Barrier(2)
    base = Syscalls.best()

    def link(source, target):
        at_link.wait(timeout=60)
        base.link(source, target)

    store = store_of(recorder, replace(base, link=link))
    recorder.clear()
    threads = [threading.Thread(target=kept, args=(store, f"new/{number}.dcm")) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.log.count("fsync objects/new") == 2
    assert recorder.log.count("fsync objects") == 2


def test_a_folder_removed_and_made_anew_during_put_is_synced_again(recorder):
    """The folder is pruned after the cache was asked and before the link; another thread makes it anew, unsynced."""
    base = Syscalls.best()
    state = {"armed": False}

    def link(source, target):
        if state["armed"]:
            state["armed"] = False
            store.delete("a/1.dcm")
            (recorder.root / "a").mkdir()
        base.link(source, target)

    store = store_of(recorder, replace(base, link=link))
    kept(store, "a/1.dcm")
    recorder.clear()
    state["armed"] = True
    kept(store, "a/2.dcm")
    assert [line for line in recorder.log if line.startswith("fsync")] == [
        "fsync spool",
        "fsync objects/a",
        "fsync objects",
    ]


def test_without_durability_nothing_is_synced(recorder):
    store = store_of(recorder, durable=False)
    kept(store, "2026/01/1.dcm")
    assert [line for line in recorder.log if line.startswith("fsync")] == []


def test_a_new_root_is_synced_into_its_parent(recorder):
    store_of(recorder)
    assert "fsync ." in recorder.log


def test_the_cache_of_known_folders_is_bounded(recorder):
    store = store_of(recorder, max_known_folders=2)
    for number in range(5):
        kept(store, f"{number}/1.dcm")
    assert len(store._folders._known) == 2
    recorder.clear()
    kept(store, "0/2.dcm")
    assert recorder.log.count("fsync objects") == 1


def test_every_file_and_folder_is_private(recorder):
    store = store_of(recorder)
    kept(store, "a/1.dcm")
    assert (recorder.root / "a" / "1.dcm").stat().st_mode & 0o777 == 0o600
    assert (recorder.root / "a").stat().st_mode & 0o777 == 0o700


# -- without fast paths ----------------------------------------------------------------------------------------------


def test_without_hard_links_the_name_is_reserved_and_then_replaced(recorder):
    store = store_of(recorder, Syscalls.portable())
    recorder.clear()
    kept(store, "a/1.dcm")
    assert recorder.log == [
        "open spool",
        "write spool",
        "mkdir objects/a",
        "fsync spool",
        "close spool",
        "open objects/a/1.dcm",
        "close objects/a/1.dcm",
        "replace spool objects/a/1.dcm",
        "open objects/a",
        "fsync objects/a",
        "close objects/a",
        "open objects",
        "fsync objects",
        "close objects",
        "open spool",
    ]


def test_a_file_system_that_refuses_links_is_asked_once(recorder):
    base = Syscalls.best()

    def no_link(source, target):
        raise OSError(errno.EPERM, "no links here")

    store = store_of(recorder, replace(base, link=no_link))
    assert [kept(store, "a/1.dcm"), kept(store, "a/1.dcm")] == ["a/1.dcm", "a/1.1.dcm"]
    assert sum(line.startswith("link") for line in recorder.log) == 1


def test_a_failed_replace_leaves_no_placeholder(recorder):
    store = store_of(recorder, Syscalls.portable())
    recorder.failures["replace spool objects/a/1.dcm"] = errno.EIO
    with pytest.raises(Unavailable):
        kept(store, "a/1.dcm")
    assert list(store.keys()) == []


@pytest.mark.parametrize("taken", [1, 2, 3, 5, 7])
def test_short_writes_are_continued(recorder, taken):
    base = Syscalls.best()

    def writev(fd, parts):
        return os.write(fd, b"".join(parts)[:taken])

    def write(fd, part):
        return os.write(fd, part[:1])

    store = store_of(recorder, replace(base, writev=writev, write=write))
    spool = store.spool()
    spool.write((b"ab", b"", b"cde", b"fg"))
    store.put(spool, "a")
    assert (recorder.root / "a").read_bytes() == b"abcdefg"


# -- full disks and worse --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("line", ["writev spool", "fsync spool", "mkdir objects/a", "link spool objects/a/1.dcm"])
def test_a_full_disk_is_out_of_resources_and_leaves_nothing(recorder, line, number):
    store = store_of(recorder)
    recorder.failures[line] = number
    with pytest.raises(OutOfResources):
        kept(store, "a/1.dcm")
    assert [path for path in recorder.root.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    recorder.failures.clear()
    assert kept(store, "a/1.dcm") == "a/1.dcm"


def test_a_full_disk_when_the_spool_starts(recorder):
    store = store_of(recorder)
    recorder.failures["open spool"] = errno.ENOSPC
    with pytest.raises(OutOfResources, match="full"):
        store.spool()


def test_a_spool_that_failed_once_cannot_be_put(recorder):
    store = store_of(recorder)
    spool = store.spool()
    spool.write((b"abc",))
    recorder.failures["writev spool"] = errno.ENOSPC
    with pytest.raises(OutOfResources):
        spool.write((b"def",))
    recorder.failures.clear()
    with pytest.raises(Unavailable):
        store.put(spool, "a")
    spool.discard()
    assert list(store.keys()) == []


def test_a_folder_sync_that_fails_is_not_success(recorder):
    store = store_of(recorder)
    recorder.failures["fsync objects"] = errno.EIO
    with pytest.raises(Unavailable, match="health"):
        kept(store, "a/1.dcm")
    recorder.failures.clear()
    recorder.clear()
    kept(store, "a/2.dcm")
    assert "fsync objects" in recorder.log, "the folder may not be taken for durable after a failure"


def test_room_is_reserved(recorder):
    store = store_of(recorder, min_free_bytes=100 << 20)
    recorder.free_bytes = 100 << 20
    kept(store, "a")
    recorder.free_bytes -= 1
    store.spool().discard()  # what was enough is believed for a moment: one question for many small objects
    store._enough_until_s = 0.0
    with pytest.raises(OutOfResources, match="99 MiB left and 100 MiB are reserved"):
        store.spool()


def test_an_object_where_a_folder_should_be_is_named(recorder):
    store = store_of(recorder)
    kept(store, "a")
    with pytest.raises(Unavailable, match="change the layout"):
        kept(store, "a/b")


def test_a_root_that_cannot_be_used_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be used"):
        FileObjectStore(FileStoreSettings(root=tmp_path / "file" / "objects"))


def test_a_spool_of_another_store_is_a_bug(recorder, tmp_path):
    store = store_of(recorder)
    with pytest.raises(TypeError):
        store.put(object(), "a")


def test_a_vanished_spool_file_ends_in_an_error(recorder):
    store = store_of(recorder)
    spool = store.spool()
    spool.write((b"abc",))
    for path in (recorder.root / ".incoming").rglob("*"):
        if path.is_file() and path.suffix != ".lock":
            path.unlink()
    with pytest.raises(Unavailable, match="disappears"):
        store.put(spool, "a/b")
    spool.discard()


def test_closed_spools_and_readers_say_so(recorder):
    store = store_of(recorder)
    spool = store.spool()
    spool.discard()
    for act in (lambda: spool.write((b"a",)), spool.view, lambda: store.put(spool, "a")):
        with pytest.raises(Unavailable):
            act()
    kept(store, "b")
    reader = store.open("b")
    assert reader.fileno() is not None
    reader.close()
    reader.close()
    assert reader.fileno() is None
    with pytest.raises(NotFound):
        reader.read_at(0, 1)


# -- what crashes leave ----------------------------------------------------------------------------------------------


def test_deleting_the_last_object_removes_its_folders(recorder):
    store = store_of(recorder)
    kept(store, "a/b/1.dcm")
    kept(store, "a/2.dcm")
    store.delete("a/b/1.dcm")
    assert not (recorder.root / "a" / "b").exists()
    assert (recorder.root / "a").exists()


def test_keys_pass_over_what_is_not_ours(recorder):
    store = store_of(recorder)
    kept(store, "a/1.dcm")
    (recorder.root / "lost+found").mkdir()
    (recorder.root / ".hidden").mkdir()
    (recorder.root / "a" / "my notes.txt").write_text("x")
    assert list(store.keys()) == ["a/1.dcm"]


def test_keys_go_on_when_a_folder_vanishes(recorder):
    store = store_of(recorder)
    kept(store, "a/1.dcm")
    kept(store, "b/1.dcm")
    kept(store, "c/1.dcm")
    keys = store.keys()
    first = next(keys)
    assert first == "c/1.dcm"
    store.delete("b/1.dcm")
    assert list(keys) == ["a/1.dcm"]


def test_close_leaves_no_private_files(recorder):
    store = store_of(recorder)
    store.spool().write((b"abc",))
    store.close()
    store.close()
    assert list((recorder.root / ".incoming").iterdir()) == []


def test_a_start_sweeps_only_what_has_no_living_owner(recorder):
    alive = store_of(recorder)
    spool = alive.spool()
    spool.write((b"alive",))
    abandoned = recorder.root / ".incoming" / "1-abandoned"
    abandoned.mkdir()
    (abandoned / "0").write_bytes(b"half an object")
    second = store_of(recorder)
    assert second.swept == 1
    assert not abandoned.exists()
    assert alive.put(spool, "a") == "a"


_CRASHES = """
import os, sys
from pathlib import Path
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
store = FileObjectStore(FileStoreSettings(root=Path(sys.argv[1])))
spool = store.spool()
spool.write((b"half an object",))
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_is_swept_and_a_living_one_is_not(tmp_path):
    root = tmp_path / "objects"
    with subprocess.Popen(
        [sys.executable, "-c", _CRASHES, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        before = FileObjectStore(FileStoreSettings(root=root))
        assert before.swept == 0
        before.close()
        process.send_signal(signal.SIGKILL)
    after = FileObjectStore(FileStoreSettings(root=root))
    assert after.swept == 1
    assert list(after.keys()) == []
    after.close()
    assert list((root / ".incoming").iterdir()) == []


def test_systems_without_file_locks_sweep_what_can_be_removed(recorder):
    without = replace(Syscalls.best(), try_lock=None)
    store_of(recorder, without)
    assert store_of(recorder, without).swept == 1


def test_the_room_on_the_disk_is_told(tmp_path):
    store = FileObjectStore(FileStoreSettings(root=tmp_path / "objects", min_free_bytes=5))
    disk = store.disk()
    assert (disk.path, disk.min_free_bytes) == (str(tmp_path / "objects"), 5)
    assert 0 < disk.free_bytes <= disk.total_bytes
    store.close()
    (tmp_path / "objects" / ".incoming").rmdir()
    (tmp_path / "objects").rmdir()
    with pytest.raises(NotFound, match="how much room there is"):
        store.disk()
