"""Frames are found whatever the tables say, and never the wrong one."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import native
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.fragments import ExtendedOffsetTable
from calotype.dicom.pixels.frames import (
    EncapsulatedFrames,
    NativeFrames,
    frame_index,
    frame_index_from_bytes,
    native_index,
    read_frame,
)
from calotype.dicom.sources import source_of
from calotype.dicom.uids import (
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    RLE_LOSSLESS,
)
from calotype.errors import CalotypeError, DamagedPixels, InvalidRequest, NotFound

GREY = PixelDescription(4, 4, bits_allocated=8, bits_stored=8, high_bit=7)
JPEG = b"\xff\xd8\xff\xc0 body \xff\xd9"
J2K = b"\xff\x4f\xff\x51 body \xff\xd9"
VIDEO = UID("1.2.840.10008.1.2.4.102")
DEFLATED_FRAMES = UID("1.2.840.10008.1.2.8.1")
END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def item(content=b""):
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content


def table(*offsets):
    return item(struct.pack(f"<{len(offsets)}L", *offsets))


def indexed(value, frames=1, syntax=JPEG_BASELINE, **how):
    return frame_index(
        source_of(memoryview(value), deflated=False), replace(GREY, number_of_frames=frames), syntax, **how
    )


def contents(index, value):
    return [
        read_frame(index, number, lambda offset, size: value[offset : offset + size])
        for number in range(1, index.number_of_frames + 1)
    ]


def frames_of(value, frames=1, syntax=JPEG_BASELINE, **how):
    return contents(indexed(value, frames, syntax, **how), value)


def jpeg(number, pieces=1):
    """Return the fragments of a frame whose content tells its number."""
    whole = JPEG.replace(b"body", b"%04d" % number)
    size = len(whole) // pieces
    return [whole[at * size : (at + 1) * size if at < pieces - 1 else None] for at in range(pieces)]


def test_one_fragment_is_one_frame():
    value = table() + item(JPEG) + END
    assert indexed(value).frame(1) == [(16, len(JPEG))]


def test_a_basic_offset_table_tells_which_fragments_belong_together():
    first, second = jpeg(1, 2), jpeg(2, 3)
    value = table(0, sum(8 + len(piece) for piece in first)) + b"".join(map(item, first + second)) + END
    assert frames_of(value, 2) == [b"".join(first), b"".join(second)]


@pytest.mark.parametrize(
    "offsets",
    [(0, 0), (0, 3), (8, 40), (0, 4000), (0,), (0, 10, 20), (0xFFFFFFFF, 0)],
    ids=["zeros", "no item", "not from 0", "outside", "short", "long", "falling"],
)
def test_a_basic_offset_table_that_cannot_be_right_is_not_used(offsets):
    first, second = jpeg(1, 2), jpeg(2, 2)
    value = table(*offsets) + b"".join(map(item, first + second)) + END
    assert frames_of(value, 2) == [b"".join(first), b"".join(second)]


def test_without_a_table_as_many_fragments_as_frames_are_one_each():
    pieces = [b"no mark %d" % number for number in range(5)]
    assert frames_of(table() + b"".join(map(item, pieces)) + END, 5, RLE_LOSSLESS) == pieces


def test_without_a_table_one_frame_is_all_fragments():
    assert frames_of(table() + item(b"ab") + item(b"cd") + END) == [b"abcd"]


def test_without_a_table_frames_start_where_codestreams_do():
    pieces = [*jpeg(1, 3), *jpeg(2, 1), *jpeg(3, 2)]
    expected = [b"".join(jpeg(number)) for number in (1, 2, 3)]
    assert frames_of(table() + b"".join(map(item, pieces)) + END, 3) == expected


def test_without_a_table_frames_end_where_codestreams_do_if_starts_do_not_tell():
    # The second frame comes in a box of its own, which is no start that we know.
    pieces = [*jpeg(1, 2), b"\xff\xff\xd8", b"rest\xff\xd9\0"]
    assert frames_of(table() + b"".join(map(item, pieces)) + END, 2) == [
        JPEG.replace(b"body", b"0001"),
        b"".join(pieces[2:]),
    ]


def test_frames_of_rle_start_with_a_header():
    one, two = struct.pack("<16L", 1, 64, *[0] * 14) + b"one", struct.pack("<16L", 2, 64, 70, *[0] * 13) + b"two"
    value = table() + item(one) + item(two[:65]) + item(two[65:]) + END
    assert frames_of(value, 2, RLE_LOSSLESS) == [one, two]


def test_fragments_that_make_no_frames_are_refused():
    pieces = [b"aaaa", b"bbbb", b"cccc"]
    with pytest.raises(DamagedPixels, match="which of the 3 fragments make which of the 2 frames"):
        indexed(table() + b"".join(map(item, pieces)) + END, 2, DEFLATED_FRAMES)


def test_an_extended_offset_table_goes_first_and_takes_padding_off():
    value = table(0, 1) + item(b"abc\0") + item(b"defg") + END
    extended = ExtendedOffsetTable((0, 12), (3, 4))
    assert frames_of(value, 2, DEFLATED_FRAMES, table=extended) == [b"abc", b"defg"]


@pytest.mark.parametrize("lengths", [(), (3,), (9, 4), (0, 0)], ids=["none", "short", "too long", "zeros"])
def test_lengths_of_an_extended_offset_table_that_cannot_be_right_are_not_used(lengths):
    value = table() + item(b"abc\0") + item(b"defg") + END
    extended = ExtendedOffsetTable((0, 12), lengths)
    assert frames_of(value, 2, DEFLATED_FRAMES, table=extended) == [b"abc\0", b"defg"]


def test_an_extended_offset_table_that_cannot_be_right_leaves_the_basic_one():
    first, second = [b"a", b"bc"], [b"d"]
    value = table(0, 19) + b"".join(map(item, first + second)) + END
    extended = ExtendedOffsetTable((0, 2**63), (1, 1))
    assert frames_of(value, 2, DEFLATED_FRAMES, table=extended) == [b"abc", b"d"]


def test_empty_fragments_are_passed_over():
    value = table() + item() + item(b"ab") + item() + item(b"cd") + item() + END
    assert frames_of(value, 2, DEFLATED_FRAMES) == [b"ab", b"cd"]


def test_a_table_may_point_to_an_empty_fragment_before_a_frame():
    value = table(0, 18) + item() + item(b"ab") + item() + item(b"cd") + END
    assert frames_of(value, 2, DEFLATED_FRAMES) == [b"ab", b"cd"]


def test_a_table_that_leaves_a_frame_without_anything_is_not_used():
    value = table(0, 10) + item(b"ab") + item() + END
    assert frames_of(value, 2, DEFLATED_FRAMES) == [b"ab"]


def test_lengths_may_be_odd():
    assert frames_of(table() + item(b"abc") + item(b"d") + END, 2, DEFLATED_FRAMES) == [b"abc", b"d"]


def test_the_basic_offset_table_may_be_missing():
    value = item(J2K) + item(J2K) + END
    assert frames_of(value, 2, JPEG_2000_LOSSLESS) == [J2K, J2K]


def test_a_delimiter_inside_a_codestream_ends_nothing():
    stream = J2K.replace(b"body", END)
    assert frames_of(table() + item(stream) + END, 1, JPEG_2000_LOSSLESS) == [stream]


def test_the_last_delimiter_may_be_missing():
    assert frames_of(table() + item(JPEG)) == [JPEG]


@pytest.mark.parametrize("claimed", [3, 10**9])
def test_more_frames_than_fragments_are_not_believed(claimed):
    assert frames_of(table() + item(b"ab") + item(b"cd") + END, claimed, DEFLATED_FRAMES) == [b"ab", b"cd"]


def test_a_video_is_one_stream():
    assert frames_of(table() + item(b"ab") + item(b"cd") + END, 500, VIDEO) == [b"abcd"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"", "no fragment with anything"),
        (table() + END, "no fragment with anything"),
        (table() + item() + END, "no fragment with anything"),
        (table() + item(JPEG)[:-1], "break off"),
        (table() + item(JPEG) + b"\xfe\xff", "break off"),
        (table() + struct.pack("<HHL", 8, 5, 0) + END, r"\(0008,0005\) at byte 8 stands where a fragment should"),
        (item(b"\0" * 7)[:-3], "break off"),
    ],
)
def test_a_value_that_is_cut_off_or_no_fragments_is_refused(value, says):
    with pytest.raises(DamagedPixels, match=says):
        indexed(value)


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_frame_that_is_not_there_is_not_found(number):
    value = table() + item(b"ab") + item(b"cd") + END
    with pytest.raises(NotFound, match=f"there is no frame {number}; the object has 2"):
        indexed(value, 2, DEFLATED_FRAMES).frame(number)


def test_an_object_that_ends_before_its_frame_is_damaged():
    index = NativeFrames(0, 128, 2)
    with pytest.raises(DamagedPixels, match="frame 2 needs 16 bytes at 16; there are 4"):
        read_frame(index, 2, lambda offset, size: bytes(20)[offset : offset + size])


def test_native_frames_are_arithmetic_of_any_size():
    description = replace(GREY, rows=60_000, columns=60_000, number_of_frames=1_000)
    index = native_index(1_000, 3_600_000_000_000, description)
    assert index.frame(1_000) == [(1_000 + 999 * 3_600_000_000, 3_600_000_000)]


def test_native_frames_are_as_many_as_there_are_bytes_for():
    assert native_index(0, 16 * 3 + 15, replace(GREY, number_of_frames=10**9)).number_of_frames == 3


def test_less_than_one_native_frame_is_damaged():
    with pytest.raises(DamagedPixels, match="a frame takes 16 bytes; Pixel Data has 15"):
        native_index(0, 15, GREY)


def test_subsampled_frames_that_are_not_are_told_by_their_length():
    said = PixelDescription(2, 4, 3, 8, 8, 7, photometric_interpretation="YBR_FULL_422", number_of_frames=2)
    assert native_index(0, 32, said).frame(2) == [(16, 16)]
    assert native_index(0, 48, said).frame(2) == [(24, 24)]


@given(
    sides=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    frames=st.integers(1, 9),
    start=st.integers(0, 5),
    is_big_endian=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_frames_of_single_bits_follow_each_other_without_a_gap(sides, frames, start, is_big_endian, seed):
    rows, columns = sides
    description = PixelDescription(
        rows, columns, bits_allocated=1, bits_stored=1, high_bit=0, number_of_frames=frames
    )
    pictures = np.random.default_rng(seed).integers(0, 2, (frames, rows, columns), np.uint8)
    packer = native.BitPacker()
    value = b"".join(packer.add(native.encode(each, description), description.frame_bits) for each in pictures)
    value += packer.rest()
    assert value == np.packbits(pictures.reshape(-1), bitorder="little").tobytes()
    value += bytes(len(value) % 2)
    if is_big_endian:
        value = np.frombuffer(value, "<u2").byteswap().tobytes()
    data = bytes(start) + value
    index = native_index(start, len(value), description, big_endian_vr="OW" if is_big_endian else "")
    assert index.number_of_frames == frames
    decoded = [native.decode(frame, description) for frame in contents(index, data)]
    assert np.array_equal(decoded, pictures)


@given(rows=st.integers(1, 5), columns=st.integers(1, 5), bits=st.sampled_from([8, 16, 32]), frames=st.integers(1, 5))
def test_frames_in_big_endian_words_come_in_little_endian(rows, columns, bits, frames):
    description = PixelDescription(
        rows, columns, bits_allocated=bits, bits_stored=bits, high_bit=bits - 1, number_of_frames=frames
    )
    value = bytes(at % 251 for at in range(frames * description.frame_bytes))
    value += bytes(len(value) % 2)
    swapped = np.frombuffer(value, "<u2").byteswap().tobytes()
    little, big = (
        native_index(0, len(value), description),
        native_index(0, len(value), description, big_endian_vr="OW"),
    )
    assert contents(big, swapped) == contents(little, value)


def built(frames, is_odd, empties):
    """Return fragments of frames that are lists of sizes, with what each frame holds."""
    value, held, offsets = b"", [], []
    for number, sizes in enumerate(frames):
        offsets.append(len(value))
        pieces = [bytes([number % 251]) * (2 * size - is_odd) for size in sizes]
        held.append(b"".join(pieces))
        value += b"".join(item(piece) + item() * empties for piece in pieces)
    return value, held, offsets


FRAMES = st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=4), min_size=1, max_size=12)


@given(frames=FRAMES, is_odd=st.booleans(), empties=st.integers(0, 2), extended=st.booleans())
def test_right_tables_find_every_frame_however_it_is_cut(frames, is_odd, empties, extended):
    value, held, offsets = built(frames, is_odd, empties)
    data = (table() if extended else table(*offsets)) + value + END
    how = {"table": ExtendedOffsetTable(offsets)} if extended else {}
    index = indexed(data, len(frames), DEFLATED_FRAMES, **how)
    assert contents(index, data) == held
    assert frame_index_from_bytes(index.to_bytes()) == index


@given(frames=FRAMES, wrong=st.lists(st.integers(0, 2**32 - 1), max_size=12), claimed=st.integers(1, 20))
def test_wrong_tables_and_counts_never_cut_a_fragment(frames, wrong, claimed):
    value, held, _ = built(frames, is_odd=False, empties=0)
    data = table(*wrong) + value + END
    try:
        index = indexed(data, claimed, DEFLATED_FRAMES)
    except DamagedPixels:
        return
    assert b"".join(contents(index, data)) == b"".join(held)
    assert index.number_of_frames <= claimed


@given(st.binary(max_size=200), st.integers(1, 2**31), st.sampled_from([JPEG_BASELINE, RLE_LOSSLESS, VIDEO]))
def test_any_bytes_are_indexed_within_their_bounds_or_refused(data, claimed, syntax):
    try:
        index = indexed(data, claimed, syntax)
    except DamagedPixels:
        return
    for number in range(1, index.number_of_frames + 1):
        assert all(offset >= 0 and offset + length <= len(data) for offset, length in index.frame(number))


@given(st.integers(0, 2**40), st.integers(1, 2**36), st.integers(1, 2**31), st.sampled_from([1, 2, 4, 8]))
def test_an_index_of_native_frames_is_kept_and_read_again(start, bits, count, swapped):
    index = NativeFrames(start, bits, count, swapped)
    assert frame_index_from_bytes(index.to_bytes()) == index


@given(st.binary(max_size=80))
def test_an_index_that_was_kept_and_damaged_is_an_error_of_ours(data):
    for head in (b"", b"\x01\x00", b"\x01\x01", b"\x01\x01\x02\0\0\0\x02\0\0\0"):
        try:
            index = frame_index_from_bytes(head + data)
        except InvalidRequest:
            continue
        assert isinstance(index, NativeFrames | EncapsulatedFrames)


@given(FRAMES, st.data())
def test_a_kept_index_with_a_flipped_byte_is_refused_or_harmless(frames, data):
    value, _, offsets = built(frames, is_odd=False, empties=0)
    kept = bytearray(indexed(table(*offsets) + value + END, len(frames), DEFLATED_FRAMES).to_bytes())
    at = data.draw(st.integers(0, len(kept) - 1))
    kept[at] ^= data.draw(st.integers(1, 255))
    try:
        index = frame_index_from_bytes(bytes(kept))
        index.frame(index.number_of_frames)
    except CalotypeError:
        return


def test_an_index_of_many_frames_is_kept_small():
    value = table() + item(JPEG) * 10_000 + END
    assert len(indexed(value, 10_000).to_bytes()) < 10_000
