"""Verify finds every kind of damage; reindex loses nothing that can be known."""

import os

import pytest

from calotype.dicom.hierarchy import UID
from calotype.errors import Unavailable
from calotype.services.archive.ports import Channel, Flag, Origin
from calotype.services.archive.reindex import ReindexReport
from calotype.services.archive.verify import ORPHAN_GRACE_S, Problem, ProblemKind
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.stores.objects.memory import MemoryObjectStore
from support import samples
from support.archives import MODALITY, House

UID_1 = samples.uid(4, 1)


@pytest.fixture
def house(tmp_path):
    objects = FileObjectStore(FileStoreSettings(tmp_path / "objects", durable=False))
    yield House(objects, MemoryIndex())
    objects.close()


@pytest.fixture
def path_of(tmp_path):
    return lambda key: tmp_path / "objects" / key


def key_of(house, sop_instance=UID_1):
    return house.index.instance(UID(sop_instance)).location.key


def kinds(report):
    return [problem.kind for problem in report.problems]


def fill(house):
    """Two studies, three objects, one further version."""
    house.store(samples.ct(seed=1))
    house.store(samples.ct(seed=2))
    house.store(samples.mr(seed=3, study_uid="1.2.3", series_uid="1.2.3.4", patient_id="P2", patient_name="B"))
    house.store(samples.ct(32, 32, seed=1))


def everything(house):
    """What the index says, in an order of its own."""
    records = sorted((str(stored), str(origin), received) for stored, origin, received in house.index.records())
    return records, house.index.statistics(), house.index.instance(UID(UID_1))


# -- verify ----------------------------------------------------------------------------------------------------------


def test_a_sound_archive_has_no_problems(house):
    fill(house)
    report = house.archive.curate.verify()
    assert report.is_sound
    assert (report.objects, report.checked_bytes) == (4, sum(len(file) for file in house.files().values()))


def test_a_missing_file_is_found(house):
    fill(house)
    key = key_of(house)
    house.objects.delete(key)
    report = house.archive.curate.verify()
    assert [(problem.kind, problem.key) for problem in report.problems] == [(ProblemKind.MISSING, key)]
    assert not report.is_sound


def test_a_file_of_another_size_is_found(house, path_of):
    fill(house)
    with path_of(key_of(house)).open("ab") as file:
        file.write(b"x")
    assert kinds(house.archive.curate.verify(digests=False)) == [ProblemKind.WRONG_SIZE]


def test_a_changed_bit_is_found_unless_digests_are_left_out(house, path_of):
    fill(house)
    path = path_of(key_of(house))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert kinds(house.archive.curate.verify()) == [ProblemKind.WRONG_DIGEST]
    report = house.archive.curate.verify(digests=False)
    assert (report.is_sound, report.checked_bytes) == (True, 0)


def test_a_file_without_a_row_is_found_and_named(house):
    fill(house)
    receipt = house.store(samples.ct(seed=9))
    house.index.remove(receipt.ref)
    (problem,) = house.archive.curate.verify().problems
    assert (problem.kind, problem.ref) == (ProblemKind.ORPHAN, receipt.ref)


def test_a_file_that_is_no_object_is_an_orphan_too(house, path_of):
    fill(house)
    path_of("junk.dcm").write_bytes(b"junk")
    (problem,) = house.archive.curate.verify().problems
    assert (problem.kind, problem.key, problem.ref) == (ProblemKind.ORPHAN, "junk.dcm", None)


def test_orphans_are_deleted_only_when_asked_for_and_old(house, path_of):
    for name in ("old.dcm", "young.dcm"):
        path_of(name).write_bytes(b"junk")
    now_s = house.clock.now_us // 1_000_000
    os.utime(path_of("old.dcm"), (now_s, now_s - ORPHAN_GRACE_S))
    os.utime(path_of("young.dcm"), (now_s, now_s - ORPHAN_GRACE_S + 60))
    assert house.archive.curate.verify().orphans_deleted == 0
    report = house.archive.curate.verify(delete_orphans=True)
    assert report.orphans_deleted == 1
    assert [(problem.key, problem.detail.split("; ")[-1]) for problem in report.problems] == [
        ("old.dcm", "deleted"),
        ("young.dcm", "left, since it may still be on its way in"),
    ]
    assert list(house.objects.keys()) == ["young.dcm"]


def test_orphans_whose_age_no_store_can_tell_are_left():
    house = House(MemoryObjectStore(), MemoryIndex())
    receipt = house.store(samples.ct())
    house.index.remove(receipt.ref)
    assert house.archive.curate.verify(delete_orphans=True).orphans_deleted == 0


def test_what_comes_and_goes_during_verify_is_no_problem(house):
    """An object deleted after its row was read, and one received after all rows were."""
    fill(house)

    def meddle(done, total, what):
        if done == 1 and what == "checking objects":
            gone = house.index.instance(UID(samples.uid(4, 3)))
            house.index.remove(gone.ref)
            house.objects.delete(gone.location.key)
        if done == 4 and what == "checking objects":
            house.store(samples.ct(seed=7))

    assert house.archive.curate.verify(meddle).problems == ()


