"""What becomes of an object: checks, flags, duplicates, order of events."""

import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import blake3
import orjson
import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Selection, StudyRef
from calotype.dicom.part10 import read_file_meta
from calotype.errors import ClassMismatch, Conflict, InvalidRequest, NotFound, OutOfResources, Unavailable
from calotype.services.archive.events import InstanceReplaced, InstanceStored, VersionKept
from calotype.services.archive.ingest import Declared, DuplicatePolicy, Outcome
from calotype.services.archive.ports import Channel, Flag, Origin
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.stores.objects.syscalls import Syscalls
from support import samples
from support.archives import MODALITY, NOON_US

UID_1 = samples.uid(4, 1)
KEY_1 = f"2024/01/15/{samples.uid(2, 1)}/{samples.uid(3, 1)}/{UID_1}.dcm"

STUDY_1 = Selection.of(StudyRef(UID(samples.uid(2, 1))))


def only_record(house):
    ((stored, origin, received_us),) = house.index.records()
    return stored, origin, received_us


# -- what is kept ----------------------------------------------------------------------------------------------------


def test_an_object_is_kept_bit_for_bit_under_its_own_meta(house):
    data = samples.ct()
    receipt = house.store(data, sop_class=samples.CT, sop_instance=UID_1)
    assert receipt.ref == InstanceRef(UID(samples.uid(2, 1)), UID(samples.uid(3, 1)), UID(UID_1))
    assert (receipt.sop_class, receipt.outcome, receipt.flags) == (samples.CT, Outcome.STORED, frozenset())
    ((key, file),) = house.files().items()
    meta = read_file_meta(file)
    assert key == KEY_1
    assert file[meta.data_offset :] == data
    assert (meta.sop_class, meta.sop_instance, meta.transfer_syntax) == (samples.CT, UID_1, samples.EXPLICIT)
    assert meta.source_ae_title == "MODALITY"


def test_the_index_says_where_and_what_the_object_is(house):
    data = samples.ct()
    house.store(data)
    stored, origin, received_us = only_record(house)
    location = stored.location
    (file,) = house.files().values()
    assert location.key == KEY_1
    assert (location.size_bytes, location.data_offset + location.data_bytes) == (len(file), len(file))
    assert location.data_bytes == len(data)
    assert location.digest == blake3.blake3(data).digest()
    assert location.transfer_syntax == samples.EXPLICIT
    assert (origin, received_us) == (MODALITY, NOON_US + 1_000_000)


def test_the_json_header_is_kept_compressed(house):
    house.store(samples.ct())
    ((_, compressed),) = house.index.headers(STUDY_1)
    header = orjson.loads(zlib.decompress(compressed))
    assert header["00100020"] == {"vr": "LO", "Value": ["P0001"]}
    assert header["7FE00010"]["BulkDataURI"] == "7FE00010"
    ((_, plain),) = house.archive.retrieve.headers(STUDY_1)
    assert orjson.loads(plain) == header


@pytest.mark.parametrize("syntax", [samples.IMPLICIT, samples.EXPLICIT, samples.BIG_ENDIAN, samples.DEFLATED])
def test_every_encoding_is_kept_as_it_came(house, syntax):
    data = samples.ct(syntax=syntax)
    house.store(data, syntax=syntax, sop_class=samples.CT)
    assert house.served(UID_1) == data


def test_a_header_beyond_the_head_is_read_from_the_spool(house):
    data = samples.ct(changes={0x00104000: ("LT", "x" * 10_000), 0x00091000: ("UN", b"\1" * 200_000)})
    assert house.store(data).outcome is Outcome.STORED
    assert house.served(UID_1) == data


def test_single_bytes_make_the_same_object(house):
    data = samples.small()
    with house.archive.ingest.begin(Declared(UID(""), UID(""), UID(samples.EXPLICIT)), MODALITY) as incoming:
        for byte in data:
            incoming.write((bytes([byte]),))
        assert incoming.data_bytes == len(data)
        incoming.commit()
    assert house.served(UID_1) == data
    assert only_record(house)[0].location.digest == blake3.blake3(data).digest()


