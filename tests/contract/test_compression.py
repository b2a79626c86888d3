"""Every store of what is to be compressed, held to the same promises."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.errors import Conflict, NotFound
from calotype.services.archive.compression.ports import Left, Result, Sizes, Tally, Task
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin, StoredInstance
from calotype.stores.index.compression import SqliteCompression
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_compression import MemoryCompression
from calotype.stores.index.sqlite import SqliteIndex

CT = UID("1.2.840.10008.5.1.4.1.1.2")
EXPLICIT, JPEG_LS = UID("1.2.840.10008.1.2.1"), UID("1.2.840.10008.1.2.4.80")
MODALITY = Origin(Channel.DIMSE, "CT1", "CALOTYPE", "192.0.2.7")


@contextmanager
def opened(kind, folder):
    if kind == "memory":
        index = MemoryIndex()
        yield index, MemoryCompression(index)
        return
    index = SqliteIndex(SqliteSettings(folder / "index.sqlite"))
    try:
        yield index, SqliteCompression(index)
    finally:
        index.close()


@pytest.fixture(params=["memory", "sqlite"])
def both(request, tmp_path):
    with opened(request.param, tmp_path) as both:
        yield both


def record(number, *, study="1.2.3", syntax=EXPLICIT, received_us=None, listed=True):
    uid = f"1.2.3.4.{number}"
    return InstanceRecord(
        ref=InstanceRef(UID(study), UID(study + ".4"), UID(uid)),
        sop_class=CT,
        attributes={"Modality": "CT", "InstanceNumber": str(number), "PatientID": "1"},
        location=ObjectLocation(f"{uid}.dcm", 1000, 400, 600, bytes([number]) * 32, syntax),
        header=b"header",
        origin=MODALITY,
        received_us=number if received_us is None else received_us,
        is_to_compress=listed,
    )


def stored(record):
    return StoredInstance(record.ref, record.sop_class, record.location)


def smaller(record):
    return replace(record.location, key=record.location.key + ".1", size_bytes=300, transfer_syntax=JPEG_LS)


def task(number, attempts=1):
    return Task(UID(f"1.2.3.4.{number}"), MODALITY, "CT", attempts)


def test_new_objects_come_onto_the_list_with_their_commit(both):
    index, store = both
    index.add(record(1))
    index.add(record(2, listed=False))
    assert store.waiting() == 1
    assert store.claim(10, 100) == [task(1)]
    assert store.claim(10, 100) == []


def test_an_object_that_takes_the_place_of_another_comes_onto_the_list_anew(both):
    index, store = both
    index.add(record(1))
    [taken] = store.claim(1, 100)
    store.end(taken.sop_instance, Result.KEPT, Sizes(), reason="why", at_us=5)
    index.replace(record(1, received_us=50))
    assert store.left(10) == []
    assert store.claim(1, 100) == [task(1)]


def test_an_object_that_is_overwritten_while_it_is_worked_on_waits_anew(both):
    index, store = both
    index.add(record(1))
    [taken] = store.claim(1, 100)
    index.replace(record(1, received_us=50))
    store.end(taken.sop_instance, Result.KEPT, Sizes(1, 1), reason="why", at_us=5)
    assert list(store.left(10)) == []
    assert store.claim(1, 100) == [task(1)]


def test_a_refused_object_does_not_come_onto_the_list(both):
    index, store = both
    index.add(record(1, listed=False))
    with pytest.raises(Conflict):
        index.add(record(1))
    assert store.waiting() == 0


def test_the_oldest_come_first_and_none_before_its_time(both):
    index, store = both
    for number in (3, 1, 2):
        index.add(record(number))
    assert store.claim(1, 2) == [task(1)]
    assert store.claim(5, 2) == [task(2)]
    assert store.claim(5, 2) == []
    assert store.claim(5, 3) == [task(3)]


def test_what_was_begun_before_comes_last_and_alone(both):
    index, store = both
    for number in (1, 2, 3, 4):
        index.add(record(number))
    store.claim(3, 3)
    store.recover()
    assert store.claim(5, 9) == [task(4)]
    assert store.claim(5, 9) == [task(1, 2)]
    assert store.claim(5, 9) == [task(2, 2)]


def test_what_is_released_was_not_begun(both):
    index, store = both
    index.add(record(1))
    index.add(record(2))
    taken = store.claim(5, 9)
    store.release(taken[1:])
    assert store.claim(5, 9) == [task(2)]
    assert store.waiting() == 2
    store.release([task(2)], begun=True)
    index.add(record(3))
    assert store.claim(5, 9) == [task(3)]
    assert store.claim(5, 9) == [task(2, 2)]


def test_an_object_that_is_gone_has_no_origin(both):
    index, store = both
    index.add(record(1))
    index.remove(record(1).ref)
    assert store.claim(5, 9) == [Task(UID("1.2.3.4.1"), None, "", 1)]


def test_an_exchange_changes_place_and_header_and_is_counted(both):
    index, store = both
    first, second = record(1), record(2)
    index.add(first)
    index.add(second)
    before = index.statistics()
    store.claim(5, 9)
    store.exchange(stored(first), smaller(first), b"other")
    assert index.instance(first.ref.instance) == StoredInstance(first.ref, CT, smaller(first))
    assert index.instance(second.ref.instance).location == second.location
    assert index.statistics() == replace(before, stored_bytes=before.stored_bytes - 700)
    assert [origin for _, origin, _ in index.records()] == [MODALITY, MODALITY]
    assert [received for _, _, received in index.records()] == [1, 2]
    assert store.waiting() == 1
    store.exchange(stored(second), smaller(second), b"other")
    assert store.tallies() == [Tally(Result.COMPRESSED, 2, 2000, 600)]


def test_an_object_that_has_changed_is_not_exchanged(both):
    index, store = both
    index.add(record(1))
    first = record(1)
    moved = replace(first, location=replace(first.location, key="elsewhere"))
    with pytest.raises(Conflict):
        store.exchange(stored(moved), smaller(first), b"other")
    with pytest.raises(Conflict):
        store.retire(stored(moved))
    with pytest.raises(NotFound):
        store.exchange(stored(record(9)), smaller(first), b"other")
    assert index.instance(first.ref.instance) == stored(first)
    assert (store.waiting(), list(store.tallies())) == (1, [])


def test_an_object_is_retired_unless_it_has_versions(both):
    index, store = both
    for number in (1, 2):
        index.add(record(number))
    index.add_version(replace(record(2), location=replace(record(2).location, key="version")))
    store.retire(stored(record(1)))
    with pytest.raises(Conflict):
        store.retire(stored(record(2)))
    with pytest.raises(NotFound):
        store.retire(stored(record(1)))
    assert index.statistics().instances == 1


def test_why_objects_stay_is_told_the_latest_first(both):
    index, store = both
    for number in (1, 2, 3):
        index.add(record(number))
    store.claim(5, 100)
    store.end(UID("1.2.3.4.1"), Result.KEPT, Sizes(1000, 1000), reason="one", at_us=5)
    store.end(UID("1.2.3.4.2"), Result.KEPT, Sizes(1000, 1000), reason="two", at_us=6)
    store.end(UID("1.2.3.4.3"), Result.NOT_SMALLER, Sizes(1000, 1000), at_us=7)
    assert list(store.left(10)) == [Left(UID("1.2.3.4.2"), "two", 6), Left(UID("1.2.3.4.1"), "one", 5)]
    assert [left.reason for left in store.left(1)] == ["two"]
    assert store.waiting() == 0
    assert store.claim(10, 100) == []
    expected = [Tally(Result.KEPT, 2, 2000, 2000), Tally(Result.NOT_SMALLER, 1, 1000, 1000)]
    assert list(store.tallies()) == expected


def test_what_did_nothing_is_not_counted(both):
    index, store = both
    index.add(record(1))
    store.claim(5, 100)
    store.end(UID("1.2.3.4.1"), Result.PASSED_OVER, Sizes(), at_us=5)
    assert (store.waiting(), list(store.tallies())) == (0, [])


def test_candidates_are_of_a_study_or_of_all_and_of_a_syntax(both):
    index, store = both
    index.add(record(1))
    index.add(record(2, syntax=JPEG_LS))
    index.add(record(3, study="1.2.9"))
    assert list(store.candidates([], [EXPLICIT])) == [task(1), task(3)]
    assert list(store.candidates([UID("1.2.9")], [EXPLICIT])) == [task(3)]
    assert list(store.candidates([UID("1.2.8")], [EXPLICIT])) == []


def test_a_rebuild_does_not_miss_an_exchange(both):
    index, store = both
    first = record(1)
    index.add(first)
    rebuild = index.rebuild()
    rebuild.add(replace(first, is_to_compress=False))
    store.exchange(stored(first), smaller(first), b"other")
    rebuild.swap()
    assert index.instance(first.ref.instance) == StoredInstance(first.ref, CT, smaller(first))
    assert store.tallies() == [Tally(Result.COMPRESSED, 1, 1000, 300)]
