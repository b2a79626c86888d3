"""Every store of storage commitments, held to the same promises."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from calotype.dicom.commitment import Reference
from calotype.dicom.hierarchy import UID
from calotype.errors import NotFound
from calotype.services.routing.commitment.model import Direction, Item, Parties, State
from calotype.stores.index.commitments import SqliteCommitments
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.memory_commitments import MemoryCommitments
from calotype.stores.index.sqlite import SqliteIndex

CT = UID("1.2.840.10008.5.1.4.1.1.2")
CT_1, CT_2 = Reference(CT, UID("1.2.3.1")), Reference(CT, UID("1.2.3.2"))
PARTIES = Parties("MODALITY", "CALOTYPE", "192.0.2.7")


@contextmanager
def opened(kind, folder):
    if kind == "memory":
        yield MemoryCommitments()
        return
    index = SqliteIndex(SqliteSettings(folder / "index.sqlite"))
    try:
        yield SqliteCommitments(index)
    finally:
        index.close()


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    with opened(request.param, tmp_path) as store:
        yield store


def given(store, transaction="1.2.9", *, now_us=100, state=State.CHECKING, references=(CT_1, CT_2)):
    return store.add(Direction.GIVEN, UID(transaction), PARTIES, references, state=state, now_us=now_us)


def test_what_is_added_is_kept_whole(store):
    added = given(store)
    assert store.get(added.id) == added
    assert (added.total, added.parties, added.due_us, added.state) == (2, PARTIES, 100, State.CHECKING)
    assert store.items(added.id) == [Item(CT_1), Item(CT_2)]
    assert store.get(added.id + 1) is None
    assert store.items(added.id + 1) == []


def test_the_first_of_a_uid_is_found_by_direction(store):
    first, _second = given(store), given(store)
    asked = store.add(Direction.ASKED, UID("1.2.9"), PARTIES, [CT_1], state=State.WAITING, now_us=1)
    assert store.find(Direction.GIVEN, UID("1.2.9")) == first
    assert store.find(Direction.ASKED, UID("1.2.9")) == asked
    assert store.find(Direction.GIVEN, UID("1.2.8")) is None


def test_outcomes_are_kept_and_counted(store):
    added = given(store)
    changed = replace(added, state=State.DONE, changed_us=200, due_us=300, attempts=2, error="slow")
    store.update(changed, [0, 0x0112])
    assert store.items(added.id) == [Item(CT_1, 0), Item(CT_2, 0x0112)]
    assert store.get(added.id) == replace(changed, committed=1, failed=1)


def test_an_update_without_outcomes_leaves_them(store):
    added = given(store)
    store.update(added, [0, None])
    store.update(replace(added, state=State.REPORTING))
    assert store.items(added.id) == [Item(CT_1, 0), Item(CT_2)]
    assert store.get(added.id) == replace(added, state=State.REPORTING, committed=1)


def test_what_is_not_there_cannot_be_updated(store):
    with pytest.raises(NotFound):
        store.update(replace(given(store), id=99))


def test_unfinished_ones_come_by_when_they_are_due(store):
    later, sooner, finished = given(store, now_us=500), given(store, now_us=400), given(store, now_us=100)
    store.update(replace(finished, state=State.DONE))
    store.add(Direction.ASKED, UID("1.2.9"), PARTIES, [CT_1], state=State.WAITING, now_us=1)
    assert [found.id for found in store.unfinished()] == [sooner.id, later.id]


def test_recent_ones_come_in_pages(store):
    numbers = [given(store).id for _ in range(5)]
    assert [found.id for found in store.recent(2)] == numbers[:-3:-1]
    assert [found.id for found in store.recent(9, before=numbers[2])] == [numbers[1], numbers[0]]


def test_old_finished_ones_are_forgotten(store):
    old, recent, waiting = given(store), given(store), given(store)
    store.update(replace(old, state=State.DONE, changed_us=10), [0, 0])
    store.update(replace(recent, state=State.FAILED, changed_us=20))
    assert store.forget(20) == 1
    assert store.get(old.id) is None
    assert store.items(old.id) == []
    assert [found.id for found in store.recent(9)] == [waiting.id, recent.id]


def test_all_of_it_survives_a_restart(tmp_path):
    with opened("sqlite", tmp_path) as store:
        added = given(store)
    with opened("sqlite", tmp_path) as store:
        assert store.unfinished() == [added]
        assert store.items(added.id) == [Item(CT_1), Item(CT_2)]


def test_who_was_promised_what_is_known_by_instance(store):
    added = given(store)
    store.update(added, [0, 0x0112])
    again = given(store, "1.2.10", references=[CT_1])
    store.update(again, [0])
    asked = store.add(Direction.ASKED, UID("1.2.11"), PARTIES, [CT_2], state=State.WAITING, now_us=1)
    store.update(asked, [0])
    assert store.promised([CT_1.sop_instance, CT_2.sop_instance, UID("1.2.3.9")]) == {"MODALITY": 1}
    assert store.promised([CT_2.sop_instance]) == {}