def test_what_is_tidied_up_waits_until_the_sender_was_answered(house_with, tmp_path):
    removed = []

    def unlink(path):
        removed.append(path)
        Path(path).unlink()

    objects = FileObjectStore(FileStoreSettings(tmp_path), replace(Syscalls.best(), unlink=unlink))
    house = house_with(objects=objects)
    with house.archive.ingest.begin(Declared(UID(""), UID(""), UID(samples.EXPLICIT)), MODALITY) as incoming:
        incoming.write((samples.ct(),))
        incoming.commit()
        assert list(house.files()) == [KEY_1]
        assert removed == []
    assert len(removed) == 1
    assert list(house.files()) == [KEY_1]
    objects.close()


def test_without_commit_nothing_stays(house):
    with house.archive.ingest.begin(Declared(UID(""), UID(""), UID(samples.EXPLICIT)), MODALITY) as incoming:
        incoming.write((samples.ct(),))
    incoming.discard()
    assert house.files() == {}


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "keyword"),
    [(0x0020000D, "StudyInstanceUID"), (0x0020000E, "SeriesInstanceUID"), (0x00080018, "SOPInstanceUID")],
)
@pytest.mark.parametrize("value", [None, ("UI", "")])
def test_a_missing_uid_is_refused_by_name(house, tag, keyword, value):
    with pytest.raises(InvalidRequest, match=f"^missing: {keyword}$"):
        house.store(samples.small(changes={tag: value}))
    assert (house.files(), house.index.statistics().instances) == ({}, 0)


def test_all_missing_uids_are_named(house):
    with pytest.raises(InvalidRequest, match="missing: StudyInstanceUID, SOPInstanceUID"):
        house.store(samples.small(changes={0x0020000D: None, 0x00080018: None}))


def test_another_class_than_announced_is_refused_with_both(house):
    with pytest.raises(ClassMismatch, match=f"SOP Class UID is not .*: {samples.CT} in .*, {samples.MR} announced"):
        house.store(samples.ct(), sop_class=samples.MR)
    assert house.files() == {}


def test_another_instance_than_announced_is_refused_with_both(house):
    with pytest.raises(ClassMismatch, match=f"SOP Instance UID is not .*: {UID_1} in the data set, 9.9 announced"):
        house.store(samples.ct(), sop_instance="9.9")


@pytest.mark.parametrize(
    ("uid", "announced", "kept"),
    [
        ("1.2.3\0left over", "1.2.3", "1.2.3"),
        ("1.2.3\n4", "1.2.3?4", "1.2.3\n4"),
        ("1.2.3\xe9", "1.2.3\xe9", "1.2.3\ufffd"),
    ],
)
def test_a_uid_that_is_wrong_in_command_and_data_set_alike_loses_no_image(house, uid, announced, kept):
    """``announced`` is what ``wire.values.decode_uid`` makes of the same bytes in the command."""
    data = samples.ct(8, 8, changes={0x00080018: ("UI", uid.encode("latin-1") + bytes(len(uid) % 2))})
    receipt = house.store(data, sop_instance=announced)
    assert receipt.outcome is Outcome.STORED
    assert receipt.ref.instance == kept
    assert house.served(receipt.ref.instance) == data


def test_a_data_set_without_class_has_the_announced_one(house):
    data = samples.small(changes={0x00080016: None})
    assert house.store(data, sop_class=samples.CT).sop_class == samples.CT
    with pytest.raises(InvalidRequest, match="no SOPClassUID"):
        house.store(data)


@pytest.mark.parametrize("missing", [1, 100, 8000])
def test_a_truncated_data_set_is_refused(house, missing):
    data = samples.ct()
    with pytest.raises(InvalidRequest, match="truncated"):
        house.store(data[:-missing])
    assert house.files() == {}


def test_a_truncated_large_data_set_is_refused(house):
    with pytest.raises(InvalidRequest, match="truncated"):
        house.store(samples.ct(512, 512)[:-2])


def test_an_empty_data_set_is_refused(house):
    with pytest.raises(InvalidRequest, match="empty"):
        house.store(b"")
    with house.archive.ingest.begin(Declared(UID(""), UID(""), UID(samples.EXPLICIT)), MODALITY) as incoming:
        incoming.write((b"",))
        with pytest.raises(InvalidRequest, match="empty"):
            incoming.commit()


