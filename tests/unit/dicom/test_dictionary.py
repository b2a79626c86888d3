"""The dictionary against pydicom's, and what is in no dictionary."""

import pytest
from pydicom._dicom_dict import DicomDictionary

from calotype.dicom import dictionary


def test_every_attribute_is_known_as_pydicom_knows_it():
    theirs = {tag: (vr.replace(" or ", "/"), keyword) for tag, (vr, _, _, _, keyword) in DicomDictionary.items()}
    ours = {tag: dictionary.lookup(tag) for tag, (_, keyword) in theirs.items() if keyword}
    assert {tag: (entry.vr, entry.keyword) for tag, entry in ours.items()} == {
        tag: entry for tag, entry in theirs.items() if entry[1]
    }


@pytest.mark.parametrize(
    ("tag", "vr", "keyword"),
    [
        (0x00100010, "PN", "PatientName"),
        (0x60000010, "US", "OverlayRows"),
        (0x60FE3000, "OB/OW", "OverlayData"),
        (0x00203102, "CS", "SourceImageIDs"),
        (0x00280106, "US/SS", "SmallestImagePixelValue"),
        (0x00090010, "LO", ""),
        (0x000900FF, "LO", ""),
        (0x00091001, "UN", ""),
        (0x00090001, "UN", ""),
        (0x00100000, "UL", ""),
        (0x0010FFFF, "UN", ""),
        (0xFFFEE000, "UN", "Item"),
    ],
)
def test_vr_and_keyword_of_a_tag(tag, vr, keyword):
    assert (dictionary.vr_of(tag), dictionary.keyword_of(tag)) == (vr, keyword)


def test_a_keyword_finds_its_tag():
    assert (
        dictionary.tag_of("StudyInstanceUID"),
        dictionary.tag_of("OverlayRows"),
        dictionary.tag_of("Nonsense"),
    ) == (
        0x0020000D,
        0x60000010,
        None,
    )


def test_a_tag_in_words():
    assert (dictionary.describe(0x00100020), dictionary.describe(0x00091001)) == (
        "(0010,0020) PatientID",
        "(0009,1001)",
    )


def test_private_groups_are_odd():
    assert (dictionary.is_private(0x00090010), dictionary.is_private(0x00100010)) == (True, False)
