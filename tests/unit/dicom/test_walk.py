"""What real devices send is walked over; what cannot be read is refused; what is hostile costs little."""

import struct

import pytest

from calotype.dicom import walk as walking
from calotype.dicom.layout import IMPLICIT_SEQUENCE
from calotype.dicom.walk import FRAGMENTS, MAX_DEPTH, Walk
from calotype.errors import InvalidRequest
from support import samples
from support.samples import EXPLICIT, IMPLICIT, UNDEFINED, encode, header

ITEM = header(0xFFFEE000, "", UNDEFINED)
ITEM_END = header(0xFFFEE00D, "", 0)
SEQUENCE_END = header(0xFFFEE0DD, "", 0)
MODALITY = encode([(0x00080060, "CS", "CT")])
PATIENT = encode([(0x00100020, "LO", "P1")])
CODE = encode([(0x00080100, "SH", "T1")])
OPEN_SEQUENCE = header(0x00081032, "SQ", UNDEFINED)


def top(data, *, explicit=True, little=True):
    """Walk; return (tag, VR, value) of each element, and whether damage was told."""
    walk = Walk(data, len(data), explicit=explicit, little=little)
    tokens = walk.top()
    return [(tag, vr, bytes(data[start:end])) for tag, vr, _, start, end in tokens], walk.damaged


def items(data, tag=0x00081032, *, explicit=True):
    """Walk; return the elements of each item of one sequence."""
    walk = Walk(data, len(data), explicit=explicit, little=True)
    token = next(token for token in walk.top() if token[0] == tag)
    return [[(t, vr, bytes(data[s:e])) for t, vr, _, s, e in tokens] for tokens in walk.items(token)]


CODE_READ = (0x00080100, "SH", b"T1")
AROUND = [(0x00080060, "CS", b"CT"), (0x00100020, "LO", b"P1")]


def test_an_orderly_data_set():
    assert top(MODALITY + PATIENT) == (AROUND, False)


def test_elements_out_of_order_are_put_in_order():
    assert top(PATIENT + MODALITY) == (AROUND, True)


def test_the_last_of_two_counts():
    assert top(MODALITY + encode([(0x00080060, "CS", "MR")])) == ([(0x00080060, "CS", b"MR")], True)


@pytest.mark.parametrize("group_length", [True, False])
def test_groups_0000_and_0002_are_passed_over(group_length):
    foreign = encode([(0x00020010, "UI", "1.2"), (0x00020102, "OB", b"12")])
    foreign = encode([(0x00020000, "UL", len(foreign))]) * group_length + foreign
    assert top(foreign + MODALITY + PATIENT) == (AROUND, True)


def test_a_command_element_in_implicit_vr_is_passed_over():
    data = encode([(0x00000100, "US", 1), (0x00080060, "CS", "CT")], IMPLICIT)
    assert top(data, explicit=False) == ([(0x00080060, "CS", b"CT")], True)


def test_trailing_zeros_are_padding():
    assert top(MODALITY + PATIENT + b"\0" * 100_001) == (AROUND, True)
    assert top(MODALITY + PATIENT + b"\0" * 3) == (AROUND, True)
    assert top(encode([(0x00080060, "CS", "CT")], IMPLICIT) + b"\0" * 20, explicit=False)[1]


def test_zeros_before_something_are_no_padding():
    with pytest.raises(InvalidRequest, match="zeros at byte 10 stand where an element should"):
        top(MODALITY + b"\0" * 8 + PATIENT)


def test_a_few_trailing_bytes_are_a_cut_header():
    with pytest.raises(InvalidRequest, match="truncated: an element header needs 8 bytes, 3 are left"):
        top(MODALITY + b"\x10\0\x20")


# Layouts other than declared


def test_implicit_vr_under_an_explicit_label():
    data = encode([(0x00080060, "CS", "CT"), (0x00100020, "LO", "P1")], IMPLICIT)
    assert top(data, explicit=True) == (AROUND, True)


def test_explicit_vr_under_an_implicit_label():
    assert top(MODALITY + PATIENT, explicit=False) == (AROUND, True)


def test_big_endian_under_a_little_endian_label_and_the_reverse():
    data = encode([(0x00080060, "CS", "CT"), (0x00100020, "LO", "P1")], samples.BIG_ENDIAN)
    assert top(data) == (AROUND, True)
    assert top(MODALITY + PATIENT, little=False) == (AROUND, True)


