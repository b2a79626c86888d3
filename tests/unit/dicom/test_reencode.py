"""Data sets in another uncompressed transfer syntax: against the tests' own encoder, and there and back again."""

import itertools
import random
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom import reencode as module
from calotype.dicom.part10 import scan
from calotype.dicom.reencode import UNCOMPRESSED, reencode
from calotype.errors import InvalidRequest, Unsupported
from support import samples
from support.samples import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, JPEG_BASELINE, Undefined, encode

MAKERS = (samples.ct, samples.mr, samples.multi_frame, samples.structured_report, samples.pdf)
PRIVATE = 0x00091001


def converted(data, source, target):
    new = reencode(data, source, target)
    chunks = list(new.chunks())
    assert all(chunks)
    out = b"".join(chunks)
    assert new.size_bytes in {None, len(out)}
    return out


def inflated(data):
    return zlib.decompress(data, -15)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    ("source", "target"), [(EXPLICIT, BIG_ENDIAN), (BIG_ENDIAN, EXPLICIT), (DEFLATED, BIG_ENDIAN)]
)
def test_byte_order_is_changed_as_the_tests_encoder_writes_it(maker, source, target):
    assert converted(maker(syntax=source), source, target) == maker(syntax=target)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("source", [EXPLICIT, BIG_ENDIAN, DEFLATED])
def test_value_representations_are_left_out_as_the_tests_encoder_does(maker, source):
    assert converted(maker(syntax=source), source, IMPLICIT) == maker(syntax=IMPLICIT)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("target", [EXPLICIT, BIG_ENDIAN])
def test_value_representations_of_the_standard_are_found_again(maker, target):
    # Private elements come back as UN: nobody knows what they were.
    plain = converted(maker(syntax=IMPLICIT), IMPLICIT, target)
    again = converted(plain, target, IMPLICIT)
    assert again == maker(syntax=IMPLICIT)
    assert (
        scan(plain, target, data_bytes=len(plain)).attributes
        == scan(maker(), EXPLICIT, data_bytes=len(maker())).attributes
    )


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("source", [EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED])
def test_deflating_changes_nothing_but_the_bytes(maker, source):
    deflated = converted(maker(syntax=source), source, DEFLATED)
    assert len(deflated) % 2 == 0
    expected = maker() if source == DEFLATED else converted(maker(syntax=source), source, EXPLICIT)
    assert inflated(deflated) == expected
    assert converted(deflated, DEFLATED, EXPLICIT) == expected


@pytest.mark.parametrize("syntax", UNCOMPRESSED)
def test_the_same_syntax_again_is_the_same_data_set(syntax):
    data = samples.ct(syntax=syntax)
    again = converted(data, syntax, syntax)
    assert (inflated(again), inflated(data)) == (inflated(data),) * 2 if syntax == DEFLATED else again == data


def explicit_vrs(data, syntax=EXPLICIT):
    """Tag -> VR of the top level."""
    order = ">" if syntax == BIG_ENDIAN else "<"
    found, at = {}, 0
    while at < len(data):
        group, number, vr, length = struct.unpack_from(order + "HH2sH", data, at)
        at += 8
        if vr in {b"OB", b"OW", b"SQ", b"UN"}:
            (length,) = struct.unpack_from(order + "L", data, at)
            at += 4
        found[group << 16 | number] = vr.decode()
        at += length
    return found


@pytest.mark.parametrize(("representation", "vr"), [(0, "US"), (1, "SS"), (None, "US")])
def test_us_or_ss_is_told_by_pixel_representation(representation, vr):
    rows = [] if representation is None else [(0x00280103, "US", representation)]
    rows += [(0x00280106, "US", 7), (0x00280120, "US", 7)]
    new = converted(encode(rows, IMPLICIT), IMPLICIT, BIG_ENDIAN)
    vrs = explicit_vrs(new, BIG_ENDIAN)
    assert (vrs[0x00280106], vrs[0x00280120]) == (vr, vr)


