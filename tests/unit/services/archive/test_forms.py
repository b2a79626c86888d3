"""In which form a stored object leaves."""

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN as BIG
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN as IMPLICIT
from calotype.dicom.uids import JPEG_2000_LOSSLESS, JPEG_BASELINE, JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS, RLE_LOSSLESS
from calotype.errors import DamagedPixels, InvalidRequest
from calotype.services.archive.forms import (
    AsIs,
    Forms,
    Original,
    Reencode,
    Transcode,
    converted,
    plan,
    plans,
    reachable,
)
from calotype.services.archive.ingest import DuplicatePolicy
from calotype.services.archive.shelf import Shelf
from calotype.services.archive.workshop import Workshop
from calotype.stores.cache import FolderCache
from support import samples
from support.peers import BytesReader

MPEG4 = UID(samples.MPEG4)


@pytest.mark.parametrize(
    ("stored", "accepted", "wishes", "expected"),
    [
        # As it is, whenever that is taken and nothing else is wished.
        (EXPLICIT, {EXPLICIT, IMPLICIT}, (), AsIs()),
        (BIG, {BIG, EXPLICIT}, (), AsIs()),
        (JPEG_BASELINE, {JPEG_BASELINE, EXPLICIT}, (), AsIs()),
        (UID("1.2.840.113619.5.2"), {UID("1.2.840.113619.5.2")}, (), AsIs()),
        # Otherwise the best that is taken.
        (IMPLICIT, {BIG, EXPLICIT}, (), Reencode(EXPLICIT)),
        (DEFLATED, {IMPLICIT}, (), Reencode(IMPLICIT)),
        (EXPLICIT, {DEFLATED}, (), Reencode(DEFLATED)),
        (EXPLICIT, {BIG, DEFLATED}, (), Reencode(BIG)),
        # A wish comes first when it is taken and can be met.
        (EXPLICIT, {EXPLICIT, IMPLICIT}, (IMPLICIT,), Reencode(IMPLICIT)),
        (EXPLICIT, {EXPLICIT, IMPLICIT}, (EXPLICIT, IMPLICIT), AsIs()),
        (EXPLICIT, {EXPLICIT, BIG}, (IMPLICIT, BIG), Reencode(BIG)),
        (EXPLICIT, {EXPLICIT}, (IMPLICIT,), AsIs()),
        # Pixels are decoded and encoded where that is what it takes.
        (JPEG_BASELINE, {EXPLICIT, IMPLICIT}, (), Transcode(EXPLICIT)),
        (JPEG_BASELINE, {JPEG_BASELINE, EXPLICIT}, (EXPLICIT,), Transcode(EXPLICIT)),
        (JPEG_LS_LOSSLESS, {BIG}, (), Transcode(BIG)),
        (EXPLICIT, {EXPLICIT, JPEG_LOSSLESS_SV1}, (JPEG_LOSSLESS_SV1,), Transcode(JPEG_LOSSLESS_SV1)),
        # Uncompressed before compressed, and what costs little before what costs much.
        (EXPLICIT, {IMPLICIT, JPEG_LS_LOSSLESS}, (), Reencode(IMPLICIT)),
        (EXPLICIT, {JPEG_2000_LOSSLESS, JPEG_LS_LOSSLESS, RLE_LOSSLESS}, (), Transcode(JPEG_LS_LOSSLESS)),
        # What cannot be met changes nothing; loss is never chosen, and a video is what it is.
        (EXPLICIT, {EXPLICIT, JPEG_BASELINE}, (JPEG_BASELINE,), AsIs()),
        (EXPLICIT, {JPEG_BASELINE}, (JPEG_BASELINE,), None),
        (MPEG4, {EXPLICIT}, (), None),
        (UID("1.2.840.113619.5.2"), {EXPLICIT}, (), None),
        (EXPLICIT, frozenset(), (), None),
    ],
)
def test_plan(stored, accepted, wishes, expected):
    assert plan(stored, accepted, wishes) == expected


def test_reachable_are_the_other_uncompressed_forms_then_the_exact_compressed_ones():
    assert reachable(IMPLICIT)[:3] == (EXPLICIT, BIG, DEFLATED)
    assert {JPEG_LS_LOSSLESS, JPEG_LOSSLESS_SV1, RLE_LOSSLESS, JPEG_2000_LOSSLESS} <= set(reachable(IMPLICIT)[3:])
    assert reachable(JPEG_BASELINE)[:4] == (EXPLICIT, IMPLICIT, BIG, DEFLATED)
    assert JPEG_BASELINE not in reachable(EXPLICIT)
    assert reachable(MPEG4) == ()


