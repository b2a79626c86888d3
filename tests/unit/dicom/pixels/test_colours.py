"""Palettes and colour spaces, held against numbers worked out by hand and against pydicom."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_color_lut, convert_color_space
from pydicom.uid import ExplicitVRLittleEndian

from calotype.dicom.datasets import Element
from calotype.dicom.pixels.attributes import Attributes
from calotype.dicom.pixels.colour import to_rgb
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.palette import expand_segments, has_palette, is_supplemental, palette_of
from calotype.errors import DamagedPixels, Unsupported


def colour(photometric, bits=8, **how):
    allocated = 8 if bits <= 8 else 16
    return PixelDescription(2, 2, 3, allocated, bits, bits - 1, photometric_interpretation=photometric, **how)


def with_palette(tables, *, first=0, bits=16, segmented=False):
    """The three tables as elements, and the same for pydicom."""
    judge = Dataset()
    judge.file_meta = FileMetaDataset()
    judge.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    judge.PhotometricInterpretation, judge.PixelRepresentation = "PALETTE COLOR", 0
    elements = []
    for place, (entries, data) in enumerate(tables):
        data_tag = (0x00281221 if segmented else 0x00281201) + place
        elements += [
            Element(0x00281101 + place, "US", struct.pack("<HhH", entries, first, bits)),
            Element(data_tag, "OW", data),
        ]
        judge.add_new(0x00281101 + place, "US", [entries, first, bits])
        judge.add_new(data_tag, "OW", data)
    return Attributes(elements), judge


def ramp(entries, step):
    return np.arange(entries, dtype="<u2") * step


@pytest.mark.parametrize("first", [0, 10])
def test_a_palette_gives_the_colours_that_pydicom_gives(first):
    tables = [(256, ramp(256, step).tobytes()) for step in (257, 100, 3)]
    whole, judge = with_palette(tables, first=first)
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)

    seen = palette_of(whole, is_signed=False).apply(values)

    assert np.array_equal(seen, apply_color_lut(values, judge) >> 8)


def test_entries_of_8_bits_are_read_packed_and_in_words():
    packed, _ = with_palette([(4, bytes((1, 2, 3, 4)))] * 3, bits=8)
    words, _ = with_palette([(4, struct.pack("<4H", 1, 2, 3, 4))] * 3, bits=8)
    lying, _ = with_palette([(4, struct.pack("<4H", 1, 2, 3, 4))] * 3, bits=16)

    for whole in (packed, words, lying):
        assert palette_of(whole, is_signed=False).apply(np.array([0, 3, 9])).tolist() == [[1] * 3, [4] * 3, [4] * 3]


SEGMENTS = struct.pack(
    "<14H",
    0, 2, 0, 1000,  # two entries as they are
    1, 4, 9000,  # a line of four up to 9000
    0, 1, 65535,  # one more
    2, 2, 0, 0,  # the first two segments again
)  # fmt: skip


def test_a_segmented_palette_is_expanded_as_pydicom_expands_it():
    whole, judge = with_palette([(13, SEGMENTS)] * 3, segmented=True)
    values = np.arange(13, dtype=np.uint8)

    seen = palette_of(whole, is_signed=False).apply(values)

    assert np.array_equal(seen, apply_color_lut(values, judge) >> 8)
    expanded = np.frombuffer(expand_segments(SEGMENTS, 13, 16), "<u2").tolist()
    assert expanded == [0, 1000, 3000, 5000, 7000, 9000, 65535, 0, 1000, 3000, 5000, 7000, 9000]


@pytest.mark.parametrize(
    "segments",
    [
        struct.pack("<3H", 0, 2, 5),  # cut off
        struct.pack("<3H", 1, 2, 5),  # a line from nowhere
        struct.pack("<4H", 7, 1, 0, 0),  # of no kind
        struct.pack("<4H", 2, 1, 0, 0),  # refers to itself
        struct.pack("<4H", 0, 1, 5, 0),  # ends within a segment
        struct.pack("<3H", 0, 0, 0) * 30_000 + b"\0\0",  # nothing, for ever
        struct.pack("<23H", 0, 20, *range(21)),  # more than it says
    ],
)
def test_segments_that_make_no_sense_are_damaged(segments):
    with pytest.raises(DamagedPixels):
        expand_segments(segments, 16, 16)


def test_a_palette_without_its_tables_is_damaged():
    whole, _ = with_palette([(4, b"")] * 3)

    with pytest.raises(DamagedPixels, match="PALETTE"):
        palette_of(whole, is_signed=False)


def test_a_supplemental_palette_colours_what_is_in_it():
    whole, _ = with_palette([(2, struct.pack("<2H", 65535, 0)), (2, bytes(4)), (2, bytes(4))], first=100)
    values, grey = np.array([99, 100, 101], np.uint16), np.array([7, 8, 9], np.uint8)

    assert has_palette(whole)
    assert not is_supplemental(whole)
    assert is_supplemental(Attributes([*whole.elements(), Element(0x00089205, "CS", b"MIXED ")]))
    assert palette_of(whole, is_signed=False).supplement(values, grey).tolist() == [[7] * 3, [255, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("name", ["YBR_FULL", "YBR_FULL_422"])
def test_full_range_ybr_becomes_the_rgb_that_pydicom_makes(name):
    values = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)

    seen = to_rgb(values, colour(name)).astype(int)

    assert np.abs(seen - convert_color_space(values, "YBR_FULL", "RGB")).max() <= 1


@pytest.mark.parametrize(
    ("name", "ybr", "rgb"),
    [
        ("YBR_FULL", (76, 85, 255), (254, 0, 0)),
        ("YBR_PARTIAL_420", (16, 128, 128), (0, 0, 0)),
        ("YBR_PARTIAL_422", (235, 128, 128), (255, 255, 255)),
        ("YBR_PARTIAL_420", (81, 90, 240), (254, 0, 0)),
        ("YBR_RCT", (1, 2, 3), (1, 2, 3)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
    ],
)
def test_known_colours_come_out(name, ybr, rgb):
    assert to_rgb(np.array([[ybr]], np.uint8), colour(name))[0, 0] == pytest.approx(rgb, abs=1)


def test_other_depths_fill_8_bits():
    assert to_rgb(np.array([[[65535, 256, 0]]], np.uint16), colour("RGB", 16)).tolist() == [[[255, 1, 0]]]
    assert to_rgb(np.array([[[15, 7, 0]]], np.uint8), colour("RGB", 4)).tolist() == [[[255, 119, 0]]]


def test_retired_spaces_of_four_samples_are_read():
    four = PixelDescription(1, 1, 4, 8, 8, 7, photometric_interpretation="CMYK")
    argb = PixelDescription(1, 1, 4, 8, 8, 7, photometric_interpretation="ARGB")

    assert to_rgb(np.array([[[0, 255, 255, 0]]], np.uint8), four).tolist() == [[[255, 0, 0]]]
    assert to_rgb(np.array([[[9, 1, 2, 3]]], np.uint8), argb).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("description", [colour("HSV"), colour("XYZ"), colour("RGB", is_signed=True)])
def test_colours_that_nobody_knows_are_refused(description):
    with pytest.raises(Unsupported):
        to_rgb(np.zeros((1, 1, 3), np.uint8), description)
