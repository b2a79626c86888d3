"""The feed of changes as its doors see it, and who looks after it."""

import threading

import pytest

from calotype.dicom.hierarchy import StudyRef
from calotype.services.archive.changes import Changes, ChangesSettings
from calotype.services.archive.feed import Action
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from support import samples
from support.archives import House

STUDY = samples.uid(700)
LONG_S = 60


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def changes(house):
    return Changes(house.index, house.archive.events, ChangesSettings(stable_s=60, keep=2), house.clock)


def store(house, number):
    house.store(samples.ct(16, 16, seed=number, study_uid=STUDY, sop_uid=f"{STUDY}.{number}"))


def test_a_page_holds_all_that_was_committed_before_it_was_asked_for(house, changes):
    store(house, 0)
    page = changes.page(0)
    assert [(change.action, change.study) for change in page.changes] == [(Action.CREATED, STUDY)]
    assert (page.last, page.newest, page.is_complete, page.is_cut) == (1, 1, True, False)


def test_an_empty_feed_is_complete(changes):
    page = changes.page(0)
    assert (page.changes, page.last, page.is_complete, page.is_cut) == ((), 0, True, False)


def test_a_study_becomes_stable_by_the_clock_alone(house, changes):
    store(house, 0)
    assert 1 <= changes.look() <= 60
    house.clock.now_us += 61_000_000
    changes.look()
    assert [change.action for change in changes.page(0).changes] == [Action.CREATED, Action.STABLE]


def test_it_is_looked_at_when_the_next_study_is_due(house, changes):
    store(house, 0)
    changes.look()
    house.clock.now_us += 50_000_000
    assert changes.look() <= 10


def test_a_feed_is_trimmed_when_it_is_well_beyond_its_bound(house, changes, monkeypatch):
    monkeypatch.setattr("calotype.services.archive.changes._SLACK", 3)
    for number in range(6):
        store(house, number)
        changes.page(0)
    changes.look()
    page = changes.page(0)
    assert (page.oldest, page.newest, page.is_cut) == (5, 6, True)


def test_who_waits_is_woken_by_what_is_stored_and_by_what_is_deleted(house, changes):
    woken = threading.Event()
    changes.start()
    with changes.watch(woken.set):
        store(house, 0)
        assert woken.wait(LONG_S)
        woken.clear()
        house.archive.recycling.delete(StudyRef(STUDY), by="me")
        assert woken.wait(LONG_S)
    changes.stop(LONG_S)


def test_stopping_wakes_everybody_for_the_last_time(changes):
    woken = threading.Event()
    changes.start()
    watch = changes.watch(woken.set)
    changes.stop(LONG_S)
    assert watch.is_closed
    assert woken.is_set()


def test_a_feed_that_does_not_answer_is_asked_again(house, changes):
    tried = threading.Event()
    tell = house.index.feed.tell

    def broken(now_us):
        tried.set()
        raise ValueError(now_us)

    house.index.feed.tell = broken
    changes.start()
    assert tried.wait(LONG_S)
    house.index.feed.tell = tell
    changes.stop(LONG_S)
    store(house, 0)
    assert len(changes.page(0).changes) == 1
