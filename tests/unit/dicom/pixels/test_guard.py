"""The guard lets a frame pass that is what its object says, and nothing that would cost more."""

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codecs import CODECS, can_encode, decode, encode
from calotype.dicom.pixels.codestreams.jpeg import read_jpeg
from calotype.dicom.pixels.codestreams.jpeg_2000 import jpeg_2000_codestream, read_jpeg_2000
from calotype.dicom.pixels.codestreams.jpeg_xl import read_jpeg_xl
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.guard import Limits, check
from calotype.dicom.uids import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    HTJ2K_LOSSLESS,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS_SV1,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
    transfer_syntax,
)
from calotype.errors import DamagedPixels
from support.pixels import image

JPEG_XL_LOSSLESS = UID("1.2.840.10008.1.2.4.110")
GREY = PixelDescription(40, 30, 1, 8, 8, 7)
COLOUR = PixelDescription(40, 30, 3, 8, 8, 7, photometric_interpretation="RGB")
GUARDED = [
    uid
    for uid, row in CODECS.items()
    if row.encoder
    and transfer_syntax(uid).encapsulated
    and not transfer_syntax(uid).keyword.startswith(("Encap", "Defl"))
]


def stream(uid, description=GREY):
    return encode(image(description), description, uid).data


def name(uid):
    return transfer_syntax(uid).keyword


WRITTEN = [uid for uid in GUARDED if can_encode(uid, GREY)]


@pytest.mark.parametrize("uid", WRITTEN, ids=name)
@pytest.mark.parametrize("description", [GREY, COLOUR], ids=["grey", "colour"])
def test_what_is_right_passes_as_it_is(uid, description):
    data = stream(uid, description)
    assert check(data, description, uid) == data
    padded = data + bytes(len(data) % 2)
    assert check(padded, description, uid) == padded


@pytest.mark.parametrize("uid", [uid for uid in WRITTEN if uid != RLE_LOSSLESS], ids=name)
@pytest.mark.parametrize(
    "change", [{"rows": 41}, {"columns": 29}, {"rows": 65_535, "columns": 65_535}], ids=["rows", "columns", "huge"]
)
def test_another_size_is_refused(uid, change):
    with pytest.raises(DamagedPixels, match=r"rows|above the limit"):
        check(stream(uid), replace(GREY, **change), uid)


@pytest.mark.parametrize(
    "uid", [uid for uid in WRITTEN if uid.startswith("1.2.840.10008.1.2.4") and "XL" not in name(uid)], ids=name
)
def test_another_number_of_samples_is_refused(uid):
    with pytest.raises(DamagedPixels, match="1 samples per pixel; the object says 40, 30 and 3"):
        check(stream(uid), COLOUR, uid)


@pytest.mark.parametrize("uid", [uid for uid in WRITTEN if "XL" in name(uid)], ids=name)
def test_another_number_of_samples_of_jpeg_xl_is_found_when_it_is_decoded(uid):
    with pytest.raises(DamagedPixels, match=r"was decoded|1 samples"):
        decode(stream(uid), COLOUR, uid)


@pytest.mark.parametrize("uid", [JPEG_LOSSLESS_SV1, JPEG_2000_LOSSLESS, JPEG_XL_LOSSLESS], ids=name)
def test_more_bits_than_are_allocated_are_refused(uid):
    twelve = replace(GREY, bits_allocated=16, bits_stored=12, high_bit=11)
    with pytest.raises(DamagedPixels, match="has 12 bits; the object has 8 allocated"):
        check(stream(uid, twelve), GREY, uid)