def test_us_or_ss_before_pixel_representation_waits_for_it():
    inner = [(0x00280106, "SS", -2)]
    rows = [(0x00081140, "SQ", [inner]), (0x00280103, "US", 1)]
    expected = encode(rows, BIG_ENDIAN)
    assert converted(encode(rows, IMPLICIT), IMPLICIT, BIG_ENDIAN) == expected


def test_an_item_has_a_pixel_representation_of_its_own():
    icon = [(0x00280103, "US", 0), (0x00280106, "US", 40000)]
    rows = [(0x00280103, "US", 1), (0x00280106, "SS", -1), (0x00880200, "SQ", [icon])]
    assert converted(encode(rows, IMPLICIT), IMPLICIT, BIG_ENDIAN) == encode(rows, BIG_ENDIAN)


@pytest.mark.parametrize(("bits", "vr"), [(8, "OB"), (1, "OB"), (12, "OW"), (16, "OW")])
def test_pixels_are_bytes_or_words_by_bits_allocated(bits, vr):
    rows = [(0x00280100, "US", bits), (0x7FE00010, vr, b"\1\2\3\4")]
    assert converted(encode(rows, IMPLICIT), IMPLICIT, BIG_ENDIAN) == encode(rows, BIG_ENDIAN)


def test_words_are_swapped_by_their_size_and_un_never():
    rows = [
        (0x00090010, "LO", "CALOTYPE"),
        (PRIVATE, "OW", bytes(range(4))),
        (PRIVATE + 1, "OF", bytes(range(8))),
        (PRIVATE + 2, "OL", bytes(range(8))),
        (PRIVATE + 3, "OD", bytes(range(16))),
        (PRIVATE + 4, "OV", bytes(range(16))),
        (PRIVATE + 5, "UN", bytes(range(8))),
        (PRIVATE + 6, "OB", bytes(range(8))),
        (PRIVATE + 7, "AT", [0x00100020, 0x7FE00010]),
        (PRIVATE + 8, "FD", [1.5, -2.25]),
    ]
    assert converted(encode(rows), EXPLICIT, BIG_ENDIAN) == encode(rows, BIG_ENDIAN)


def test_a_private_element_of_implicit_vr_is_un_in_little_endian():
    rows = [(0x00090010, "LO", "CALOTYPE"), (PRIVATE, "UL", 0x01020304)]
    as_un = [(0x00090010, "LO", "CALOTYPE"), (PRIVATE, "UN", b"\4\3\2\1")]
    for target in (EXPLICIT, BIG_ENDIAN):
        assert converted(encode(rows, IMPLICIT), IMPLICIT, target) == encode(as_un, target)


def test_a_value_too_long_for_its_vr_goes_as_un_and_comes_back():
    # 70,000 bytes of DS are lawful in implicit VR; PS3.5 6.2.2 makes them UN in explicit VR.
    text = "\\".join(["1.5"] * 17_500)
    data = encode([(0x00080060, "CS", "RT"), (0x30060050, "DS", text), (0x30060084, "IS", "7 ")], IMPLICIT)
    for target in (EXPLICIT, BIG_ENDIAN):
        new = converted(data, IMPLICIT, target)
        assert explicit_vrs(new, target) == {0x00080060: "CS", 0x30060050: "UN", 0x30060084: "IS"}
        assert converted(new, target, IMPLICIT) == data


def test_a_sequence_of_undefined_length_and_vr_un_becomes_a_sequence():
    items = Undefined([[(0x00080100, "SH", "CODE"), (0x00280010, "US", 5)]])
    inner = encode([(PRIVATE, "SQ", items)], IMPLICIT)[8:]
    as_un = struct.pack("<HH2sHL", 0x0009, 0x1001, b"UN", 0, samples.UNDEFINED) + inner
    for target in (BIG_ENDIAN, IMPLICIT):
        assert converted(as_un, EXPLICIT, target) == encode([(PRIVATE, "SQ", items)], target)


def test_group_lengths_stay_where_headers_keep_their_size():
    rows = [(0x00100000, "UL", 10), (0x00100020, "LO", "12")]
    assert converted(encode(rows), EXPLICIT, BIG_ENDIAN) == encode(rows, BIG_ENDIAN)
    assert converted(encode(rows), EXPLICIT, IMPLICIT) == encode(rows[1:], IMPLICIT)


