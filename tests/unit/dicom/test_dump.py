"""A data set as lines for people."""

import pytest

from calotype.dicom.dump import lines
from calotype.dicom.walk import Walk
from support import samples


def shown(data, width=80, syntax=samples.EXPLICIT):
    explicit, little = syntax != samples.IMPLICIT, syntax != samples.BIG_ENDIAN
    return list(lines(Walk(data, len(data), explicit=explicit, little=little), width=width))


ROWS = [
    (0x00080005, "CS", "ISO_IR 192"),
    (0x00080016, "UI", samples.CT),
    (0x00081140, "SQ", [[(0x00081155, "UI", "1.2.3")], [(0x00280010, "US", 7)]]),
    (0x00100010, "PN", "Wang^XiaoDong=王^小东"),
    (0x00280010, "US", 512),
    (0x00291010, "OB", bytes(3000)),
]


@pytest.mark.parametrize("syntax", [samples.EXPLICIT, samples.BIG_ENDIAN])
def test_each_element_is_a_line_and_items_are_indented(syntax):
    assert shown(samples.encode(ROWS, syntax), syntax=syntax) == [
        "(0008,0005) CS SpecificCharacterSet = ISO_IR 192",
        f"(0008,0016) UI SOPClassUID = {samples.CT} (CT Image Storage)",
        "(0008,1140) SQ ReferencedImageSequence 40 bytes",
        "  item 1",
        "    (0008,1155) UI ReferencedSOPInstanceUID = 1.2.3",
        "  item 2",
        "    (0028,0010) US Rows = 7",
        "(0010,0010) PN PatientName = Wang^XiaoDong=王^小东",
        "(0028,0010) US Rows = 512",
        "(0029,1010) OB Private = 3000 bytes",
    ]


def test_implicit_vr_is_read_by_the_dictionary():
    assert "(0028,0010) US Rows = 512" in shown(samples.encode(ROWS, samples.IMPLICIT), syntax=samples.IMPLICIT)


def test_long_values_are_cut_and_nothing_is_left_that_a_terminal_obeys():
    rows = [(0x00081030, "LO", "a\x1b[31m" + "b" * 50), (0x00283006, "US", list(range(40)))]
    study, table = shown(samples.encode(rows), width=20)
    assert study == "(0008,1030) LO StudyDescription = a.[31mbbbbbbbbbbbb..."
    assert table.endswith("...")


def test_what_the_header_of_any_sample_says_is_shown():
    for data in (samples.ct(), samples.structured_report(), samples.pdf(), samples.multi_frame()):
        assert len(shown(data)) > 20