@pytest.mark.parametrize("uid", WRITTEN, ids=name)
def test_no_beginning_of_a_stream_hangs_or_crashes(uid):
    data = stream(uid)
    for size in (*range(0, min(len(data), 700), 7), *range(0, len(data), max(1, len(data) // 40))):
        try:
            decoded = decode(data[:size], GREY, uid)
        except DamagedPixels:
            continue
        assert decoded.shape == GREY.shape


CUT = [
    uid
    for uid in WRITTEN
    if uid not in {JPEG_LS_LOSSLESS, UID("1.2.840.10008.1.2.4.81"), RLE_LOSSLESS} and "XL" not in name(uid)
]


@pytest.mark.parametrize("uid", CUT, ids=name)
def test_a_stream_without_its_end_is_refused(uid):
    data = stream(uid)
    with pytest.raises(DamagedPixels, match="cut off"):
        check(data[: len(data) - 3], GREY, uid)


def test_jpeg_ls_gets_its_end_back():
    data = stream(JPEG_LS_LOSSLESS)
    assert data.endswith(b"\xff\xd9")
    assert check(data[:-2], GREY, JPEG_LS_LOSSLESS) == data
    assert np.array_equal(decode(data[:-2], GREY, JPEG_LS_LOSSLESS), image(GREY))


def test_zeros_behind_the_end_do_not_matter():
    for uid in (JPEG_BASELINE, JPEG_2000_LOSSLESS):
        data = stream(uid) + bytes(5)
        assert np.array_equal(decode(data, GREY, uid), decode(data[:-5], GREY, uid))


def replaced(data, old, new):
    assert data.count(old) >= 1
    return data.replace(old, new, 1)


def test_a_jpeg_coded_by_another_process_is_refused():
    data = stream(JPEG_BASELINE)
    for process in (0xC5, 0xC9, 0xCB, 0xCF):
        with pytest.raises(DamagedPixels, match=f"process ff{process:02x}"):
            check(replaced(data, b"\xff\xc0", bytes((0xFF, process))), GREY, JPEG_BASELINE)


def test_a_jpeg_with_two_frame_headers_is_refused():
    data = stream(JPEG_BASELINE)
    at = data.index(b"\xff\xc0")
    frame = data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
    with pytest.raises(DamagedPixels, match="two frame headers"):
        check(replaced(data, frame, frame + frame), GREY, JPEG_BASELINE)


def test_a_jpeg_with_more_scans_than_components_is_refused():
    data = stream(JPEG_BASELINE)
    scan = data[data.index(b"\xff\xda") : -2]
    with pytest.raises(DamagedPixels, match="has 2 scans for 1 components"):
        check(data[:-2] + scan + b"\xff\xd9", GREY, JPEG_BASELINE)


def test_a_jpeg_ls_under_another_name_is_refused():
    with pytest.raises(DamagedPixels, match="process fff7"):
        check(stream(JPEG_LS_LOSSLESS), GREY, JPEG_LOSSLESS_SV1)
    with pytest.raises(DamagedPixels, match="process ffc3, not by JPEG-LS"):
        check(stream(JPEG_LOSSLESS_SV1), GREY, JPEG_LS_LOSSLESS)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no JPEG"),
        (b"\xff\xd8", "no marker at byte 2"),
        (b"\xff\xd8\xff", "ends at byte 3"),
        (b"\xff\xd8\xff\xd9", "before any scan"),
        (b"\xff\xd8\xff\xe0\x00\x10JF", "breaks off in marker ffe0"),
        (b"\xff\xd8\xff\xe0\x00\x01", "breaks off in marker ffe0"),
        (b"\xff\xd8\xff\xda\x00\x02", "a scan before its frame header"),
        (b"\xff\xd8\xff\xc0\x00\x05\x08\x00\x01", "frame header is cut off"),
        (b"\xff\xd8\xff\xc0\x00\x08\x08\x00\x01\x00\x01\x09", "frame header is cut off"),
    ],
)
def test_a_jpeg_header_that_breaks_off_is_refused(data, says):
    with pytest.raises(DamagedPixels, match=says):
        read_jpeg(data)


def test_fill_bytes_and_lone_markers_are_passed_over():
    data = stream(JPEG_BASELINE)
    plain = read_jpeg(data)
    filled = replace(plain, coded_data_at=plain.coded_data_at + 4)
    assert read_jpeg(b"\xff\xd8\xff\xff\xff\x01" + data[2:]) == filled


def siz(**changes):
    """Return a JPEG 2000 stream whose SIZ was changed."""
    fields = {
        "length": 41, "capabilities": 0, "right": 30, "bottom": 40, "left": 0, "top": 0, "tile_columns": 30,
        "tile_rows": 40, "tile_left": 0, "tile_top": 0, "components": 1,
    }  # fmt: skip
    data = stream(JPEG_2000_LOSSLESS)
    packed = struct.pack(">HHLLLLLLLLH", *fields.values())
    assert data[4 : 4 + len(packed)] == packed
    return data[:4] + struct.pack(">HHLLLLLLLLH", *{**fields, **changes}.values()) + data[4 + len(packed) :]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"right": 2**31, "bottom": 2**31}, "2147483648 rows"),
        ({"tile_columns": 0}, "tiles do not cover"),
        ({"left": 30}, "image is empty"),
        ({"tile_left": 5}, "tiles do not cover"),
        ({"tile_columns": 1, "tile_rows": 1}, "1200 tiles"),
        ({"components": 16_384}, "fewer components than it counts"),
        ({"left": 2**20, "right": 2**20 + 30, "tile_columns": 2**21}, "too far from the origin"),
        ({"left": 40, "right": 70, "tile_columns": 40}, "first tile of the JPEG 2000 image is empty"),
    ],
)
def test_a_jpeg_2000_size_that_would_cost_is_refused(changes, says):
    with pytest.raises(DamagedPixels, match=says):
        check(siz(**changes), GREY, JPEG_2000_LOSSLESS)


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [(2, b"\xff\xff", "65535 layers"), (2, b"\0\0", "0 layers"), (5, b"\x21", "33 levels")],
)
def test_jpeg_2000_coding_that_would_cost_is_refused(at, value, says):
    data = stream(JPEG_2000_LOSSLESS)
    start = data.index(b"\xff\x52") + 4
    with pytest.raises(DamagedPixels, match=says):
        check(data[: start + at] + value + data[start + at + len(value) :], GREY, JPEG_2000_LOSSLESS)


