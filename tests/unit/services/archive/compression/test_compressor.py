"""One object compressed: what takes its place, what stays as it came, and that nothing is lost on the way."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from blake3 import blake3
from pydicom import dcmread

from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN as BIG_ENDIAN
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import (
    HTJ2K_LOSSLESS,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS_SV1,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
)
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN as IMPLICIT
from calotype.errors import Cancelled, OutOfResources
from calotype.services.archive.compression.compressor import Done
from calotype.services.archive.compression.ports import Result, Sizes, Tally
from calotype.services.archive.compression.rules import Rule, Rules
from calotype.services.archive.headers import decompress_header
from calotype.services.archive.ingest import DuplicatePolicy, Outcome
from calotype.services.archive.inspection import inspect
from calotype.services.archive.predecessor import predecessor_of
from calotype.stores.objects.memory import MemoryObjectStore
from support.compressing import EVERYTHING, Press
from support.pixels import image
from support.transcoding import PIXELS, converted, data_set, frames_in

CT = replace(PIXELS["16 bits"], rows=64, columns=48)
TARGETS = [JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, JPEG_LOSSLESS_SV1, HTJ2K_LOSSLESS, RLE_LOSSLESS]


def ct(**elements):
    return data_set(CT, **elements)


@pytest.mark.parametrize("stored", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("target", TARGETS, ids=lambda uid: uid.rpartition(".")[2])
def test_a_smaller_form_takes_the_place_of_what_came(stored, target):
    if target == RLE_LOSSLESS:
        description = replace(PIXELS["8 bits"], rows=64, columns=64)
        original = data_set(description, PixelData=bytes(64 * 64))
    else:
        original = ct()
    press = Press(Rules((Rule(target),)))
    data = converted(original, EXPLICIT, stored) if stored != EXPLICIT else original
    press.house.store(data, syntax=stored)
    before = press.location()

    done = press.compress()

    after = press.location()
    assert done == Done(Result.COMPRESSED, Sizes(before.size_bytes, after.size_bytes))
    assert after.size_bytes < before.size_bytes
    assert after.transfer_syntax == target
    served = press.house.served("2.25.1")
    assert blake3(served).digest() == after.digest
    for expected, found in zip(frames_in(data, stored), frames_in(served, target), strict=True):
        np.testing.assert_array_equal(expected, found)
    # What a peer gets that takes no compression is what came, to the last bit.
    assert dcmread_data(converted(served, target, EXPLICIT)).PixelData == dcmread_data(original).PixelData
    assert list(press.house.files()) == [after.key]
    assert press.store.waiting() == 0
    assert press.store.tallies() == [Tally(Result.COMPRESSED, 1, before.size_bytes, after.size_bytes)]


def dcmread_data(data):
    return dcmread(BytesIO(data), force=True)


def test_a_multiframe_object_is_compressed_frame_by_frame():
    press = Press()
    data = data_set(CT, 5)
    press.house.store(data)
    assert press.compress().result is Result.COMPRESSED
    assert press.house.archive.curate.verify().is_sound
    np.testing.assert_array_equal(
        frames_in(data, EXPLICIT), frames_in(press.house.served("2.25.1"), JPEG_LS_LOSSLESS)
    )


def test_index_and_header_tell_of_the_new_form_and_of_the_same_object():
    press = Press()
    press.house.store(data_set(replace(PIXELS["RGB by plane"], rows=64, columns=64)))
    [(ref, origin, received_us)] = [(s.ref, o, r) for s, o, r in press.index.records()]
    assert press.compress().result is Result.COMPRESSED
    assert [(s.ref, o, r) for s, o, r in press.index.records()] == [(ref, origin, received_us)]
    [(_, header)] = press.index.headers(Selection(Level.IMAGE, instances=(ref.instance,)))
    assert b'"00280006":{"vr":"US","Value":[0]}' in decompress_header(header)
    assert press.house.archive.curate.verify().is_sound


def test_the_original_sent_again_is_known_as_what_is_here():
    press = Press()
    data = ct()
    press.house.store(data)
    press.compress()
    kept = press.location()
    assert press.house.store(data).outcome is Outcome.IDENTICAL
    assert press.house.store(ct(PatientComments="another")).outcome is Outcome.VERSION
    assert press.location() == kept


def test_the_compressed_form_sent_again_is_known_as_what_is_here():
    press = Press()
    press.house.store(ct())
    press.compress()
    served = press.house.served("2.25.1")
    assert press.house.store(served, syntax=JPEG_LS_LOSSLESS).outcome is Outcome.IDENTICAL


def test_an_object_that_is_overwritten_is_compressed_anew():
    press = Press(settings={"duplicates": DuplicatePolicy.OVERWRITE})
    press.house.store(ct())
    press.compress()
    other = ct(PatientComments="another")
    assert press.house.store(other).outcome is Outcome.REPLACED
    assert press.location().digest == blake3(other).digest()
    assert press.compress().result is Result.COMPRESSED
    assert list(press.house.files()) == [press.location().key]


def test_custody_of_a_compressed_object_is_sound():
    press = Press()
    press.house.store(ct())
    press.compress()
    assert press.house.archive.custody.examine(UID("2.25.1")).condition.name == "SAFE"


def test_the_file_tells_what_came():
    press = Press()
    data = ct()
    press.house.store(data)
    press.compress()
    with press.objects.open(press.location().key) as reader:
        found = inspect(reader)
        whole = reader.read_at(0, reader.size_bytes)
    before = predecessor_of(found.meta)
    assert (before.digest, before.data_bytes, before.transfer_syntax) == (blake3(data).digest(), len(data), EXPLICIT)
    assert found.meta.source_ae_title == "MODALITY"
    assert dcmread(BytesIO(whole)).SOPInstanceUID == "2.25.1"


def test_an_index_made_anew_still_knows_the_original():
    press = Press()
    data = ct()
    press.house.store(data)
    press.compress()
    again = Press(objects=press.objects)
    report = again.house.archive.curate.reindex()
    assert (report.rebuilt, report.recovered, report.problems) == (0, 1, ())
    assert again.house.store(data).outcome is Outcome.IDENTICAL


@pytest.mark.parametrize("lost_index", [True, False])
def test_both_files_left_by_a_crash_are_one_object(lost_index):
    press = Press()
    press.house.store(ct())
    original = press.house.files()
    press.compress()
    [compressed] = press.house.files()
    for key, content in original.items():
        spool = press.objects.spool()
        spool.write((content,))
        assert press.objects.put(spool, key) == key
    again = Press(objects=press.objects) if lost_index else press
    report = again.house.archive.curate.reindex()
    assert [problem.kind for problem in report.problems] == ["orphan"]
    assert list(again.index.conflicts()) == []
    assert again.location().key == (next(iter(original)) if lost_index else compressed)


def test_what_does_not_get_smaller_stays_as_it_came():
    noise = np.random.default_rng(1).integers(0, 1 << 16, (64, 64), "u2")
    press = Press()
    press.house.store(data_set(replace(PIXELS["16 bits"], rows=64, columns=64), PixelData=noise.tobytes()))
    files, before = press.house.files(), press.location()
    assert press.compress() == Done(Result.NOT_SMALLER, Sizes(before.size_bytes, before.size_bytes))
    assert press.house.files() == files
    assert press.location() == before
    assert press.store.left(10) == []


def test_bits_outside_of_the_stored_ones_are_not_lost():
    pixels = np.full((20, 24), 0xF123, "u2")
    press = Press(Rules((Rule(JPEG_LOSSLESS_SV1),)))
    press.house.store(data_set(PIXELS["12 bits"], PixelData=pixels.tobytes()))
    files = press.house.files()
    assert press.compress().result is Result.KEPT
    assert press.house.files() == files
    [left] = press.store.left(10)
    assert left.reason == "frame 1 has bits outside of those stored, which would be lost"


def test_bytes_after_the_last_frame_are_not_lost():
    pixels = image(CT).tobytes()
    press = Press()
    press.house.store(ct(PixelData=pixels + bytes(10)))
    assert press.compress().result is Result.KEPT
    assert [left.reason for left in press.store.left(1)] == [
        "Pixel Data has 10 bytes after its last frame, which would be lost"
    ]


def test_damaged_pixels_are_kept_and_the_reason_told():
    press = Press()
    press.house.store(ct(NumberOfFrames=3))
    assert press.compress().result is Result.KEPT
    assert press.store.left(1)[0].reason == "Number of Frames is 3; 1 are there"


class Tampering(MemoryObjectStore):
    """Gives back other bytes than it was given, from where it is told on."""

    def __init__(self):
        super().__init__()
        self.flip_at = None

    def open(self, key):
        reader = super().open(key)
        if self.flip_at is None:
            return reader
        content = bytearray(reader.read_at(0, reader.size_bytes))
        content[self.flip_at] ^= 1
        read_at = lambda offset, size: bytes(content[offset : offset + size])  # noqa: E731 - one line in a fake
        return _Reader(reader.size_bytes, read_at)


class _Reader:
    def __init__(self, size_bytes, read_at):
        self.size_bytes, self.read_at = size_bytes, read_at

    def fileno(self):
        return None

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_a_damaged_file_does_not_become_a_sound_one():
    press = Press(objects=Tampering())
    press.house.store(ct())
    press.objects.flip_at = -20
    assert press.compress().result is Result.KEPT
    assert "is not what was received" in press.store.left(1)[0].reason


def test_a_codec_that_errs_is_found_out(monkeypatch):
    from calotype.dicom.pixels import transcode

    real = transcode.codecs.encode

    def erring(array, *how):
        wrong = np.array(array)
        wrong[3, 4] ^= 1
        return real(wrong, *how)

    monkeypatch.setattr(transcode.codecs, "encode", erring)
    press = Press()
    press.house.store(ct())
    files = press.house.files()
    assert press.compress().result is Result.KEPT
    assert press.house.files() == files
    assert press.store.left(1)[0].reason.startswith("frame 1 does not come out")


def test_compressed_objects_and_those_without_pixels_are_not_listed():
    press = Press()
    press.house.store(converted(ct(), EXPLICIT, JPEG_LOSSLESS_SV1), syntax=JPEG_LOSSLESS_SV1)
    report = ct(SOPInstanceUID="2.25.2")
    document = dcmread_data(report)
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(document, keyword)
    out = BytesIO()
    document.save_as(out, implicit_vr=False, little_endian=True)
    press.house.store(out.getvalue())
    assert press.store.waiting() == 0


def test_what_nobody_wants_any_more_is_passed_over():
    press = Press()
    press.house.store(ct())
    task = press.take()
    assert press.compressor.compress(task, None).result is Result.PASSED_OVER
    assert press.store.waiting() == 0
    assert press.store.tallies() == []


def test_an_object_that_is_gone_is_passed_over():
    press = Press()
    receipt = press.house.store(ct())
    task = press.take()
    press.index.remove(receipt.ref)
    assert press.compressor.compress(task, EVERYTHING.rules[0]).result is Result.PASSED_OVER


class Meddling(MemoryObjectStore):
    """Lets something happen to the archive once a new file is durable and no row names it yet."""

    meddle = None

    def put(self, spool, key):
        kept = super().put(spool, key)
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            meddle()
        return kept


def test_what_came_meanwhile_is_not_overwritten():
    press = Press(objects=Meddling(), settings={"duplicates": DuplicatePolicy.OVERWRITE})
    press.house.store(ct())
    other = ct(PatientComments="another")
    task = press.take()
    press.objects.meddle = lambda: press.house.store(other)
    assert press.compressor.compress(task, EVERYTHING.rules[0]).result is Result.PASSED_OVER
    assert press.location().digest == blake3(other).digest()
    assert press.house.served("2.25.1") == other
    assert list(press.house.files()) == [press.location().key]
    assert press.compress().result is Result.COMPRESSED


def test_what_is_removed_meanwhile_stays_removed():
    press = Press(objects=Meddling())
    receipt = press.house.store(ct())
    task = press.take()
    press.objects.meddle = lambda: press.index.remove(receipt.ref)
    assert press.compressor.compress(task, EVERYTHING.rules[0]).result is Result.PASSED_OVER
    assert press.index.instance(receipt.ref.instance) is None


def test_a_reader_of_the_original_reads_it_to_its_end_and_one_who_located_it_finds_the_new():
    press = Press()
    data = ct()
    press.house.store(data)
    retrieve = press.house.archive.retrieve
    [located] = retrieve.locate(Selection(Level.IMAGE, instances=(UID("2.25.1"),)))
    with retrieve.open(located) as reader:
        press.compress()
        assert reader.read_at(located.location.data_offset, reader.size_bytes) == data
    current, reader = retrieve.open_current(located)
    reader.close()
    assert current.location == press.location()
    assert current.location.transfer_syntax == JPEG_LS_LOSSLESS


class Full(MemoryObjectStore):
    def put(self, spool, key):
        if getattr(self, "is_full", False):
            raise OutOfResources("the disk is full")
        return super().put(spool, key)


def test_a_full_disk_changes_nothing_and_is_told():
    press = Press(objects=Full())
    press.house.store(ct())
    files = press.house.files()
    task = press.take()
    press.objects.is_full = True
    with pytest.raises(OutOfResources):
        press.compressor.compress(task, EVERYTHING.rules[0])
    assert press.house.files() == files
    assert press.store.waiting() == 1


def test_it_can_be_stopped_between_two_frames():
    press = Press()
    press.house.store(data_set(CT, 3))
    task = press.take()
    calls = iter([False, True])
    with pytest.raises(Cancelled):
        press.compressor.compress(task, EVERYTHING.rules[0], lambda: next(calls))
    assert press.location().transfer_syntax == EXPLICIT


LOSSY = Rule(JPEG_2000, lossy=EncodeOptions(psnr_db=45))


def derived_of(press):
    [uid] = {stored.ref.instance for stored, _, _ in press.index.records()} - {"2.25.1"}
    return press.index.instance(uid)


def test_with_loss_another_object_is_made_beside_the_original():
    press = Press(Rules((LOSSY,)))
    data = ct()
    press.house.store(data)
    done = press.compress()
    derived = derived_of(press)
    assert done.result is Result.DERIVED
    assert press.house.served("2.25.1") == data
    assert derived.location.transfer_syntax == JPEG_2000
    found = dcmread_data(press.house.served(derived.ref.instance))
    assert found.LossyImageCompression == "01"
    assert found.LossyImageCompressionMethod == "ISO_15444_1"
    assert found.ImageType[0] == "DERIVED"
    assert found.SourceImageSequence[0].ReferencedSOPInstanceUID == "2.25.1"
    assert derived.ref.series == press.index.instance(UID("2.25.1")).ref.series
    [(_, origin, _)] = [row for row in press.index.records() if row[0].ref == derived.ref]
    assert origin.calling_ae_title == "MODALITY"
    assert press.store.waiting() == 0
    assert press.house.archive.curate.verify().is_sound


def test_with_loss_a_second_time_makes_nothing_more():
    press = Press(Rules((LOSSY,)))
    press.house.store(ct())
    press.compress()
    [task] = [each for each in press.store.candidates([], [EXPLICIT]) if each.sop_instance == "2.25.1"]
    assert press.compressor.compress(task, LOSSY).result is Result.PASSED_OVER
    assert len(list(press.index.records())) == 2


def test_the_original_is_given_up_by_setting_only():
    press = Press(Rules((replace(LOSSY, keeps_original=False),)))
    press.house.store(ct())
    assert press.compress().result is Result.DERIVED
    assert press.index.instance(UID("2.25.1")) is None
    assert list(press.house.files()) == [derived_of(press).location.key]


@pytest.mark.parametrize("rule", [Rule(JPEG_LS_LOSSLESS), replace(LOSSY, keeps_original=False), LOSSY])
def test_what_was_made_of_an_original_goes_with_it(rule):
    press = Press(Rules((rule,)))
    press.house.store(ct())
    digest = press.location().digest
    press.compress()
    assert press.house.forgotten == ([] if rule is LOSSY else [digest])


def test_an_original_with_further_versions_is_not_given_up():
    press = Press(Rules((replace(LOSSY, keeps_original=False),)))
    press.house.store(ct())
    press.house.store(ct(PatientComments="another"))
    press.compress()
    assert press.index.instance(UID("2.25.1")) is not None


def test_pixels_that_loss_would_spoil_stay_as_they_came():
    press = Press(Rules((Rule(JPEG_BASELINE, lossy=EncodeOptions()),)))
    press.house.store(ct())
    assert press.compress().result is Result.KEPT
    assert "16 bits allocated" in press.store.left(1)[0].reason
