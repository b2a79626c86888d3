"""Stored objects lent without their patient: as data sets, and as if they were stored so."""

import tracemalloc
from contextlib import closing
from io import BytesIO

import pydicom
import pytest

from calotype.dicom.deidentify.deidentify import Policy
from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.deidentify.suspects import Rectangle, Regions
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.pixels.transcode import convert
from calotype.errors import DamagedPixels, InvalidRequest, Refused
from calotype.services.archive.anonymise import Anonymiser, AnonymiseSettings
from calotype.services.archive.anonymous import AnonymousRetrieve
from calotype.services.archive.forms import converted
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.stores.objects.memory import MemoryObjectStore
from support.archives import House
from support.identities import KEY, anonymous, ct, data_set, part_10

STUDY = "1.2.826.0.1.3680043.9.1.1"
ALL = Selection(Level.STUDY, (UID(STUDY),))
US = "1.2.840.10008.5.1.4.1.1.6.1"


@pytest.fixture
def house():
    made = House(MemoryObjectStore(), MemoryIndex())
    made.store(data_set(ct()))
    return made


@pytest.fixture
def anonymiser():
    return Anonymiser(lambda: KEY)


def stored(house):
    (found,) = house.archive.retrieve.locate(ALL)
    return found


def whole(reader, step=1 << 20):
    return b"".join(reader.read_at(offset, step) for offset in range(0, reader.size_bytes, step))


def test_object_is_lent_as_if_it_were_stored_so(house, anonymiser):
    original = stored(house)
    with house.archive.retrieve.open(original) as reader, anonymiser.opened(original, reader) as (changed, lent):
        file = whole(lent)
        assert [whole(lent, step) for step in (1, 7, 100)] == [file] * 3
        place = changed.location
        assert (place.size_bytes, place.data_offset + place.data_bytes) == (len(file), len(file))
        assert lent.read_at(len(file), 10) == b""
    found = pydicom.dcmread(BytesIO(file))
    assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID == changed.ref.instance
    assert found.PatientIdentityRemoved == "YES"
    assert b"Doppelganger" not in file
    assert "SourceApplicationEntityTitle" not in found.file_meta
    assert place.digest != original.location.digest
    assert changed.ref == anonymous(original.ref)


def test_other_wishes_have_other_digests(house, anonymiser):
    original = stored(house)
    digests = set()
    for wishes in (None, Wishes(frozenset({Option.RETAIN_FULL_DATES})), Wishes(patient_id="X-1")):
        with (
            house.archive.retrieve.open(original) as reader,
            anonymiser.opened(original, reader, wishes) as (changed, _),
        ):
            digests.add(changed.location.digest)
    assert len(digests) == 3


def test_masked_pixels_are_made_whole(house):
    made = ct(SOPClassUID=US, Modality="US", SOPInstanceUID="1.2.826.0.1.3680043.9.1.77")
    house.store(data_set(made))
    regions = Regions((Rectangle(0, 0, 4, 1),), modality="US")
    anonymiser = Anonymiser(lambda: KEY, AnonymiseSettings(Policy(regions=(regions,))))
    original = house.index.instance(UID("1.2.826.0.1.3680043.9.1.77"))
    with house.archive.retrieve.open(original) as reader, anonymiser.opened(original, reader) as (changed, lent):
        found = pydicom.dcmread(BytesIO(whole(lent)))
        place = slice(changed.location.data_offset, changed.location.size_bytes)
        with converted(lent, place, changed.location.transfer_syntax, UID("1.2.840.10008.1.2")) as other:
            assert b"".join(other.chunks()).endswith(made.PixelData[8:])
    assert found.PixelData == bytes(8) + made.PixelData[8:]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"])