def test_a_full_disk_is_out_of_resources_and_leaves_nothing(house_with):
    house = house_with(objects=MemoryObjectStore(capacity_bytes=20_000))
    with pytest.raises(OutOfResources):
        house.store(samples.ct(512, 512))
    assert house.store(samples.ct()).outcome is Outcome.STORED


# -- what is odd and kept --------------------------------------------------------------------------------------------


def test_without_patient_id_an_object_is_kept_and_flagged(house):
    receipt = house.store(samples.small(changes={0x00100020: None}))
    assert receipt.flags == {Flag.NO_PATIENT_ID}


def test_a_date_that_is_none_is_flagged_and_goes_to_the_day_received(house):
    receipt = house.store(samples.small(study_date="13.7.2024"))
    assert Flag.BAD_DATE in receipt.flags
    assert next(iter(house.files())).startswith("2027/01/15/")


@pytest.mark.parametrize("uid", ["../../../etc/passwd", "abc", "1.2\\3", "1." + "2" * 63, "1.2.3é"])
def test_an_unsafe_uid_is_a_digest_in_the_path_and_verbatim_in_the_index(house, uid):
    receipt = house.store(samples.small(study_uid=uid))
    stored, _, _ = only_record(house)
    assert receipt.ref.study == stored.ref.study == uid
    ((key, _),) = house.files().items()
    assert key.split("/")[3].startswith("x")
    assert len(key.split("/")) == 6


def test_a_patient_with_two_faces_is_flagged(house):
    house.store(samples.small(seed=1))
    receipt = house.store(samples.small(seed=2, patient_name="Somebody^Else"))
    assert receipt.flags == {Flag.PATIENT_CONFLICT}


# -- duplicates ------------------------------------------------------------------------------------------------------

FIRST, SECOND, THIRD = samples.ct(), samples.ct(32, 32), samples.ct(16, 16)


def outcomes(house, *data_sets):
    return [house.store(data).outcome for data in data_sets]


def test_identical_content_is_success_and_nothing_is_written(house):
    assert outcomes(house, FIRST, FIRST) == [Outcome.STORED, Outcome.IDENTICAL]
    assert len(house.files()) == 1


def test_different_content_is_kept_beside_the_first(house):
    assert outcomes(house, FIRST, SECOND, THIRD) == [Outcome.STORED, Outcome.VERSION, Outcome.VERSION]
    assert len(house.files()) == 3
    assert house.served(UID_1) == FIRST
    conflicts = list(house.archive.curate.conflicts())
    assert [conflict.flag for conflict in conflicts] == [Flag.VERSION_CONFLICT] * 2
    assert [conflict.location.digest for conflict in conflicts] == [
        blake3.blake3(data).digest() for data in (THIRD, SECOND)
    ]


def test_a_version_that_is_kept_already_is_not_written_again(house):
    assert outcomes(house, FIRST, SECOND, SECOND, FIRST)[2:] == [Outcome.IDENTICAL, Outcome.IDENTICAL]
    assert len(house.files()) == 2


def test_a_version_is_flagged_in_the_receipt(house):
    house.store(FIRST)
    assert Flag.VERSION_CONFLICT in house.store(SECOND).flags


def test_policy_keep_drops_whatever_comes_later(house_with):
    house = house_with(duplicates=DuplicatePolicy.KEEP)
    assert outcomes(house, FIRST, SECOND, FIRST) == [Outcome.STORED, Outcome.KEPT, Outcome.IDENTICAL]
    assert (house.served(UID_1), len(house.files())) == (FIRST, 1)


def test_policy_overwrite_serves_the_last_and_removes_the_first(house_with):
    house = house_with(duplicates=DuplicatePolicy.OVERWRITE)
    assert outcomes(house, FIRST, SECOND, SECOND) == [Outcome.STORED, Outcome.REPLACED, Outcome.IDENTICAL]
    assert (house.served(UID_1), len(house.files())) == (SECOND, 1)


def test_what_was_made_of_an_overwritten_object_goes_with_it(house_with):
    house = house_with(duplicates=DuplicatePolicy.OVERWRITE)
    house.store(FIRST)
    digest = house.index.instance(UID(UID_1)).location.digest
    outcomes(house, FIRST, SECOND, SECOND)
    assert house.forgotten == [digest]