def test_an_odd_value_is_padded_and_lengths_around_it_follow():
    odd = struct.pack("<HH2sH", 0x0008, 0x0100, b"SH", 3) + b"ABC"
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(odd)) + odd
    data = struct.pack("<HH2sHL", 0x0008, 0x1032, b"SQ", 0, len(item)) + item
    assert converted(data, EXPLICIT, IMPLICIT) == encode(
        [(0x00081032, "SQ", [[(0x00080100, "SH", "ABC ")]])], IMPLICIT
    )


@pytest.mark.parametrize("label", [EXPLICIT, BIG_ENDIAN, DEFLATED])
def test_a_data_set_under_a_wrong_label_is_read_as_it_is(label):
    data = samples.ct(syntax=EXPLICIT if label == DEFLATED else IMPLICIT)
    actual = EXPLICIT if label == DEFLATED else IMPLICIT
    target = IMPLICIT if label == DEFLATED else BIG_ENDIAN
    assert converted(data, label, target) == converted(data, actual, target)


def test_a_zlib_header_before_the_deflate_stream_is_no_obstacle():
    assert converted(zlib.compress(samples.ct()), DEFLATED, IMPLICIT) == samples.ct(syntax=IMPLICIT)


def test_zeros_after_the_last_element_are_left_out():
    assert converted(samples.small() + bytes(30), EXPLICIT, IMPLICIT) == samples.small(syntax=IMPLICIT)


@pytest.mark.parametrize("cut", [9, 1000, 8000])
@pytest.mark.parametrize(("source", "target"), [(EXPLICIT, IMPLICIT), (IMPLICIT, BIG_ENDIAN), (DEFLATED, IMPLICIT)])
def test_a_truncated_data_set_is_told_before_anything_is_sent(source, target, cut):
    data = samples.ct(syntax=source)
    with pytest.raises(InvalidRequest, match="truncated"):
        reencode(data[:-cut], source, target)


def sequence(length, items):
    return struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, length) + items


ITEM, ITEM_END, SEQUENCE_END = (struct.pack("<HH", 0xFFFE, number) for number in (0xE000, 0xE00D, 0xE0DD))
ELEMENT = struct.pack("<HH2sH", 0x0008, 0x0100, b"SH", 2) + b"AB"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (sequence(8, ITEM_END + bytes(4)), "stands where it has no place"),
        (sequence(10, ELEMENT), "stands where it has no place"),
        (ELEMENT + ITEM_END + bytes(4), "stands where it has no place"),
        (ELEMENT + sequence(12, ITEM + struct.pack("<L", 10) + ELEMENT), "ends 6 bytes after the end it claims"),
        (sequence(17, ITEM + struct.pack("<L", 9) + ELEMENT), "an item ends 1 bytes after"),
        (sequence(18, ITEM + struct.pack("<L", 10) + ELEMENT[:-2] + ITEM_END[:2]), None),
        (ELEMENT + b"\x08\0\1\1??\2\0AB", "no value representation that can be understood"),
        (ELEMENT + bytes(9) + b"\1", "zeros stand where an element should"),
        (sequence(samples.UNDEFINED, ITEM + b"\xff" * 4 + ELEMENT), "truncated"),
    ],
)
def test_damage_is_told(data, message):
    if message is None:
        assert converted(data, EXPLICIT, IMPLICIT)
        return
    with pytest.raises(InvalidRequest, match=message):
        reencode(data, EXPLICIT, IMPLICIT)


def test_fragments_and_compressed_syntaxes_are_not_for_here():
    with pytest.raises(Unsupported, match="JPEG Baseline"):
        reencode(samples.compressed(), JPEG_BASELINE, EXPLICIT)
    with pytest.raises(Unsupported, match="JPEG Baseline"):
        reencode(samples.ct(), EXPLICIT, JPEG_BASELINE)
    with pytest.raises(Unsupported, match=r"\(7FE0,0010\) PixelData comes in fragments"):
        reencode(samples.compressed(), EXPLICIT, IMPLICIT)