def test_an_item_in_implicit_vr_in_an_explicit_data_set():
    inner = encode([(0x00080100, "SH", "T1"), (0x00080104, "LO", "Chest ")], IMPLICIT)
    data = MODALITY + header(0x00081032, "SQ", len(inner) + 8) + header(0xFFFEE000, "", len(inner)) + inner + PATIENT
    assert items(data) == [[CODE_READ, (0x00080104, "LO", b"Chest ")]]
    assert top(data)[1]


def test_an_item_in_explicit_vr_in_a_sequence_that_came_as_un():
    inner = CODE
    data = header(0x00091001, "UN", UNDEFINED) + header(0xFFFEE000, "", len(inner)) + inner + SEQUENCE_END + PATIENT
    assert items(data, 0x00091001) == [[CODE_READ]]


@pytest.mark.parametrize("length", ["defined", "undefined"])
@pytest.mark.parametrize("tag", [0x00081032, 0x00091001])
def test_a_sequence_as_un_has_implicit_items(length, tag):
    inner = encode([(0x00080100, "SH", "T1")], IMPLICIT)
    content = header(0xFFFEE000, "", len(inner)) + inner
    if length == "undefined":
        data = header(tag, "UN", UNDEFINED) + content + SEQUENCE_END + PATIENT
    else:
        data = header(tag, "UN", len(content)) + content + PATIENT
    found, damaged = top(data)
    if length == "defined" and tag == 0x00091001:
        # A private value of defined length may be anything.
        assert found[0][1] == "UN"
    else:
        assert found[0][1] == IMPLICIT_SEQUENCE
        assert items(data, tag) == [[CODE_READ]]
    assert (found[-1], damaged) == (AROUND[1], False)


# VRs that are none


@pytest.mark.parametrize(
    ("element", "vr"),
    [
        (b"\x08\0\x70\0ZZ\0\0\4\0\0\0ACME", "LO"),
        (b"\x08\0\x70\0??\4\0ACME", "LO"),
        (b"\x08\0\x70\0  \4\0ACME", "LO"),
        (b"\x08\0\x70\0\4\0\0\0ACME", "LO"),
        (b"\x08\0\x71\0ZZ\0\0\4\0\0\0ACME", "UN"),
        (b"\x09\0\x01\x10??\4\0ACME", "UN"),
    ],
)
def test_an_unknown_vr_is_read_by_whatever_layout_fits(element, vr):
    found, damaged = top(MODALITY + element + PATIENT)
    assert (found[1][1:], found[-1], damaged) == ((vr, b"ACME"), AROUND[1], True)


def test_an_unknown_vr_that_fits_no_layout_is_refused():
    with pytest.raises(InvalidRequest, match="no value representation that makes sense"):
        top(MODALITY + b"\x08\0\x70\0??\xff\xff\xff\xff\xff\xff")


# Delimiters


def test_stray_delimiters_are_passed_over():
    data = MODALITY + ITEM_END + SEQUENCE_END + PATIENT
    assert top(data) == (AROUND, True)


def test_items_of_defined_length_may_be_delimited_too():
    content = header(0xFFFEE000, "", len(CODE) + 8) + CODE + ITEM_END
    data = header(0x00081032, "SQ", len(content)) + content + PATIENT
    assert items(data) == [[CODE_READ]]


def test_sequences_of_defined_length_may_be_delimited_too():
    content = header(0xFFFEE000, "", len(CODE)) + CODE + SEQUENCE_END
    data = header(0x00081032, "SQ", len(content)) + content + PATIENT
    assert items(data) == [[CODE_READ]]
    assert top(data)[1]


def test_a_missing_item_delimiter_is_forgiven():
    data = OPEN_SEQUENCE + ITEM + CODE + ITEM + CODE + SEQUENCE_END + PATIENT
    assert items(data) == [[CODE_READ], [CODE_READ]]
    assert top(data)[0][-1] == AROUND[1]


def test_a_missing_delimiter_inside_a_defined_length_is_forgiven():
    content = ITEM + CODE
    data = header(0x00081032, "SQ", len(content)) + content + PATIENT
    assert items(data) == [[CODE_READ]]
    assert top(data) == ([(0x00081032, "SQ", content), AROUND[1]], True)


def test_damage_inside_a_defined_length_is_passed_over():
    whole = header(0xFFFEE000, "", len(CODE)) + CODE
    content = whole + b"\x08\0\x60\0garbage!"
    data = header(0x00081032, "SQ", len(content)) + content + PATIENT
    assert items(data) == [[CODE_READ]]
    assert top(data)[1]