def test_masked_pixels_let_go_of_the_file_they_were_made_of(tmp_path, syntax):
    made = ct(SOPClassUID=US, Modality="US", SOPInstanceUID="1.2.826.0.1.3680043.9.1.77")
    with closing(FileObjectStore(FileStoreSettings(tmp_path, durable=False))) as objects:
        house = House(objects, MemoryIndex())
        with convert(data_set(made), UID("1.2.840.10008.1.2.1"), UID(syntax)) as compressed:
            house.store(b"".join(compressed.chunks()), syntax=syntax)
        policy = Policy(regions=(Regions((Rectangle(0, 0, 4, 1),), modality="US"),))
        anonymiser = Anonymiser(lambda: KEY, AnonymiseSettings(policy))
        original = house.index.instance(UID("1.2.826.0.1.3680043.9.1.77"))
        with house.archive.retrieve.open(original) as reader, anonymiser.opened(original, reader) as (_, lent):
            found = pydicom.dcmread(BytesIO(whole(lent)))
    assert found.pixel_array.tobytes() == bytes(8) + made.PixelData[8:]


def test_frames_that_are_masked_are_decoded_where_the_anonymiser_was_told_to(house):
    house.store(data_set(ct(SOPClassUID=US, Modality="US", SOPInstanceUID="1.2.826.0.1.3680043.9.1.77")))
    original = house.index.instance(UID("1.2.826.0.1.3680043.9.1.77"))
    policy = Policy(regions=(Regions((Rectangle(0, 0, 4, 1),), modality="US"),))

    def die(_data, _description, _uid, /):
        raise DamagedPixels("the decoder died of a frame")

    anonymiser = Anonymiser(lambda: KEY, AnonymiseSettings(policy), decode=die)
    with house.archive.retrieve.open(original) as reader, pytest.raises(DamagedPixels, match="the decoder died"):
        anonymiser.opened(original, reader).__enter__()


def test_what_may_not_leave_is_refused_before_anything_is_handed_out(house, anonymiser):
    house.store(data_set(ct(BurnedInAnnotation="YES", SOPInstanceUID="1.2.826.0.1.3680043.9.1.78")))
    original = house.index.instance(UID("1.2.826.0.1.3680043.9.1.78"))
    with (
        house.archive.retrieve.open(original) as reader,
        pytest.raises(Refused),
        anonymiser.opened(original, reader),
    ):
        pytest.fail("it was handed out")


def test_wishes_of_settings_hold_where_nobody_says_otherwise():
    settings = AnonymiseSettings(wishes=Wishes(frozenset({Option.RETAIN_UIDS})))
    anonymiser = Anonymiser(lambda: KEY, settings)
    assert anonymiser.wishes(None, "A").options == {Option.RETAIN_UIDS}
    assert anonymiser.wishes(frozenset(), "A") == Wishes(frozenset(), "A")
    with pytest.raises(InvalidRequest):
        anonymiser.wishes(frozenset({Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES}))


def test_archive_can_be_seen_without_patients(house, anonymiser):
    without = AnonymousRetrieve(house.archive.retrieve, anonymiser)
    ((ref, header),) = without.headers(ALL)
    assert ref == anonymous(stored(house).ref)
    assert b"Doppelganger" not in header
    with without.open(stored(house)) as reader:
        assert b"Doppelganger" not in whole(reader)


def test_memory_stays_flat_whatever_the_pixels(house, anonymiser):
    big = ct(Rows=2048, Columns=2048, SOPInstanceUID="1.2.826.0.1.3680043.9.1.79", PixelData=bytes(2048 * 2048 * 2))
    big["PixelData"].VR = "OW"
    file = part_10(big)
    reader = _Served(file)
    original = stored(house)
    from dataclasses import replace

    location = replace(original.location, data_offset=file.index(b"\x08\0\x05\0CS"), size_bytes=len(file))
    location = replace(location, data_bytes=len(file) - location.data_offset)
    with anonymiser.opened(replace(original, location=location), reader) as (_, lent):
        reader.asked.clear()
        tracemalloc.start()
        for offset in range(0, lent.size_bytes, 65_536):
            lent.read_at(offset, 65_536)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 1_000_000
    assert max(reader.asked) <= 65_536


class _Served:
    """A file in memory, as an object store opens it; notes how much is asked for."""

    def __init__(self, file):
        self._file = memoryview(file)
        self.size_bytes = len(file)
        self.asked = []

    def read_at(self, offset, size_bytes):
        self.asked.append(size_bytes)
        return bytes(self._file[offset : offset + size_bytes])

    def fileno(self):
        return None