def test_precincts_without_number_are_refused():
    large = replace(GREY, rows=1100, columns=1100)
    data = stream(JPEG_2000_LOSSLESS, large)
    at = data.index(b"\xff\x52")
    levels = data[at + 9]
    cod = data[at + 4 : at + 14]
    tiny = (
        b"\xff\x52"
        + struct.pack(">H", 2 + len(cod) + levels + 1)
        + bytes((cod[0] | 1,))
        + cod[1:]
        + bytes(levels + 1)
    )
    with pytest.raises(DamagedPixels, match="precincts"):
        check(data[:at] + tiny + data[at + 14 :], large, JPEG_2000_LOSSLESS)
    short = b"\xff\x52" + struct.pack(">H", 2 + len(cod)) + bytes((cod[0] | 1,)) + cod[1:]
    with pytest.raises(DamagedPixels, match="levels and lists 0 precincts"):
        check(data[:at] + short + data[at + 14 :], large, JPEG_2000_LOSSLESS)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\x4f\xff\x52", "no JPEG 2000"),
        (b"\xff\x4f\xff\x51\x00\x04ab", "breaks off"),
        (b"\xff\x4f\xff\x51\x00\x29ab", "makes no sense at byte 2"),
        (b"\xff\x4f\xff\x51\x00\x04ab\x00\x00\x00\x02", "makes no sense at byte 8"),
        (b"\xff\x4f\xff\x51\x00\x04ab\xff\x90\x00\x0a", "one SIZ and one COD"),
    ],
)
def test_a_jpeg_2000_header_that_breaks_off_is_refused(data, says):
    with pytest.raises(DamagedPixels, match=says):
        read_jpeg_2000(data)


LARGE = replace(GREY, rows=1100, columns=1100)
DIVIDED = struct.pack(">BBBBB", 5, 4, 4, 0, 1) + b"\x22" * 6
"""Five levels, precincts of four by four samples."""


def large_jpeg_2000(*, before_tile=b"", in_tile=b""):
    """Return a large image with more segments in its main header, or in that of its only tile-part."""
    data = stream(JPEG_2000_LOSSLESS, LARGE)
    tile, start = data.index(b"\xff\x90"), data.index(b"\xff\x93")
    length = struct.pack(">L", int.from_bytes(data[tile + 6 : tile + 10], "big") + len(in_tile))
    head = data[:tile] + before_tile + data[tile : tile + 6] + length + data[tile + 10 : start]
    return head + in_tile + data[start:]


def segment(marker, content):
    return struct.pack(">HH", marker, 2 + len(content)) + content