def test_what_overwrites_an_object_whose_file_was_lost_is_kept(house_with):
    house = house_with(duplicates=DuplicatePolicy.OVERWRITE)
    house.store(FIRST)
    house.objects.delete(KEY_1)
    assert outcomes(house, SECOND) == [Outcome.REPLACED]
    assert (house.served(UID_1), list(house.files())) == (SECOND, [KEY_1])


def test_policy_overwrite_follows_the_object_to_another_study(house_with):
    house = house_with(duplicates=DuplicatePolicy.OVERWRITE)
    house.store(FIRST)
    receipt = house.store(samples.ct(study_uid="1.2.3"))
    assert receipt.ref.study == "1.2.3"
    assert house.index.statistics().studies == 1
    assert len(house.files()) == 1


def test_policy_refuse_is_a_conflict(house_with):
    house = house_with(duplicates=DuplicatePolicy.REFUSE)
    house.store(FIRST)
    for data in (FIRST, SECOND):
        with pytest.raises(Conflict, match="refused by setting"):
            house.store(data)
    assert (house.served(UID_1), len(house.files())) == (FIRST, 1)


def test_an_object_that_was_removed_is_received_as_new(house):
    receipt = house.store(FIRST)
    house.index.remove(receipt.ref)
    assert house.store(FIRST).outcome is Outcome.STORED
    assert house.served(UID_1) == FIRST


# -- races -----------------------------------------------------------------------------------------------------------


def together(count, act):
    start = threading.Barrier(count)

    def go(number):
        start.wait(timeout=30)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(go, range(count)))


def test_eight_senders_of_one_object_make_one_row_and_one_file(house_with, tmp_path):
    objects = FileObjectStore(FileStoreSettings(tmp_path / "objects"))
    house = house_with(objects=objects)
    receipts = together(8, lambda _: house.store(FIRST))
    assert sorted(receipt.outcome for receipt in receipts) == [Outcome.IDENTICAL] * 7 + [Outcome.STORED]
    assert list(house.files()) == [KEY_1]
    assert house.index.statistics().instances == 1
    objects.close()
    assert list((tmp_path / "objects" / ".incoming").iterdir()) == []


def test_eight_senders_of_different_contents_lose_none(house):
    data_sets = [samples.ct(8 + number, 8) for number in range(8)]
    receipts = together(8, lambda number: house.store(data_sets[number]))
    assert sorted(receipt.outcome for receipt in receipts) == [Outcome.STORED] + [Outcome.VERSION] * 7
    kept = [file[read_file_meta(file).data_offset :] for file in house.files().values()]
    assert sorted(kept) == sorted(data_sets)
    assert len(house.index.versions(UID(UID_1))) == 7


def test_eight_senders_of_different_objects_do_not_wait_for_each_other(house_with):
    """All are inside the index at once, which a lock that is shared by accident would prevent."""
    inside = threading.Barrier(8)

    class Meeting(MemoryIndex):
        def add(self, record):
            inside.wait(timeout=30)
            return super().add(record)

    house = house_with(index=Meeting())
    receipts = together(8, lambda number: house.store(samples.small(seed=number)))
    assert [receipt.outcome for receipt in receipts] == [Outcome.STORED] * 8


class OvertakenIndex(MemoryIndex):
    """Another process commits an object just before we do."""

    def __init__(self):
        super().__init__()
        self.overtakes = []

    def add(self, record):
        if self.overtakes:
            super().add(self.overtakes.pop())
        return super().add(record)


@pytest.fixture
def record_of(house):
    def make(data):
        house.store(data)
        (record,) = house.index._rows.instances.values()
        return record

    return make


def test_overtaken_by_the_same_content_the_file_is_taken_back(house_with, record_of):
    house = house_with(index=OvertakenIndex())
    house.index.overtakes.append(record_of(FIRST))
    assert house.store(FIRST).outcome is Outcome.IDENTICAL
    assert house.files() == {}


