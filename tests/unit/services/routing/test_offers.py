"""Presentation contexts for objects: what stands alone, what shares, and how they are parted."""

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import CT_IMAGE_STORAGE, JPEG_BASELINE, JPEG_LS_LOSSLESS, MR_IMAGE_STORAGE, RLE_LOSSLESS
from calotype.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN as BIG
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN as IMPLICIT
from calotype.services.routing.offers import offers_for, parted
from calotype.services.routing.ports import Kind

MPEG4 = UID("1.2.840.10008.1.2.4.102")


def kinds(sop_class, *syntaxes):
    return [Kind(sop_class, syntax) for syntax in syntaxes]


def syntaxes(offers):
    return [offer.transfer_syntaxes for offer in offers]


def test_a_stored_syntax_stands_alone_and_the_rest_shares_an_offer_by_what_it_costs():
    alone, uncompressed, compressed = syntaxes(offers_for(kinds(CT_IMAGE_STORAGE, EXPLICIT)))
    assert (alone, uncompressed) == ((EXPLICIT,), (IMPLICIT, BIG, DEFLATED))
    assert {RLE_LOSSLESS, JPEG_LS_LOSSLESS} < set(compressed)
    assert syntaxes(offers_for(kinds(CT_IMAGE_STORAGE, IMPLICIT, BIG))) == [
        (IMPLICIT,),
        (BIG,),
        (EXPLICIT, DEFLATED),
        compressed,
    ]


def test_what_is_compressed_falls_back_on_what_it_is_decoded_to():
    alone, uncompressed, _ = syntaxes(offers_for(kinds(CT_IMAGE_STORAGE, JPEG_BASELINE)))
    assert (alone, uncompressed) == ((JPEG_BASELINE,), (EXPLICIT, IMPLICIT, BIG, DEFLATED))


def test_a_video_has_nothing_to_fall_back_on():
    assert syntaxes(offers_for(kinds(CT_IMAGE_STORAGE, MPEG4))) == [(MPEG4,)]


def test_a_wish_stands_alone_when_it_can_be_met():
    wishes = (RLE_LOSSLESS, BIG, JPEG_BASELINE)
    first = syntaxes(offers_for(kinds(CT_IMAGE_STORAGE, EXPLICIT), wishes))[:4]
    assert first == [(EXPLICIT,), (RLE_LOSSLESS,), (BIG,), (IMPLICIT, DEFLATED)]


def test_parts_hold_a_class_together_and_fill_up():
    classes = [UID(f"1.2.{number}") for number in range(5)]
    found = parted([*kinds(classes[0], EXPLICIT), *kinds(classes[1], EXPLICIT), *kinds(classes[2], MPEG4)], 4)
    assert [{kind.sop_class for kind in part.kinds} for part in found] == [{classes[0], classes[2]}, {classes[1]}]
    assert [len(part.offers) for part in found] == [4, 3]


def test_one_part_is_enough_for_128_offers():
    many = [kind for number in range(128) for kind in kinds(UID(f"1.2.{number}"), MPEG4)]
    assert [len(part.offers) for part in parted(many, 128)] == [128]
    assert [len(part.offers) for part in parted([*many, *kinds(MR_IMAGE_STORAGE, EXPLICIT)], 128)] == [128, 3]


def test_a_class_with_too_many_syntaxes_is_split():
    many = kinds(CT_IMAGE_STORAGE, *(UID(f"1.2.{number}") for number in range(5)))
    found = parted(many, 2)
    assert [len(part.offers) for part in found] == [2, 2, 1]
    assert set().union(*(part.kinds for part in found)) == set(many)