COC, COD = segment(0xFF53, b"\0\1" + DIVIDED), segment(0xFF52, b"\1\0\0\1\0" + DIVIDED)


@pytest.mark.parametrize("where", [{"before_tile": COC}, {"in_tile": COC}, {"in_tile": COD}])
def test_precincts_of_a_component_or_tile_of_its_own_are_counted(where):
    check(large_jpeg_2000(), LARGE, JPEG_2000_LOSSLESS)
    with pytest.raises(DamagedPixels, match=r"has 1 layers and \d+ precincts"):
        check(large_jpeg_2000(**where), LARGE, JPEG_2000_LOSSLESS)


def test_a_tile_coded_in_a_way_of_its_own_is_decoded():
    data = large_jpeg_2000()
    at = data.index(b"\xff\x52")
    same = data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
    assert np.array_equal(decode(large_jpeg_2000(in_tile=same), LARGE, JPEG_2000_LOSSLESS), image(LARGE))


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (12, "shorter than its header"),
        (13, "shorter than its header"),
        (100, "stands at byte"),
        (2**32 - 1, "cut off"),
    ],
)
def test_tile_parts_follow_each_other(length, says):
    data = stream(JPEG_2000_LOSSLESS)
    at = data.index(b"\xff\x90") + 6
    with pytest.raises(DamagedPixels, match=says):
        check(data[:at] + struct.pack(">L", length) + data[at + 4 :] + bytes(64), GREY, JPEG_2000_LOSSLESS)


def test_the_last_tile_part_may_reach_to_the_end():
    data = stream(JPEG_2000_LOSSLESS)
    at = data.index(b"\xff\x90") + 6
    assert np.array_equal(decode(data[:at] + bytes(4) + data[at + 4 :], GREY, JPEG_2000_LOSSLESS), image(GREY))


@pytest.mark.parametrize("size", [5, 11])
def test_a_tile_part_that_breaks_off_is_refused(size):
    data = stream(JPEG_2000_LOSSLESS)
    with pytest.raises(DamagedPixels, match="breaks off"):
        check(data[: data.index(b"\xff\x90") + size], GREY, JPEG_2000_LOSSLESS)


def test_a_coding_style_that_is_cut_off_is_refused():
    with pytest.raises(DamagedPixels, match="coding style that is cut off"):
        check(large_jpeg_2000(before_tile=segment(0xFF53, b"\0\1\5")), LARGE, JPEG_2000_LOSSLESS)


def box(kind, content, *, is_long=False):
    if is_long:
        return struct.pack(">L4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">L4s", 8 + len(content), kind) + content


@pytest.mark.parametrize("is_long", [False, True])
def test_a_jp2_file_is_unwrapped(is_long):
    data = stream(JPEG_2000_LOSSLESS)
    file = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 " * 3) + box(b"jp2c", data, is_long=is_long)
    assert jpeg_2000_codestream(file) == data
    assert np.array_equal(decode(file, GREY, JPEG_2000_LOSSLESS), image(GREY))


@pytest.mark.parametrize("rest", [b"", b"\0\0\0\x04free", b"\0\0\0\x00free1234", b"\xff\xff\xff\xfffree"])
def test_a_jp2_file_without_a_codestream_is_refused(rest):
    with pytest.raises(DamagedPixels, match="no codestream"):
        jpeg_2000_codestream(box(b"jP  ", b"\r\n\x87\n") + rest)


def test_the_last_box_of_a_jp2_file_may_reach_to_its_end():
    data = stream(JPEG_2000_LOSSLESS)
    assert jpeg_2000_codestream(box(b"jP  ", b"\r\n\x87\n") + b"\0\0\0\0jp2c" + data) == data


def test_high_throughput_is_told_from_the_header():
    assert not read_jpeg_2000(stream(JPEG_2000_LOSSLESS)).is_high_throughput
    assert read_jpeg_2000(stream(HTJ2K_LOSSLESS)).is_high_throughput


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (40, 30), (256, 248), (257, 512), (3000, 4000), (1, 1000)])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("samples", [1, 3])
def test_the_size_of_a_jpeg_xl_is_read(shape, bits, samples):
    if shape[0] * shape[1] > 1_000_000 and (bits, samples) != (8, 1):
        return
    colour = "RGB" if samples == 3 else "MONOCHROME2"
    description = PixelDescription(
        *shape, samples, 8 if bits == 8 else 16, bits, bits - 1, photometric_interpretation=colour
    )
    array = np.zeros(description.shape, description.dtype)
    header = read_jpeg_xl(encode(array, description, JPEG_XL_LOSSLESS).data)
    assert (header.rows, header.columns, header.precision) == (*shape, bits)
    assert header.is_plain
    assert not header.is_float