def test_overtaken_by_other_content_the_file_becomes_a_version(house_with, record_of):
    house = house_with(index=OvertakenIndex())
    house.index.overtakes.append(record_of(SECOND))
    assert house.store(FIRST).outcome is Outcome.VERSION
    (version,) = house.index.versions(UID(UID_1))
    assert version.key in house.files()


def test_overtaken_for_ever_ends_in_try_later_and_no_file(house_with):
    class Liar(MemoryIndex):
        def add(self, record):
            raise Conflict("known")

    house = house_with(index=Liar())
    with pytest.raises(Unavailable, match="send it again"):
        house.store(FIRST)
    assert house.files() == {}


def test_a_failing_commit_leaves_the_file(house_with):
    """Whether the row was committed is not known then; a row without a file would be worse than an orphan."""

    class Broken(MemoryIndex):
        def add(self, record):
            raise Unavailable("the index does not answer")

    house = house_with(index=Broken())
    with pytest.raises(Unavailable):
        house.store(FIRST)
    assert list(house.files()) == [KEY_1]


def test_replacing_what_was_removed_meanwhile_stores_it(house_with):
    class Removing(MemoryIndex):
        def replace(self, record):
            self.remove(record.ref)
            return super().replace(record)

    house = house_with(index=Removing(), duplicates=DuplicatePolicy.OVERWRITE)
    house.store(FIRST)
    assert house.store(SECOND).outcome is Outcome.STORED
    assert house.served(UID_1) == SECOND


def test_a_version_of_what_was_removed_meanwhile_is_stored(house_with):
    class Removing(MemoryIndex):
        def add_version(self, record):
            self.remove(record.ref)
            super().add_version(record)

    house = house_with(index=Removing())
    house.store(FIRST)
    assert house.store(SECOND).outcome is Outcome.STORED


def test_an_overwritten_file_that_cannot_be_removed_is_still_success(house_with):
    class Sticky(MemoryObjectStore):
        def delete(self, key):
            raise Unavailable("no")

    house = house_with(objects=Sticky(), duplicates=DuplicatePolicy.OVERWRITE)
    house.store(FIRST)
    assert house.store(SECOND).outcome is Outcome.REPLACED
    assert house.served(UID_1) == SECOND


def test_what_cannot_be_taken_back_is_an_orphan_and_not_an_error(house_with, record_of):
    class Sticky(MemoryObjectStore):
        def delete(self, key):
            raise NotFound("gone")

    house = house_with(objects=Sticky(), index=OvertakenIndex())
    house.index.overtakes.append(record_of(FIRST))
    assert house.store(FIRST).outcome is Outcome.IDENTICAL


# -- events ----------------------------------------------------------------------------------------------------------


def test_listeners_hear_of_what_was_committed(house_with):
    house = house_with()
    with house.archive.events.subscribe() as events:
        first = house.store(FIRST)
        house.store(FIRST)
        second = house.store(SECOND)
        assert events.get(0) == InstanceStored(first.ref, first.sop_class, MODALITY, NOON_US + 1_000_000, first.flags)
        kept = events.get(0)
        assert isinstance(kept, VersionKept)
        assert (kept.ref, kept.flags) == (second.ref, second.flags)
        assert events.get(0) is None


def test_listeners_hear_of_replacements(house_with):
    house = house_with(duplicates=DuplicatePolicy.OVERWRITE)
    house.store(FIRST)
    with house.archive.events.subscribe() as events:
        house.store(SECOND)
        assert isinstance(events.get(0), InstanceReplaced)


def test_listeners_hear_only_after_the_commit(house_with):
    heard = []

    class Asking(MemoryIndex):
        def add(self, record):
            heard.append(events.get(0))
            return super().add(record)

    house = house_with(index=Asking())
    with house.archive.events.subscribe() as events:
        house.store(FIRST)
        assert heard == [None]
        assert isinstance(events.get(0), InstanceStored)


# -- Part 10 streams -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 7, 133, 4096, 1 << 20])
def test_a_file_is_kept_as_its_data_set_would_be(house, step):
    data = samples.ct(32, 32)
    receipt = house.store_file(samples.part10(data, source_ae_title="SCANNER"), step=step)
    assert receipt.outcome is Outcome.STORED
    (file,) = house.files().values()
    meta = read_file_meta(file)
    assert file[meta.data_offset :] == data
    assert meta.source_ae_title == "SCANNER"
    assert house.store(data).outcome is Outcome.IDENTICAL


