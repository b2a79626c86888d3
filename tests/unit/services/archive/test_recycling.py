"""Deleting into the recycle bin, restoring, purging: over real files, crashes between any two steps included."""

import os
import threading
import time

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Selection, StudyRef
from calotype.errors import CalotypeError, Conflict, NotFound, OutOfResources, Unavailable
from calotype.services.archive.archive import Bin
from calotype.services.archive.ingest import Outcome
from calotype.services.archive.notes import Notes, is_note
from calotype.services.archive.recycled import State
from calotype.services.archive.recycling import RETENTION, RecyclingSettings
from calotype.services.archive.verify import ProblemKind
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.stores.objects.memory import MemoryObjectStore
from support import samples
from support.archives import Clock, House

STUDY = samples.uid(700)
OTHER_STUDY = samples.uid(800)
DAY_US = 86_400_000_000


@pytest.fixture
def house(tmp_path):
    objects = FileObjectStore(FileStoreSettings(tmp_path / "objects", durable=False, min_free_bytes=0))
    # Files are dated by the system's clock.
    yield House(objects, MemoryIndex(), clock=Clock(time.time_ns() // 1000))
    objects.close()


def fill(house, study=STUDY, count=3):
    for number in range(count):
        house.store(samples.ct(16, 16, seed=number, study_uid=study, sop_uid=f"{study}.{number}"))


def object_keys(house):
    return sorted(set(house.objects.keys()) - set(note_keys(house)))


def note_keys(house):
    return sorted(filter(is_note, house.objects.keys()))


def with_bin(house, **how):
    return House(house.objects, house.index, clock=house.clock, bin=Bin(**how))


def delete(house, study=STUDY):
    return house.archive.recycling.delete(StudyRef(UID(study)), by="me")


class TestDeleting:
    def test_a_deletion_touches_no_file_and_leaves_a_note(self, house):
        fill(house)
        before = object_keys(house)
        taken = delete(house)
        assert object_keys(house) == before
        assert note_keys(house) == [taken.note_key]
        note = Notes(house.objects).read(taken.note_key)
        assert (note.deletion.ref, note.deletion.by, sorted(note.keys)) == (StudyRef(STUDY), "me", before)

    def test_what_is_not_there_leaves_no_note(self, house):
        with pytest.raises(NotFound, match=STUDY):
            delete(house)
        assert note_keys(house) == []

    def test_a_person_s_words_are_kept_on_one_line(self, house):
        fill(house)
        taken = house.archive.recycling.delete(StudyRef(STUDY), by="me\r\nX", reason="a\nb" + "c" * 1000)
        assert (taken.deleted_by, taken.reason[:4], len(taken.reason)) == ("me X", "a bc", 500)

    def test_the_archive_is_sound_with_a_full_bin(self, house):
        fill(house)
        delete(house)
        report = house.archive.curate.verify(delete_orphans=True)
        assert report.problems == ()
        assert len(object_keys(house)) == 3

    def test_verify_sees_what_is_damaged_in_the_bin(self, house, tmp_path):
        fill(house)
        delete(house)
        (tmp_path / "objects" / object_keys(house)[0]).unlink()
        (problem,) = house.archive.curate.verify().problems
        assert (problem.kind, problem.detail[:28]) == (ProblemKind.MISSING, "in the recycle bin, deletion")

    def test_reindex_resurrects_nothing(self, house):
        fill(house)
        taken = delete(house)
        report = house.archive.curate.reindex()
        assert (report.rebuilt, report.recovered, report.recycled, report.problems) == (0, 0, 0, ())
        assert house.archive.search.statistics().instances == 0
        assert house.archive.recycling.get(taken.id).state is State.KEPT

    def test_an_index_made_from_files_alone_knows_what_was_deleted(self, house):
        fill(house)
        fill(house, OTHER_STUDY)
        delete(house)
        anew = House(house.objects, MemoryIndex(), clock=house.clock)
        report = anew.archive.curate.reindex()
        assert (report.recovered, report.recycled, report.problems) == (3, 3, ())
        (kept,) = anew.archive.recycling.list()
        assert (kept.study, kept.instances, kept.deleted_by) == (STUDY, 3, "me")
        assert anew.archive.recycling.restore(kept.id, by="you").served == 3
        assert anew.archive.search.statistics().instances == 6
        assert anew.archive.curate.verify().problems == ()

    def test_a_damaged_note_is_reported_and_hides_nothing(self, house, tmp_path):
        fill(house)
        taken = delete(house)
        (tmp_path / "objects" / taken.note_key).write_bytes(b"[1, 2")
        report = House(house.objects, MemoryIndex(), clock=house.clock).archive.curate.reindex()
        assert (report.recovered, [problem.key for problem in report.problems]) == (3, [taken.note_key])

    def test_a_full_disk_is_no_reason_not_to_delete(self):
        class Full(MemoryObjectStore):
            full = False

            def spool(self):
                if self.full:
                    raise OutOfResources("the disk is full")
                return super().spool()

        objects = Full()
        house = House(objects, MemoryIndex())
        fill(house)
        objects.full = True
        assert delete(house).instances == 3


class TestSendingAgain:
    def test_what_was_deleted_is_taken_anew(self, house):
        fill(house)
        delete(house)
        receipt = house.store(samples.ct(16, 16, seed=0, study_uid=STUDY, sop_uid=f"{STUDY}.0"))
        assert receipt.outcome is Outcome.STORED
        assert house.served(f"{STUDY}.0") == samples.ct(16, 16, seed=0, study_uid=STUDY, sop_uid=f"{STUDY}.0")
        assert len(object_keys(house)) == 4

    def test_restoring_after_that_keeps_the_same_content_once(self, house):
        fill(house)
        taken = delete(house)
        house.store(samples.ct(16, 16, seed=0, study_uid=STUDY, sop_uid=f"{STUDY}.0"))
        restored = house.archive.recycling.restore(taken.id, by="me")
        house.archive.recycling.work()
        assert (restored.served, restored.identical) == (2, 1)
        assert (len(object_keys(house)), note_keys(house)) == (3, [])
        assert house.archive.curate.verify().problems == ()

    def test_purging_after_that_leaves_the_new_one_alone(self, house):
        fill(house)
        taken = delete(house)
        house.store(samples.ct(16, 16, seed=0, study_uid=STUDY, sop_uid=f"{STUDY}.0"))
        house.archive.recycling.purge(taken.id, by="me")
        house.archive.recycling.work()
        assert len(object_keys(house)) == 1
        assert house.archive.curate.verify().problems == ()


class TestRestoring:
    def test_all_is_there_again_and_the_note_is_gone(self, house):
        fill(house)
        before = house.files()
        taken = delete(house)
        assert house.archive.recycling.restore(taken.id, by="me").served == 3
        assert house.files() == before
        assert house.archive.curate.verify().problems == ()

    def test_how_a_person_said_to_read_a_study_holds_again(self, house):
        fill(house)
        house.archive.texts.override(STUDY, "GB18030")
        taken = delete(house)
        house.archive.recycling.restore(taken.id, by="me")
        assert house.archive.texts.of(STUDY).override == ("GB18030",)


class TestPurging:
    def test_files_and_note_are_gone_and_who_did_it_is_remembered(self, house):
        fill(house)
        taken = delete(house)
        house.archive.recycling.purge(taken.id, by="you")
        house.archive.recycling.work()
        assert list(house.objects.keys()) == []
        told = house.archive.recycling.get(taken.id)
        assert (told.state, told.deleted_by, told.changed_by, told.about) == (State.PURGED, "me", "you", {})

    def test_what_was_made_of_objects_goes_when_they_do_and_not_before(self, house):
        fill(house)
        digests = {stored.location.digest for stored in house.archive.retrieve.locate(Selection.of(StudyRef(STUDY)))}
        taken = delete(house)
        house.archive.recycling.purge(taken.id, by="me")
        assert house.forgotten == []
        house.archive.recycling.work()
        assert (len(house.forgotten), set(house.forgotten)) == (3, digests)

    def test_time_purges_what_was_kept_long_enough_and_nothing_else(self, house):
        house = with_bin(house, settings=RecyclingSettings(keep_days=10))
        fill(house)
        old = delete(house)
        house.clock.now_us += 9 * DAY_US
        fill(house, OTHER_STUDY)
        young = delete(house, OTHER_STUDY)
        house.archive.recycling.work()
        assert house.archive.recycling.get(old.id).state is State.KEPT
        house.clock.now_us += 2 * DAY_US
        house.archive.recycling.work()
        assert house.archive.recycling.get(old.id).state is State.PURGED
        assert house.archive.recycling.get(old.id).changed_by == RETENTION
        assert house.archive.recycling.get(young.id).state is State.KEPT

    def test_time_purges_nothing_when_told_so(self, house):
        house = with_bin(house, settings=RecyclingSettings(keep_days=0))
        fill(house)
        taken = delete(house)
        house.clock.now_us += 10_000 * DAY_US
        house.archive.recycling.work()
        assert house.archive.recycling.get(taken.id).state is State.KEPT

    def test_what_was_promised_is_purged_by_force_only(self, house):
        house = with_bin(house, promised=lambda uids: {"MODALITY": len(uids)})
        fill(house)
        taken = delete(house)
        with pytest.raises(Conflict, match=r"MODALITY \(3 objects\)"):
            house.archive.recycling.purge(taken.id, by="me")
        assert house.archive.recycling.empty(by="me").held_back == (taken.id,)
        house.clock.now_us += 100 * DAY_US
        house.archive.recycling.work()
        assert house.archive.recycling.get(taken.id).state is State.KEPT
        house.archive.recycling.purge(taken.id, by="me", force=True)
        house.archive.recycling.work()
        assert house.archive.recycling.get(taken.id).state is State.PURGED

    def test_time_purges_what_was_promised_when_told_so(self, house):
        house = with_bin(
            house,
            settings=RecyclingSettings(keep_days=1, purge_promised=True),
            promised=lambda uids: {"X": len(uids)},
        )
        fill(house)
        taken = delete(house)
        house.clock.now_us += 2 * DAY_US
        house.archive.recycling.work()
        assert house.archive.recycling.get(taken.id).state is State.PURGED

    def test_emptying_purges_everything(self, house):
        fill(house)
        fill(house, OTHER_STUDY)
        delete(house)
        delete(house, OTHER_STUDY)
        emptied = house.archive.recycling.empty(by="me")
        house.archive.recycling.work()
        assert (emptied.purging, emptied.held_back) == (2, ())
        assert list(house.objects.keys()) == []

    def test_the_worker_does_it_in_the_background(self, house):
        fill(house)
        taken = delete(house)
        gone = threading.Event()
        remove = house.objects.delete

        def told(key):
            remove(key)
            if is_note(key):
                gone.set()

        house.objects.delete = told
        house.archive.recycling.start()
        house.archive.recycling.purge(taken.id, by="me")
        assert gone.wait(30)
        house.archive.recycling.stop(30)
        assert house.archive.recycling.get(taken.id).state is State.PURGED

    def test_a_file_that_cannot_be_removed_is_tried_again(self, house):
        fill(house)
        taken = delete(house)
        stuck, remove = object_keys(house)[1], house.objects.delete

        def delete_but_one(key):
            if key == stuck:
                raise Unavailable("the disk does not answer")
            remove(key)

        house.objects.delete = delete_but_one
        house.archive.recycling.purge(taken.id, by="me")
        house.archive.recycling.work()
        assert object_keys(house) == [stuck]
        assert house.archive.recycling.get(taken.id).state is State.ERASING
        house.objects.delete = remove
        # Somebody has begun already: what is young might be somebody else's by now.
        house.archive.recycling.work()
        assert object_keys(house) == [stuck]
        house.clock.now_us += DAY_US
        house.archive.recycling.work()
        assert (list(house.objects.keys()), house.archive.recycling.get(taken.id).state) == ([], State.PURGED)


class Crash(BaseException):
    """The process is gone: nothing catches this."""


class TestCrashes:
    """A crash is an exception that nothing catches, in the place of the step that was not done any more."""

    def test_before_the_row_of_a_deletion_nothing_is_deleted(self, house, tmp_path):
        fill(house)
        taking = house.index.recycle_bin.take
        house.index.recycle_bin.take = crash
        with pytest.raises(Crash):
            delete(house)
        house.index.recycle_bin.take = taking
        assert house.archive.search.statistics().instances == 3
        (stale,) = note_keys(house)
        house.archive.recycling.work()
        assert note_keys(house) == [stale]
        os.utime(tmp_path / "objects" / stale, (1_700_000_000, 1_700_000_000))
        house.archive.recycling.work()
        assert note_keys(house) == []

    def test_before_the_note_of_a_restored_deletion_goes_all_is_restored(self, house):
        fill(house)
        taken = delete(house)
        remove = house.objects.delete
        house.objects.delete = crash
        with pytest.raises(Crash):
            house.archive.recycling.restore(taken.id, by="me")
        house.objects.delete = remove
        assert house.archive.search.statistics().instances == 3
        house.archive.recycling.work()
        assert (note_keys(house), len(object_keys(house))) == ([], 3)
        assert house.archive.curate.verify().problems == ()

    @pytest.mark.parametrize("files_first", range(5))
    def test_between_any_two_files_of_a_purge_it_goes_on_afterwards(self, house, files_first):
        fill(house)
        taken = delete(house)
        remove, removed = house.objects.delete, []

        def delete_some(key):
            if len(removed) == files_first:
                raise Crash
            removed.append(key)
            remove(key)

        house.objects.delete = delete_some
        house.archive.recycling.purge(taken.id, by="me")
        if files_first < 4:
            with pytest.raises(Crash):
                house.archive.recycling.work()
        house.objects.delete = remove
        assert [problem.kind for problem in house.archive.curate.verify().problems] == []
        assert house.archive.curate.reindex().recovered == 0
        house.clock.now_us += DAY_US
        house.archive.recycling.work()
        assert (list(house.objects.keys()), house.archive.recycling.get(taken.id).state) == ([], State.PURGED)

    def test_a_name_that_was_given_again_is_not_removed_with_the_old_file(self, house):
        """The file went and its row stayed; then the same object came under the same name."""
        fill(house, count=1)
        (key,) = object_keys(house)
        taken = delete(house)
        purged = house.index.recycle_bin.purged
        house.index.recycle_bin.purged = crash
        house.archive.recycling.purge(taken.id, by="me")
        with pytest.raises(Crash):
            house.archive.recycling.work()
        house.index.recycle_bin.purged = purged
        fill(house, count=1)
        assert object_keys(house) == [key]
        house.clock.now_us += DAY_US
        house.archive.recycling.work()
        assert (object_keys(house), house.archive.recycling.get(taken.id).state) == ([key], State.PURGED)
        assert house.archive.curate.verify().problems == ()


def crash(*_arguments, **_named):
    raise Crash


def test_an_instance_of_another_series_is_not_deleted_by_mistake(house):
    fill(house)
    with pytest.raises(CalotypeError):
        house.archive.recycling.delete(InstanceRef(STUDY, UID("9.9"), UID(f"{STUDY}.0")), by="me")
    assert house.archive.search.statistics().instances == 3