def test_nesting_has_a_limit():
    data = ELEMENT
    for _ in range(module.MAX_DEPTH + 1):
        item = ITEM + struct.pack("<L", len(data)) + data
        data = sequence(len(item), item)
    with pytest.raises(InvalidRequest, match="nested deeper"):
        reencode(data, EXPLICIT, IMPLICIT)


def test_what_is_held_has_a_limit(monkeypatch):
    monkeypatch.setattr(module, "MAX_REWRITTEN_BYTES", 1000)
    with pytest.raises(InvalidRequest, match="more than 1000 bytes"):
        reencode(samples.ct(), EXPLICIT, IMPLICIT)


def test_a_deflate_stream_that_is_none_is_told():
    with pytest.raises(InvalidRequest, match="not deflated as its transfer syntax says"):
        reencode(b"\xff" * 100, DEFLATED, IMPLICIT)


@pytest.mark.parametrize(("source", "target"), [(EXPLICIT, BIG_ENDIAN), (DEFLATED, IMPLICIT), (IMPLICIT, DEFLATED)])
def test_a_big_object_flows_through_little_memory(source, target):
    rows = [(0x00280100, "US", 16), (0x7FE00010, "OW", bytes(64 << 20)), (0xFFFCFFFC, "OB", b"\0\0")]
    data = encode(rows, source)
    tracemalloc.start()
    size_bytes = sum(map(len, reencode(data, source, target).chunks()))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 12 << 20
    assert size_bytes == len(encode(rows, target)) or target == DEFLATED


# There and back again: any nesting of any VR.

_VALUES = {
    "LO": st.text(st.characters(codec="ascii", exclude_characters="\\"), max_size=30).map(lambda t: t.strip() or "x"),
    "US": st.lists(st.integers(0, 65535), max_size=4),
    "FD": st.lists(st.floats(allow_nan=False), max_size=3),
    "OW": st.binary(max_size=40).map(lambda raw: raw[: len(raw) & ~1]),
    "OB": st.binary(max_size=40),
    "UN": st.binary(max_size=40),
    "OV": st.binary(max_size=64).map(lambda raw: raw[: len(raw) & ~7]),
    "AT": st.lists(st.integers(0, 0xFFFDFFFF), max_size=3),
}


def _row(tag):
    return st.sampled_from(sorted(_VALUES)).flatmap(lambda vr: _VALUES[vr].map(lambda value: (tag, vr, value)))


def _elements(depth):
    plain = st.integers(0x00110001, 0x00110FFF).flatmap(_row)
    if depth:
        items = st.lists(_elements(depth - 1), max_size=3)
        sequences = st.tuples(
            st.integers(0x00111000, 0x0011FFFF), st.just("SQ"), st.one_of(items, items.map(Undefined))
        )
        plain = st.one_of(plain, sequences)
    return st.lists(plain, max_size=5)


@given(_elements(3), st.lists(st.sampled_from([EXPLICIT, BIG_ENDIAN, DEFLATED]), max_size=4))
def test_explicit_forms_lead_back_to_the_same_bytes(rows, way):
    first = [(0x00080005, "CS", "ISO_IR 192")]
    data = now = encode(first + rows)
    for source, target in itertools.pairwise([EXPLICIT, *way, EXPLICIT]):
        now = converted(now, source, target)
    assert now == data


@given(_elements(3))
def test_every_form_gives_the_same_implicit_one(rows):
    rows = [(0x00080005, "CS", "ISO_IR 192"), *rows]
    expected = encode(rows, IMPLICIT)
    for source in (EXPLICIT, BIG_ENDIAN, DEFLATED):
        assert converted(encode(rows, source), source, IMPLICIT) == expected


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_damaged_bytes_end_in_an_error_of_ours_or_in_a_data_set(seed, changes):
    chance = random.Random(seed)
    data = bytearray(samples.structured_report())
    for _ in range(changes):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        new = reencode(bytes(data), EXPLICIT, IMPLICIT)
    except (InvalidRequest, Unsupported):
        return
    assert sum(map(len, new.chunks())) == new.size_bytes