def test_plans_leave_out_what_the_pixels_rule_out():
    single_bits = PixelDescription(64, 64, bits_allocated=1, bits_stored=1, high_bit=0)
    accepted = {JPEG_LS_LOSSLESS, RLE_LOSSLESS}
    assert list(plans(EXPLICIT, accepted)) == [Transcode(JPEG_LS_LOSSLESS), Transcode(RLE_LOSSLESS)]
    assert list(plans(EXPLICIT, accepted, description=single_bits)) == [Transcode(RLE_LOSSLESS)]


@pytest.fixture(params=["file", "memory"])
def opened(request, tmp_path):
    """Return what opens a data set that stands at 100 in an object, with something after it."""

    def open_(data):
        whole = bytes(100) + data + b"after"
        if request.param == "memory":
            return BytesReader(whole), slice(100, 100 + len(data))
        path = tmp_path / "object"
        path.write_bytes(whole)
        file = path.open("rb")
        request.addfinalizer(file.close)
        return file, slice(100, 100 + len(data))

    return open_


def test_converted_lends_the_data_set_in_the_other_form(opened):
    reader, place = opened(samples.ct())
    with converted(reader, place, EXPLICIT, IMPLICIT) as new:
        assert b"".join(new.chunks()) == samples.ct(syntax=IMPLICIT)


def test_converted_can_be_left_in_the_middle(opened):
    reader, place = opened(samples.ct(1024, 1024))
    with converted(reader, place, EXPLICIT, BIG) as new:
        chunks = new.chunks()
        assert next(chunks)


def test_converted_tells_damage_at_once(opened):
    reader, place = opened(samples.ct()[:-3])
    with pytest.raises(InvalidRequest, match="truncated"), converted(reader, place, EXPLICIT, IMPLICIT):
        pass


class CountedFrames:
    """Does the work on frames, and counts it."""

    def __init__(self):
        self.frames = 0

    def __call__(self, work, items, /):
        for item in items:
            self.frames += 1
            yield work(item)


@pytest.fixture
def counted(tmp_path):
    each = CountedFrames()
    return each, Forms(each, shelf=Shelf(FolderCache(tmp_path / "transcoded", 10_000_000)))


def in_form(forms, house, uid, to):
    stored, reader = house.archive.retrieve.open_current(house.index.instance(UID(uid)))
    with reader, forms.converted(reader, Original.of(stored), to) as form:
        return b"".join(form.chunks())


def test_a_costly_form_is_made_once(house, counted):
    each, forms = counted
    house.store(samples.ct(sop_uid="1.2.3"))

    made = [in_form(forms, house, "1.2.3", JPEG_2000_LOSSLESS) for _ in range(3)]

    assert (len(set(made)), each.frames) == (1, 1)
    assert made[0] != in_form(forms, house, "1.2.3", RLE_LOSSLESS)


def test_a_form_that_costs_little_is_not_kept(house, counted, tmp_path):
    each, forms = counted
    house.store(samples.ct(sop_uid="1.2.3"))

    for _ in range(2):
        in_form(forms, house, "1.2.3", RLE_LOSSLESS)

    assert each.frames == 2
    assert not (tmp_path / "transcoded").exists()


def test_an_object_that_was_overwritten_has_a_new_form(house_with, counted):
    _, forms = counted
    house = house_with(duplicates=DuplicatePolicy.OVERWRITE)
    how = {"sop_uid": "1.2.3", "series_uid": "1.2", "study_uid": "1"}
    made = []
    for seed in (1, 2):
        house.store(samples.ct(seed=seed, **how))
        made.append(in_form(forms, house, "1.2.3", JPEG_2000_LOSSLESS))

    assert made[0] != made[1]


def test_a_form_of_several_frames_may_be_left_in_the_middle(house, tmp_path):
    house.store(samples.multi_frame(frames=9, sop_uid="1.2.3"))
    stored, reader = house.archive.retrieve.open_current(house.index.instance(UID("1.2.3")))
    with Workshop(2) as workshop, reader:
        forms = Forms(workshop.map, shelf=Shelf(FolderCache(tmp_path / "transcoded", 10_000_000)))
        with forms.converted(reader, Original.of(stored), JPEG_2000_LOSSLESS, ahead=True) as form:
            form.begin()
            assert form.is_work
            next(form.chunks())
    assert not [path for path in (tmp_path / "transcoded").rglob("*") if path.is_file()]


def test_whoever_wants_to_know_is_told_of_damage(house, counted):
    noted = []
    forms = Forms(note_damage=lambda original, error: noted.append((original.sop_instance, str(error))))
    house.store(samples.compressed(sop_uid="1.2.3"), syntax=samples.JPEG_BASELINE)

    with pytest.raises(DamagedPixels):
        in_form(forms, house, "1.2.3", EXPLICIT)

    assert [uid for uid, _ in noted] == ["1.2.3"]