def test_a_calling_ae_title_goes_before_the_files_own(house):
    origin = Origin(Channel.STOW, calling_ae_title="GATEWAY")
    with house.archive.ingest.begin_part10(origin) as incoming:
        incoming.write((samples.part10(samples.ct(), source_ae_title="SCANNER"),))
        incoming.commit()
    (file,) = house.files().values()
    assert read_file_meta(file).source_ae_title == "GATEWAY"


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"short",
        b"<html>" * 100,
        bytes(1000),
        bytes(128) + b"DICM",
        bytes(128) + b"DICM\2\0\0\0UL\4\0\0\1\0\0abc",
    ],
)
@pytest.mark.parametrize("tolerant", [False, True])
def test_what_is_no_file_is_refused(house, junk, tolerant):
    with pytest.raises(InvalidRequest, match="not a DICOM"):
        house.store_file(junk, tolerant=tolerant)
    assert house.files() == {}


def test_endless_meta_is_refused(house):
    version = b"\2\0\x13\0SH\x60\xea" + b" " * 60_000
    endless = bytes(128) + b"DICM\2\0\0\0UL\4\0\xff\xff\xff\x7f" + version * 100
    with pytest.raises(InvalidRequest, match="takes more than 1048576 bytes"):
        house.store_file(endless, step=65536)


def test_a_dicomdir_is_no_object(house):
    file = samples.part10(samples.small(), sop_class="1.2.840.10008.1.3.10")
    with pytest.raises(InvalidRequest, match="DICOMDIR"):
        house.store_file(file)


def test_meta_that_contradicts_the_data_set_is_refused(house):
    with pytest.raises(ClassMismatch):
        house.store_file(samples.part10(samples.ct(), sop_class=samples.MR))
    with pytest.raises(ClassMismatch):
        house.store_file(samples.part10(samples.ct(), sop_uid="9.9"))


def test_an_object_of_another_study_is_refused_where_one_is_named(house):
    file = samples.part10(samples.ct())
    with pytest.raises(ClassMismatch, match=r"only 9\.9 is taken"):
        house.store_file(file, study=UID("9.9"))
    assert house.store_file(file, study=UID(samples.uid(2, 1))).outcome is Outcome.STORED


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: samples.part10(samples.ct(), sop_uid="9.9", sop_class=samples.MR),
        lambda file: file[128:],
        lambda file: file[132:],
        lambda file: samples.ct(),
    ],
    ids=["contradicting meta", "no preamble", "no DICM", "no meta"],
)
def test_tolerance_lets_the_data_set_speak_for_itself(house, damage):
    file = damage(samples.part10(samples.ct()))
    with pytest.raises(InvalidRequest):
        house.store_file(file)
    assert house.store_file(file, tolerant=True).outcome is Outcome.STORED
    (kept,) = house.files().values()
    meta = read_file_meta(kept)
    stored, _, _ = only_record(house)
    assert (meta.sop_class, meta.sop_instance) == (samples.CT, UID_1)
    assert kept[meta.data_offset :] == samples.ct()
    assert (stored.location.size_bytes, stored.location.data_offset) == (len(kept), meta.data_offset)


@pytest.mark.parametrize("syntax", [samples.IMPLICIT, samples.EXPLICIT, samples.BIG_ENDIAN])
def test_a_bare_data_set_is_recognised_by_its_first_element(house, syntax):
    house.store_file(samples.ct(syntax=syntax), tolerant=True)
    assert only_record(house)[0].location.transfer_syntax == syntax


def test_a_large_object_is_copied_under_its_own_meta(house_with, tmp_path):
    objects = FileObjectStore(FileStoreSettings(tmp_path / "objects", durable=False))
    house = house_with(objects=objects)
    data = samples.ct(900, 900)
    house.store_file(data, tolerant=True, step=65536)
    assert house.served(UID_1) == data
    left = [
        path for path in (tmp_path / "objects" / ".incoming").rglob("*") if path.is_file() and path.stat().st_size
    ]
    assert left == []
    objects.close()