def test_a_jpeg_xl_in_its_container_is_read():
    recompressed = stream(UID("1.2.840.10008.1.2.4.111"))
    assert recompressed.startswith(b"\0\0\0\x0cJXL ")
    header = read_jpeg_xl(recompressed)
    assert (header.rows, header.columns) == (40, 30)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x0cjxlcabcd"]
)
def test_a_jpeg_xl_header_that_breaks_off_is_refused(data):
    with pytest.raises(DamagedPixels, match=r"JPEG XL"):
        read_jpeg_xl(data)


@pytest.mark.parametrize(
    ("count", "offsets", "says"),
    [
        (2, (64, 70), "has 2 segments; the pixels have 1 bytes"),
        (0, (), "has 0 segments"),
        (1, (65,), "do not follow"),
    ],
)
def test_an_rle_header_that_cannot_be_right_is_refused(count, offsets, says):
    header = struct.pack("<16L", count, *offsets, *[0] * (15 - len(offsets)))
    with pytest.raises(DamagedPixels, match=says):
        check(header + bytes(40), GREY, RLE_LOSSLESS)


def test_segments_of_rle_lie_within_the_stream_one_after_the_other():
    for offsets in ((64, 60, 70), (64, 70, 2**32 - 1)):
        header = struct.pack("<16L", 3, *offsets, *[0] * 12)
        with pytest.raises(DamagedPixels, match="do not follow"):
            check(header + bytes(40), COLOUR, RLE_LOSSLESS)


def test_an_rle_stream_shorter_than_its_header_is_refused():
    with pytest.raises(DamagedPixels, match="takes 64 bytes; there are 63"):
        check(bytes(63), GREY, RLE_LOSSLESS)


def test_an_rle_segment_that_holds_less_is_refused():
    header = struct.pack("<16L", 1, 64, *[0] * 14)
    with pytest.raises(DamagedPixels, match="segment 1 of the RLE frame has 128 of 1200 bytes"):
        decode(header + b"\x81\x07", GREY, RLE_LOSSLESS)


def test_an_rle_segment_that_unpacks_to_more_than_a_frame_is_not_unpacked():
    header = struct.pack("<16L", 1, 64, *[0] * 14)
    with pytest.raises(DamagedPixels, match="RLE Lossless"):
        decode(header + b"\x81\x07" * 1_000_000, GREY, RLE_LOSSLESS)


@pytest.mark.parametrize("padding", [b"", b"\0", b"\0\0", b"\0" * 64, b"\x80"])
def test_padding_of_rle_segments_does_not_matter(padding):
    data = stream(RLE_LOSSLESS)
    assert np.array_equal(decode(data + padding, GREY, RLE_LOSSLESS), image(GREY))


def test_deflated_frames_inflate_to_what_they_should_and_no_more():
    uid = UID("1.2.840.10008.1.2.8.1")
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bomb.compress(bytes(50_000_000)) + bomb.flush()
    assert np.array_equal(decode(data, GREY, uid), np.zeros(GREY.shape))
    for broken in (b"\xff\xff", stream(uid)[:20]):
        with pytest.raises(DamagedPixels, match=r"not deflated|are left"):
            decode(broken, GREY, uid)


def test_limits_are_those_of_whoever_asks():
    check(bytes(1200), GREY, EXPLICIT_VR_LITTLE_ENDIAN, Limits(max_frame_bytes=1200))
    with pytest.raises(DamagedPixels, match="1200 bytes is above the limit of 1199"):
        check(bytes(1200), GREY, EXPLICIT_VR_LITTLE_ENDIAN, Limits(max_frame_bytes=1199))