def test_progress_is_told(house):
    fill(house)
    told = []
    house.archive.curate.verify(lambda *line: told.append(line))
    assert told == [
        *((done, max(3, done), "checking objects") for done in range(1, 5)),
        *((done, None, "looking for orphans") for done in range(1, 5)),
    ]


# -- reindex ---------------------------------------------------------------------------------------------------------


def test_reindex_makes_the_same_rows_again(house):
    fill(house)
    before = everything(house)
    assert house.archive.curate.reindex() == ReindexReport(rebuilt=4, recovered=0, problems=())
    assert everything(house) == before


def test_reindex_with_an_empty_index_recovers_what_the_files_tell(house, path_of):
    fill(house)
    served, files = house.served(UID_1), house.files()
    os.utime(path_of(key_of(house)), (1_700_000_000, 1_700_000_000))
    fresh = House(house.objects, MemoryIndex())
    assert fresh.archive.curate.reindex() == ReindexReport(rebuilt=0, recovered=4, problems=())
    assert fresh.index.statistics() == house.index.statistics()
    assert (fresh.served(UID_1), fresh.files()) == (served, files)
    assert [conflict.flag for conflict in fresh.archive.curate.conflicts()] == [Flag.VERSION_CONFLICT]
    by_key = {stored.location.key: (stored, origin, received) for stored, origin, received in fresh.index.records()}
    stored, origin, received_us = by_key[key_of(house)]
    assert stored == house.index.instance(UID(UID_1))
    assert origin == Origin(Channel.REINDEX, calling_ae_title=MODALITY.calling_ae_title)
    assert received_us == 1_700_000_000_000_000


def test_reindex_keeps_a_version_a_version(house):
    """However the files sort: here the further version would come first."""
    house.store(samples.ct(32, 32, study_date="20240301"))
    house.store(samples.ct(study_date="20240101"))
    before = everything(house)
    house.archive.curate.reindex()
    assert everything(house) == before
    assert house.served(UID_1) == samples.ct(32, 32, study_date="20240301")


def test_reindex_takes_up_orphans_and_reports_what_it_cannot_read(house, path_of):
    fill(house)
    receipt = house.store(samples.ct(seed=9))
    house.index.remove(receipt.ref)
    path_of("junk.dcm").write_bytes(b"junk")
    report = house.archive.curate.reindex()
    assert (report.rebuilt, report.recovered) == (4, 1)
    assert [(problem.kind, problem.key) for problem in report.problems] == [(ProblemKind.UNREADABLE, "junk.dcm")]
    assert house.index.instance(receipt.ref.instance) is not None


def test_reindex_leaves_an_orphan_with_known_content_alone(house, path_of):
    """A sender that was never answered sent again: the first file is an orphan, and no conflict."""
    fill(house)
    key = key_of(house)
    twin = key.replace(".dcm", ".7.dcm")
    path_of(twin).write_bytes(path_of(key).read_bytes())
    report = house.archive.curate.reindex()
    (problem,) = report.problems
    assert (problem.kind, problem.key, report.recovered) == (ProblemKind.ORPHAN, twin, 0)


def test_reindex_refuses_to_forget_what_is_missing(house):
    fill(house)
    before = everything(house)
    house.objects.delete(key_of(house))
    with pytest.raises(Unavailable, match=r"1 of 4 known objects are missing.*Is the archive's disk mounted"):
        house.archive.curate.reindex()
    assert everything(house) == before


def test_reindex_forgets_what_is_missing_when_told_so(house):
    fill(house)
    gone = house.index.instance(UID(samples.uid(4, 3)))
    house.objects.delete(gone.location.key)
    report = house.archive.curate.reindex(allow_loss=True)
    assert report.problems == (
        Problem(ProblemKind.MISSING, gone.location.key, gone.ref, f"opening {gone.location.key}: no such object"),
    )
    assert house.index.instance(gone.ref.instance) is None
    assert house.index.statistics().studies == 1


def test_reindex_reports_a_damaged_known_object(house, path_of):
    fill(house)
    path_of(key_of(house, samples.uid(4, 3))).write_bytes(b"damaged")
    report = house.archive.curate.reindex(allow_loss=True)
    assert kinds(report) == [ProblemKind.UNREADABLE]


def test_what_is_received_during_reindex_is_not_lost(house):
    fill(house)
    held = []

    def meddle(done, total, what):
        if done == 1:
            held.append(house.store(samples.ct(seed=50 + len(held))))

    report = house.archive.curate.reindex(meddle)
    assert report.problems == ()
    assert len(held) == 2
    for receipt in held:
        assert house.index.instance(receipt.ref.instance) is not None
    assert {origin for _, origin, _ in house.index.records()} == {MODALITY}


def test_a_failing_rebuild_is_abandoned(house):
    fill(house)
    before = everything(house)

    def interrupt(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.archive.curate.reindex(interrupt)
    assert everything(house) == before


def test_large_headers_are_read_again_whole(house):
    data = samples.ct(changes={0x00091000: ("UN", b"\1" * 3_000_000)})
    house.store(data)
    before = everything(house)
    house.archive.curate.reindex()
    assert everything(house) == before
    memory = House(MemoryObjectStore(), MemoryIndex())
    memory.store(data)
    assert memory.archive.curate.reindex().rebuilt == 1
