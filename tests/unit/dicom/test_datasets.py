"""The small codec: what it writes it reads, what others write it reads, what is hostile it refuses."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from calotype.dicom import datasets
from calotype.dicom.datasets import Element, Limits
from calotype.dicom.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)
from calotype.errors import InvalidRequest
from support import samples

NATIVE = [IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN]

EXAMPLE = (
    Element(0x00080005, "CS", b"ISO_IR 192"),
    Element(0x00080052, "CS", b"STUDY "),
    Element(
        0x00081111,
        "SQ",
        (
            (Element(0x00081150, "UI", b"1.2\0"), Element(0x00081155, "UI", b"1.23")),
            (Element(0x0040A170, "SQ", ((), (Element(0x00080100, "SH", b"T1"),))),),
        ),
    ),
    Element(0x00100010, "PN", "王^小东".encode()),
    Element(0x00280010, "US", b"\x00\x02"),
    Element(0x00281052, "DS", b""),
    Element(0x00720074, "OW", b"\x01\x02\x03\x04"),
)


@pytest.mark.parametrize("syntax", NATIVE)
def test_what_is_written_is_read(syntax):
    raw = datasets.encode(EXAMPLE, syntax)
    read = datasets.decode(raw, syntax)
    assert [(e.tag, e.value) for e in read] == [(e.tag, e.value) for e in EXAMPLE]
    assert [e.vr for e in read][:-1] == [e.vr for e in EXAMPLE][:-1]


def test_an_element_in_bytes():
    # (0008,0052) CS length 6 "STUDY "
    assert datasets.encode([Element(0x00080052, "CS", b"STUDY")], EXPLICIT_VR_LITTLE_ENDIAN) == (
        b"\x08\x00\x52\x00CS\x06\x00STUDY "
    )
    assert datasets.encode([Element(0x00080052, "CS", b"STUDY")], IMPLICIT_VR_LITTLE_ENDIAN) == (
        b"\x08\x00\x52\x00\x06\x00\x00\x00STUDY "
    )
    # (0008,1155) UI is padded with NULL; (0042,0011) OB has the long form; big endian turns tags, lengths and words
    assert datasets.encode([Element(0x00081155, "UI", b"1.2")], EXPLICIT_VR_BIG_ENDIAN) == (
        b"\x00\x08\x11\x55UI\x00\x041.2\0"
    )
    assert datasets.encode([Element(0x00420011, "OB", b"\1\2")], EXPLICIT_VR_LITTLE_ENDIAN) == (
        b"\x42\x00\x11\x00OB\0\0\x02\x00\x00\x00\1\2"
    )
    assert datasets.encode([Element(0x00280010, "US", b"\x00\x02")], EXPLICIT_VR_BIG_ENDIAN) == (
        b"\x00\x28\x00\x10US\x00\x02\x02\x00"
    )


def test_elements_are_written_in_the_order_of_their_tags():
    first, second = Element(0x00080018, "UI", b"1.20"), Element(0x00100020, "LO", b"ID")
    assert datasets.encode([second, first], IMPLICIT_VR_LITTLE_ENDIAN) == datasets.encode(
        [first, second], IMPLICIT_VR_LITTLE_ENDIAN
    )


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("make", [samples.ct, samples.structured_report, samples.pdf])
def test_what_another_encoder_writes_is_read_as_pydicom_reads_it(syntax, make):
    data = make(syntax=syntax)
    theirs = dcmread(io.BytesIO(samples.part10(data, syntax)))
    read = datasets.decode(data, syntax)
    assert [e.tag for e in read] == [int(e.tag) for e in theirs]
    name = next(e for e in read if e.tag == 0x00100010)
    assert name.raw.decode().rstrip() == str(theirs.PatientName)


def test_a_sequence_that_came_as_un_is_read_in_implicit_vr():
    # PS3.5 6.2.2 Note 4: UN of undefined length, its items in implicit VR little endian.
    inner = datasets.encode([Element(0x00080100, "SH", b"T1")], IMPLICIT_VR_LITTLE_ENDIAN)
    item = b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner
    raw = b"\x09\x00\x01\x10UN\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    assert datasets.decode(raw, EXPLICIT_VR_LITTLE_ENDIAN) == [
        Element(0x00091001, "SQ", ((Element(0x00080100, "SH", b"T1"),),))
    ]


def test_an_unknown_vr_is_read_in_the_long_form():
    # PS3.5 7.1.2: VRs to come have 32-bit lengths.
    raw = b"\x08\x00\x52\x00ZZ\0\0\x02\x00\x00\x00ab"
    assert datasets.decode(raw, EXPLICIT_VR_LITTLE_ENDIAN) == [Element(0x00080052, "UN", b"ab")]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\x08\x00\x52\x00CS\x06\x00STU", "truncated: element (0008,0052) QueryRetrieveLevel needs 6 bytes, 3 are"),
        (b"\x08\x00\x52", "truncated: an element header needs 8 bytes, 3 are left"),
        (b"\x42\x00\x11\x00OB\0\0\x02", "truncated: an element header needs 12 bytes, 9 are left"),
        (b"\xfe\xff\x00\xe0\0\0\0\0", "(FFFE,E000) Item at byte 0 belongs inside a sequence only"),
        (b"\x08\x00\x11\x11SQ\0\0\xff\xff\xff\xff", "truncated: the data set ends inside a sequence"),
        (b"\x08\x00\x11\x11SQ\0\0\x10\0\0\0", "truncated: a sequence needs 16 bytes, 0 are left"),
        (b"\x08\x00\x11\x11SQ\0\0\x08\0\0\0\xfe\xff\x00\xe0\x08\0\0\0", "truncated: an item needs 8 bytes"),
        (b"\x08\x00\x11\x11SQ\0\0\x08\0\0\0\x08\x00\x00\x00\0\0\0\0", "where an item should start"),
        (
            b"\x08\x00\x11\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff",
            "truncated: the data set ends inside an item",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_numbers(raw, message):
    with pytest.raises(InvalidRequest) as refused:
        datasets.decode(raw, EXPLICIT_VR_LITTLE_ENDIAN)
    assert message in str(refused.value)


def test_limits_are_kept():
    raw = datasets.encode(EXAMPLE, EXPLICIT_VR_LITTLE_ENDIAN)
    for limits, message in (
        (Limits(max_bytes=10), "more than the 10 allowed"),
        (Limits(max_elements=5), "more than the 5 elements"),
        (Limits(max_depth=1), "deeper than the 1 levels"),
    ):
        with pytest.raises(InvalidRequest, match=message):
            datasets.decode(raw, EXPLICIT_VR_LITTLE_ENDIAN, limits)


def test_a_value_too_long_for_its_vr_is_refused():
    with pytest.raises(InvalidRequest, match="VR LO carries at most 65534"):
        datasets.encode([Element(0x00100020, "LO", b"x" * 65_536)], EXPLICIT_VR_LITTLE_ENDIAN)


def test_a_deflated_data_set_is_refused():
    with pytest.raises(InvalidRequest, match="must be inflated"):
        datasets.decode(b"", DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)
    with pytest.raises(InvalidRequest, match="before it is deflated"):
        datasets.encode([], DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)


@given(raw=st.binary(max_size=200), syntax=st.sampled_from(NATIVE))
def test_anything_is_read_or_refused(raw, syntax):
    try:
        elements = datasets.decode(raw, syntax)
    except InvalidRequest:
        return
    assert all(isinstance(element, Element) for element in elements)


_TEXT = st.binary(max_size=12).map(lambda raw: raw + b" " * (len(raw) % 2))
_LEAVES = st.builds(Element, st.sampled_from([0x00091001, 0x00100020, 0x00104000]), st.just("LO"), _TEXT)
_ELEMENTS = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        Element,
        st.sampled_from([0x00081111, 0x0040A730]),
        st.just("SQ"),
        st.lists(
            st.lists(inner, max_size=3, unique_by=lambda e: e.tag).map(
                lambda i: tuple(sorted(i, key=lambda e: e.tag))
            ),
            max_size=3,
        ).map(tuple),
    ),
    max_leaves=12,
)


@given(
    elements=st.lists(_ELEMENTS, max_size=4, unique_by=lambda e: e.tag),
    syntax=st.sampled_from([EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN]),
)
def test_any_data_set_survives_a_round_trip(elements, syntax):
    ordered = sorted(elements, key=lambda e: e.tag)
    assert datasets.decode(datasets.encode(elements, syntax), syntax) == ordered