def test_an_item_longer_than_its_sequence_is_clipped():
    content = header(0xFFFEE000, "", 9999) + CODE
    data = header(0x00081032, "SQ", len(content)) + content + PATIENT
    assert items(data) == [[CODE_READ]]
    assert top(data)[1]


def test_damage_inside_an_undefined_length_is_refused():
    data = OPEN_SEQUENCE + MODALITY + PATIENT
    with pytest.raises(InvalidRequest, match=r"\(0008,0060\) Modality at byte 12 stands where an item"):
        top(data)


def test_damage_in_a_sequence_of_undefined_length_inside_a_damaged_one():
    inner = ITEM + OPEN_SEQUENCE + MODALITY
    data = header(0x00081032, "SQ", len(inner)) + inner + PATIENT
    assert top(data)[0][-1] == AROUND[1]
    assert items(data) == []


# Fragments


def test_fragments_are_one_value():
    data = encode([(0x7FE00010, "OB", samples.Fragments([b"ab", b"cd"]))])
    assert top(data) == ([(0x7FE00010, FRAGMENTS, data[12:])], False)


def test_something_else_among_fragments_is_refused():
    data = header(0x7FE00010, "OB", UNDEFINED) + header(0xFFFEE000, "", 2) + b"ab" + MODALITY
    with pytest.raises(InvalidRequest, match="stands where a fragment of an image should"):
        top(data)


# Hostile input


def nested(depth):
    return (OPEN_SEQUENCE + ITEM) * depth + (ITEM_END + SEQUENCE_END) * depth


def test_nesting_is_bounded():
    top(nested(MAX_DEPTH))
    with pytest.raises(InvalidRequest, match="nested deeper than 100 levels"):
        top(nested(MAX_DEPTH + 1))
    with pytest.raises(InvalidRequest, match="nested deeper"):
        top(nested(100_000))


def test_items_of_the_deepest_sequences_are_found_again():
    data = nested(MAX_DEPTH)
    walk = Walk(data, len(data), explicit=True, little=True)
    tokens, depth = walk.top(), 0
    while tokens:
        (tokens,) = list(walk.items(tokens[0]))
        depth += 1
    assert depth == MAX_DEPTH


def test_the_number_of_elements_is_bounded(monkeypatch):
    monkeypatch.setattr(walking, "MAX_TOGETHER", 100)
    with pytest.raises(InvalidRequest, match="more than 100 elements in one place"):
        top(MODALITY * 101)
    monkeypatch.setattr(walking, "MAX_ELEMENTS", 50)
    content = (header(0xFFFEE000, "", 8) + header(0x00080060, "CS", 0)) * 60
    with pytest.raises(InvalidRequest, match="or 50 in all"):
        top(header(0x00081032, "SQ", len(content)) + content)


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFE, 0x80000000])
def test_a_giant_length_is_refused_at_once(length):
    data = MODALITY + b"\x42\0\x11\0OB\0\0" + struct.pack("<L", length)
    with pytest.raises(InvalidRequest, match=f"needs {length} bytes, 0 are left"):
        top(data)


def test_what_first_bytes_mean_is_remembered_in_bounds(monkeypatch):
    layout = walking.LAYOUTS[True, True]
    monkeypatch.setattr("calotype.dicom.layout._MAX_KNOWN", 50)
    monkeypatch.setattr(layout, "known", {}, raising=True)
    top(b"".join(struct.pack("<HH", 9, 0x1000 + n) + b"LO\0\0" for n in range(500)))
    assert len(layout.known) <= 50


def test_implicit_items_of_an_implicit_data_set():
    data = encode([(0x00081032, "SQ", [[(0x00080100, "SH", "T1")]])], IMPLICIT)
    assert items(data, explicit=False) == [[CODE_READ]]


def test_a_private_value_of_undefined_length_in_implicit_vr_is_a_sequence():
    inner = encode([(0x00080100, "SH", "T1")], IMPLICIT)
    data = header(0x00091001, "", UNDEFINED, IMPLICIT) + ITEM + inner + ITEM_END + SEQUENCE_END
    assert items(data, 0x00091001, explicit=False) == [[CODE_READ]]


def test_both_layouts_see_the_same_elements():
    explicit, implicit = (
        Walk(data, len(data), explicit=syntax == EXPLICIT, little=True).top()
        for syntax in (EXPLICIT, IMPLICIT)
        for data in [samples.ct(4, 4, syntax=syntax)]
    )
    assert [token[0] for token in explicit] == [token[0] for token in implicit]
