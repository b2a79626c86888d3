"""Objects in another transfer syntax: what is said of them, what is refused, what is kept."""

from __future__ import annotations

import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs, native
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.transcode import Offsets, Transcoded, transcode
from calotype.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN as BIG_ENDIAN
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN as IMPLICIT
from calotype.dicom.uids import (
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS_SV1,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
)
from calotype.errors import DamagedPixels, InvalidRequest, Unsupported
from support.transcoding import GREY, PIXELS, bytes_of, converted, data_set, elements_of, frames_in, read

NEAR_LOSSLESS = UID("1.2.840.10008.1.2.4.81")
HTJ2K_LOSSY = UID("1.2.840.10008.1.2.4.203")


@pytest.mark.parametrize("source", [IMPLICIT, BIG_ENDIAN, DEFLATED])
def test_other_uncompressed_forms_are_compressed_as_if_they_were_explicit(source):
    data = data_set(PIXELS["12 bits"], 3)
    straight = converted(data, EXPLICIT, JPEG_LOSSLESS_SV1)
    other = converted(converted(data, EXPLICIT, source), source, JPEG_LOSSLESS_SV1)
    as_read, expected = read(other, JPEG_LOSSLESS_SV1), read(straight, JPEG_LOSSLESS_SV1)
    assert as_read.PixelData == expected.PixelData
    assert as_read == expected or source == IMPLICIT


def test_a_new_layout_of_the_header_is_that_of_reencode():
    data = data_set(PIXELS["16 bits"], 2)
    compressed = converted(data, EXPLICIT, JPEG_LOSSLESS_SV1)
    for target in (IMPLICIT, BIG_ENDIAN, EXPLICIT):
        assert converted(compressed, JPEG_LOSSLESS_SV1, target) == (
            data if target == EXPLICIT else converted(data, EXPLICIT, target)
        )


# What is said of the pixels


@pytest.mark.parametrize(
    ("pixels", "to", "expected"),
    [
        ("RGB by plane", JPEG_LS_LOSSLESS, ("RGB", 0)),
        ("RGB by plane", RLE_LOSSLESS, ("RGB", 0)),
        ("RGB", JPEG_2000_LOSSLESS, ("YBR_RCT", 0)),
        ("YBR_FULL", JPEG_2000_LOSSLESS, ("YBR_FULL", 0)),
        ("YBR_FULL_422", JPEG_LOSSLESS_SV1, ("YBR_FULL", 0)),
    ],
)
def test_colour_and_planes_are_said_as_they_are_now(pixels, to, expected):
    made = read(converted(data_set(PIXELS[pixels]), EXPLICIT, to), to)
    assert (made.PhotometricInterpretation, made.PlanarConfiguration) == expected


def test_pixels_that_lost_something_before_say_so_when_their_syntax_does_not_any_more():
    rgb = data_set(PIXELS["RGB"])
    lossy = converted(rgb, EXPLICIT, JPEG_BASELINE, lossy=EncodeOptions())
    file = read(lossy, JPEG_BASELINE)
    del file.LossyImageCompression
    decoded = read(converted(bytes_of(file), JPEG_BASELINE, EXPLICIT), EXPLICIT)
    assert (decoded.PhotometricInterpretation, decoded.LossyImageCompression) == ("RGB", "01")


# Loss


def test_loss_is_refused_unless_it_is_asked_for():
    with pytest.raises(Unsupported, match="loses, which was not asked for"):
        transcode(data_set(PIXELS["RGB"]), EXPLICIT, JPEG_BASELINE)


