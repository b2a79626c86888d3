"""In which form a stored object leaves."""

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN as BIG
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN as IMPLICIT
from calotype.dicom.uids import JPEG_BASELINE, JPEG_LOSSLESS_SV1
from calotype.errors import InvalidRequest
from calotype.services.archive.forms import AsIs, Reencode, plan, reachable, reencoded
from support import samples
from support.peers import BytesReader


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
        # What cannot be met changes nothing.
        (EXPLICIT, {EXPLICIT, JPEG_LOSSLESS_SV1}, (JPEG_LOSSLESS_SV1,), AsIs()),
        (JPEG_BASELINE, {JPEG_BASELINE, EXPLICIT}, (EXPLICIT,), AsIs()),
        # Nothing can be done.
        (JPEG_BASELINE, {EXPLICIT, IMPLICIT, BIG, DEFLATED}, (), None),
        (EXPLICIT, {JPEG_BASELINE}, (JPEG_BASELINE,), None),
        (EXPLICIT, frozenset(), (), None),
    ],
)
def test_plan(stored, accepted, wishes, expected):
    assert plan(stored, accepted, wishes) == expected


def test_reachable_are_the_other_uncompressed_forms_best_first():
    assert reachable(IMPLICIT) == (EXPLICIT, BIG, DEFLATED)
    assert reachable(JPEG_BASELINE) == ()


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


def test_reencoded_lends_the_data_set_in_the_other_form(opened):
    reader, place = opened(samples.ct())
    with reencoded(reader, place, EXPLICIT, IMPLICIT) as new:
        assert b"".join(new.chunks()) == samples.ct(syntax=IMPLICIT)


def test_reencoded_can_be_left_in_the_middle(opened):
    reader, place = opened(samples.ct(1024, 1024))
    with reencoded(reader, place, EXPLICIT, BIG) as new:
        chunks = new.chunks()
        assert next(chunks)


def test_reencoded_tells_damage_at_once(opened):
    reader, place = opened(samples.ct()[:-3])
    with pytest.raises(InvalidRequest, match="truncated"), reencoded(reader, place, EXPLICIT, IMPLICIT):
        pass