@pytest.mark.parametrize("stored", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_a_lossy_object_is_another_one_that_says_where_it_comes_from(stored):
    data = (
        converted(data_set(PIXELS["16 bits"], 2), EXPLICIT, stored)
        if stored != EXPLICIT
        else data_set(PIXELS["16 bits"], 2)
    )
    with transcode(data, stored, NEAR_LOSSLESS, lossy=EncodeOptions(near=2)) as new:
        made = b"".join(new.chunks())
        uid = new.sop_instance
    old, lossy = read(data, stored), read(made, NEAR_LOSSLESS)
    assert uid == lossy.SOPInstanceUID
    assert uid.startswith("2.25.")
    assert uid != old.SOPInstanceUID
    assert list(lossy.ImageType) == ["DERIVED", "PRIMARY", "AXIAL"]
    assert lossy.LossyImageCompression == "01"
    assert lossy.LossyImageCompressionMethod == "ISO_14495_1"
    compressed_bytes = sum(len(get_frame(lossy.PixelData, each, number_of_frames=2)) for each in range(2))
    assert float(lossy.LossyImageCompressionRatio) == pytest.approx(len(old.PixelData) / compressed_bytes, rel=0.02)
    assert "JPEG-LS" in lossy.DerivationDescription
    [source] = lossy.SourceImageSequence
    assert (source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID) == (old.SOPClassUID, old.SOPInstanceUID)
    assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121320"
    assert lossy.DerivationCodeSequence[0].CodeValue == "113040"
    for was, now in zip(frames_in(data, stored), frames_in(made, NEAR_LOSSLESS), strict=True):
        assert 0 < np.abs(was.astype(int) - now).max() <= 2


def test_what_was_lost_before_is_told_before():
    data = data_set(
        PIXELS["RGB"],
        LossyImageCompression="01",
        LossyImageCompressionRatio=12.5,
        LossyImageCompressionMethod="ISO_15444_1",
        DerivationDescription="Cropped",
        SourceImageSequence=[Dataset()],
    )
    made = read(converted(data, EXPLICIT, JPEG_BASELINE, lossy=EncodeOptions()), JPEG_BASELINE)
    assert list(made.LossyImageCompressionMethod) == ["ISO_15444_1", "ISO_10918_1"]
    assert made.LossyImageCompressionRatio[0] == 12.5
    assert made.DerivationDescription.startswith("Cropped; Lossy compression: JPEG Baseline")
    assert len(made.SourceImageSequence) == 2


def test_the_same_loss_makes_the_same_object():
    data = data_set(PIXELS["RGB"])
    made = [
        read(converted(data, EXPLICIT, JPEG_BASELINE, lossy=EncodeOptions(jpeg_quality=quality)), JPEG_BASELINE)
        for quality in (90, 90, 80)
    ]
    assert made[0].SOPInstanceUID == made[1].SOPInstanceUID != made[2].SOPInstanceUID


@pytest.mark.parametrize(
    ("pixels", "elements", "reason"),
    [
        ("16 bits, signed", {}, "signed"),
        ("palette", {}, "palette"),
    ],
)
def test_loss_is_refused_where_it_would_change_more_than_it_says(pixels, elements, reason):
    with pytest.raises(Unsupported, match=reason):
        transcode(data_set(PIXELS[pixels], **elements), EXPLICIT, NEAR_LOSSLESS, lossy=EncodeOptions())


def padded(rim, picture, *, padding, limit=None):
    """An image of 16 bits below a rim of one value."""
    frame = np.full((20, 24), rim, "u2")
    frame[8:] = picture
    elements = {"PixelPaddingValue": padding} | ({} if limit is None else {"PixelPaddingRangeLimit": limit})
    return data_set(PIXELS["16 bits"], PixelData=frame.tobytes(), **elements)


def test_near_lossless_is_allowed_where_padding_stays_padding():
    picture = np.arange(1000, 1000 + 12 * 24, dtype="u2").reshape(12, 24)
    data = padded(0, picture, padding=0)
    made = frames_in(converted(data, EXPLICIT, NEAR_LOSSLESS, lossy=EncodeOptions(near=2)), NEAR_LOSSLESS)[0]
    np.testing.assert_array_equal(made == 0, frames_in(data, EXPLICIT)[0] == 0)
    beside = padded(0, (picture % 3 + 1).astype("u2"), padding=0)
    with pytest.raises(Unsupported, match="padding of other pixels"):
        transcode(beside, EXPLICIT, NEAR_LOSSLESS, lossy=EncodeOptions(near=5))


@pytest.mark.parametrize("to", [JPEG_2000, HTJ2K_LOSSY])
def test_other_loss_is_allowed_where_nothing_is_padding_nor_becomes_it(to):
    picture = np.full((12, 24), 1500, "u2")
    allowed = padded(1000, picture, padding=0)
    assert converted(allowed, EXPLICIT, to, lossy=EncodeOptions(psnr_db=60))
    with pytest.raises(Unsupported, match="pixels of padding"):
        transcode(padded(0, picture, padding=0), EXPLICIT, to, lossy=EncodeOptions(psnr_db=60))
    with pytest.raises(Unsupported, match="look like padding"):
        transcode(padded(1000, picture, padding=1001, limit=1499), EXPLICIT, to, lossy=EncodeOptions(psnr_db=60))


def test_a_range_of_padding_holds_all_its_values():
    picture = np.full((12, 24), 1500, "u2")
    with pytest.raises(Unsupported, match="pixels of padding"):
        transcode(padded(20, picture, padding=0, limit=30), EXPLICIT, JPEG_2000, lossy=EncodeOptions())


# Tables of offsets


@pytest.mark.parametrize("offsets", Offsets)
def test_frames_are_found_by_the_table_that_was_asked_for(offsets):
    data = data_set(PIXELS["8 bits, odd"], 5)
    made = read(converted(data, EXPLICIT, RLE_LOSSLESS, offsets=offsets), RLE_LOSSLESS)
    table = int.from_bytes(made.PixelData[4:8], "little")
    assert table == (20 if offsets is Offsets.BASIC else 0)
    assert ("ExtendedOffsetTable" in made) == (offsets is Offsets.EXTENDED)
    frames = frames_in(data, EXPLICIT)
    extended = (made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths) if offsets is Offsets.EXTENDED else None
    for number in range(5):
        frame = get_frame(made.PixelData, number, number_of_frames=5, extended_offsets=extended)
        found = codecs.decode(frame, PIXELS["8 bits, odd"], RLE_LOSSLESS)
        np.testing.assert_array_equal(found, frames[number])


def test_tables_of_the_source_are_not_taken_along():
    made = converted(data_set(PIXELS["16 bits"], 2), EXPLICIT, RLE_LOSSLESS, offsets=Offsets.EXTENDED)
    again = read(converted(made, RLE_LOSSLESS, JPEG_LS_LOSSLESS), JPEG_LS_LOSSLESS)
    assert "ExtendedOffsetTable" not in again
    assert "ExtendedOffsetTableLengths" not in again


# What stands beside the pixels


def overlaid(count):
    description = PIXELS["12 bits"]
    file = read(data_set(description, count), EXPLICIT)
    cells = np.frombuffer(file.PixelData, "<u2").reshape(-1, 20, 24).copy()
    marks = np.random.default_rng(5).integers(0, 2, cells.shape).astype("<u2")
    file.PixelData = (cells | marks << 14).tobytes()
    file.add_new(0x60000010, "US", 20)
    file.add_new(0x60000011, "US", 24)
    file.add_new(0x60000040, "CS", "G")
    file.add_new(0x60000050, "SS", [1, 1])
    file.add_new(0x60000100, "US", 16)
    file.add_new(0x60000102, "US", 14)
    return bytes_of(file), cells, marks


@pytest.mark.parametrize("count", [1, 3])
def test_an_overlay_in_unused_bits_is_moved_to_where_overlays_are_kept(count):
    data, cells, marks = overlaid(count)
    made = read(converted(data, EXPLICIT, JPEG_LOSSLESS_SV1), JPEG_LOSSLESS_SV1)
    assert (made[0x60000100].value, made[0x60000102].value) == (1, 0)
    bits = np.unpackbits(np.frombuffer(made[0x60003000].value, "u1"), bitorder="little")[: marks.size]
    np.testing.assert_array_equal(bits.reshape(marks.shape), marks)
    assert (made.get((0x6000, 0x0015)) is not None) == (count > 1)
    found = frames_in(converted(data, EXPLICIT, JPEG_LOSSLESS_SV1), JPEG_LOSSLESS_SV1)
    np.testing.assert_array_equal(np.array(found), cells)


def test_an_overlay_in_unused_bits_of_another_size_is_not_lost():
    file = read(overlaid(1)[0], EXPLICIT)
    file[0x60000010].value = 10
    with pytest.raises(Unsupported, match="it would be lost"):
        transcode(bytes_of(file), EXPLICIT, JPEG_LOSSLESS_SV1)


def test_padding_outside_of_the_stored_bits_is_not_lost():
    file = read(data_set(PIXELS["12 bits"], PixelPaddingValue=0xF830), EXPLICIT)
    assert frames_in(converted(bytes_of(file), EXPLICIT, JPEG_LOSSLESS_SV1), JPEG_LOSSLESS_SV1)
    file.PixelData = b"\x30\xf8" + file.PixelData[2:]
    with pytest.raises(Unsupported, match="padding lies outside the bits stored"):
        transcode(bytes_of(file), EXPLICIT, JPEG_LOSSLESS_SV1)


def with_icon(*, in_fragments):
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation, icon.Rows, icon.Columns = 1, "MONOCHROME2", 2, 2
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    pixels = bytes((1, 2, 3, 4))
    if in_fragments:
        small = PixelDescription(2, 2, bits_allocated=8, bits_stored=8, high_bit=7)
        frame = codecs.encode(native.decode(pixels, small), small, RLE_LOSSLESS).data
        icon.PixelData = encapsulate([frame])
        icon["PixelData"].is_undefined_length = True
    else:
        icon.PixelData = pixels
    icon["PixelData"].VR = "OB"
    file = read(converted(data_set(PIXELS["8 bits"]), EXPLICIT, RLE_LOSSLESS), RLE_LOSSLESS)
    file.IconImageSequence = [icon]
    return bytes_of(file)


@pytest.mark.parametrize("to", [EXPLICIT, IMPLICIT, JPEG_LS_LOSSLESS])
@pytest.mark.parametrize("in_fragments", [True, False])
def test_an_icon_can_still_be_read(in_fragments, to):
    made = read(converted(with_icon(in_fragments=in_fragments), RLE_LOSSLESS, to), to)
    assert made.IconImageSequence[0].PixelData == bytes((1, 2, 3, 4))
    assert made.IconImageSequence[0].Rows == 2


def test_fragments_in_other_sequences_are_refused():
    file = read(with_icon(in_fragments=True), RLE_LOSSLESS)
    file.SourceImageSequence = file.IconImageSequence
    del file.IconImageSequence
    with pytest.raises(Unsupported, match="a sequence that is not its icon"):
        transcode(bytes_of(file), RLE_LOSSLESS, EXPLICIT)


def test_a_group_length_of_what_changes_goes_and_others_stay():
    pieces = elements_of(data_set(PIXELS["RGB by plane"]))
    pieces |= {group << 16: struct.pack("<HH2sHL", group, 0, b"UL", 4, 1) for group in (0x0008, 0x0028, 0x7FE0)}
    data = b"".join(piece for _, piece in sorted(pieces.items()))
    made = elements_of(converted(data, EXPLICIT, JPEG_LS_LOSSLESS))
    assert {tag for tag in made if not tag & 0xFFFF} == {0x00080000}


# What is refused


def test_without_pixels_there_is_nothing_to_compress_but_something_to_relabel():
    file = read(data_set(PIXELS["16 bits"]), EXPLICIT)
    del file.PixelData
    data = bytes_of(file)
    with pytest.raises(Unsupported, match="no pixels in it"):
        transcode(data, EXPLICIT, JPEG_LS_LOSSLESS)
    assert converted(data, JPEG_LS_LOSSLESS, EXPLICIT) == data
    assert converted(data, JPEG_LS_LOSSLESS, IMPLICIT) == converted(data, EXPLICIT, IMPLICIT)


def test_pixels_that_are_not_compressed_as_the_object_claims_are_read_as_they_are():
    data = data_set(PIXELS["16 bits"])
    assert converted(data, JPEG_LOSSLESS_SV1, EXPLICIT) == data


def test_fragments_under_an_uncompressed_label_are_refused():
    made = converted(data_set(PIXELS["16 bits"]), EXPLICIT, RLE_LOSSLESS)
    with pytest.raises(Unsupported, match="does not say of what"):
        transcode(made, EXPLICIT, JPEG_LS_LOSSLESS)


@pytest.mark.parametrize("kind", ["FloatPixelData", "DoubleFloatPixelData"])
def test_float_pixels_stay_uncompressed(kind):
    bits = 32 if kind == "FloatPixelData" else 64
    file = read(data_set(PIXELS["16 bits"]), EXPLICIT)
    del file.PixelData
    file.BitsAllocated = bits
    setattr(file, kind, bytes(20 * 24 * bits // 8))
    with pytest.raises(Unsupported, match=r"is not written of (float|double) pixels"):
        transcode(bytes_of(file), EXPLICIT, RLE_LOSSLESS)


@pytest.mark.parametrize("claimed", [1, 5])
def test_frames_that_are_not_as_many_as_claimed_are_refused(claimed):
    file = read(data_set(PIXELS["16 bits"], 3), EXPLICIT)
    file.NumberOfFrames = claimed
    with pytest.raises(DamagedPixels):
        transcode(bytes_of(file), EXPLICIT, RLE_LOSSLESS)


def test_a_damaged_first_frame_is_told_at_once_and_a_later_one_in_its_turn():
    file = read(converted(data_set(PIXELS["16 bits"], 3), EXPLICIT, JPEG_LS_LOSSLESS), JPEG_LS_LOSSLESS)
    frames = [get_frame(file.PixelData, number, number_of_frames=3) for number in range(3)]
    file.PixelData = encapsulate([b"\xff\xd8" + bytes(40), *frames[1:]])
    with pytest.raises(DamagedPixels):
        transcode(bytes_of(file), JPEG_LS_LOSSLESS, EXPLICIT)
    file.PixelData = encapsulate([*frames[:2], b"\xff\xd8" + bytes(40)])
    with transcode(bytes_of(file), JPEG_LS_LOSSLESS, EXPLICIT) as new, pytest.raises(DamagedPixels):
        b"".join(new.chunks())


@pytest.mark.parametrize("stored", [EXPLICIT, DEFLATED, JPEG_LS_LOSSLESS])
def test_a_truncated_object_is_no_object(stored):
    data = data_set(PIXELS["16 bits"])
    whole = data if stored == EXPLICIT else converted(data, EXPLICIT, stored)
    for end in (3, 100, len(whole) // 2, len(whole) - 20):
        with pytest.raises(InvalidRequest):
            transcode(whole[:end], stored, RLE_LOSSLESS)


# Big objects


def test_memory_is_flat_however_many_frames_there_are():
    description = replace(GREY, rows=256, columns=256, number_of_frames=400)
    head = read(data_set(replace(GREY, rows=256, columns=256), 2), EXPLICIT)
    frame = head.PixelData[: 2 * 256 * 256]
    head.NumberOfFrames = 400
    head.PixelData = frame * 400
    data = bytes_of(head)
    assert len(data) > 50_000_000
    tracemalloc.start()
    try:
        with transcode(data, EXPLICIT, RLE_LOSSLESS) as new:
            size = sum(map(len, new.chunks()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(new, Transcoded)
    assert size > description.number_of_frames
    assert peak < 8_000_000
