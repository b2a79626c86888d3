"""Grey levels, held against numbers worked out by hand and against pydicom's own pipeline."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from calotype.dicom.datasets import Element
from calotype.dicom.pixels.attributes import Attributes, FrameAttributes
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.luts import (
    Grey,
    Rescale,
    Table,
    VoiFunction,
    Window,
    full_window,
    modality_of,
    padding_of,
    read_table,
    to_grey,
    voi_of,
)
from calotype.errors import DamagedPixels, InvalidRequest

CT = PixelDescription(4, 4, bits_stored=12, high_bit=11, is_signed=True)
CR = PixelDescription(4, 4, bits_stored=12, high_bit=11)


def ds(tag, text):
    return Element(tag, "DS", text.encode())


def lut_item(entries, first, bits, data):
    return (
        Element(0x00283002, "US", struct.pack("<3H", entries, first & 0xFFFF, bits)),
        Element(0x00283006, "OW", data),
    )


@pytest.mark.parametrize(
    ("window", "values", "seen"),
    [
        # PS3.3 C.11.2.1.2.1: width 2: below center - 1 black, above center white.
        (Window(10, 2), [8.9, 9.0, 9.5, 10.0, 10.1], [0, 0, 0.5, 1, 1]),
        # Width 1 is a threshold: y_max above center - 0.5.
        (Window(10, 1), [9.5, 9.6], [0, 1]),
        (Window(2048, 4096), [0, 4095, 2047.5], [0, 1, 0.5]),
        (Window(10, 4, VoiFunction.LINEAR_EXACT), [8, 9, 10, 12, 99], [0, 0.25, 0.5, 1, 1]),
        (Window(10, 4, VoiFunction.SIGMOID), [10, 11, -1e9], [0.5, 1 / (1 + np.exp(-1)), 0]),
    ],
)
def test_a_window_maps_as_the_standard_says(window, values, seen):
    assert window.apply(np.array(values, np.float64)) == pytest.approx(np.array(seen))


@pytest.mark.parametrize("how", [(1, 0.5, VoiFunction.LINEAR), (1, 0, VoiFunction.SIGMOID), (1, float("nan"))])
def test_a_window_without_a_sensible_width_is_refused(how):
    with pytest.raises(InvalidRequest, match="wide"):
        Window(*how)


@pytest.mark.parametrize("function", list(VoiFunction))
@pytest.mark.parametrize(("description", "low"), [(CT, -2048), (CR, 0)])
def test_every_stored_value_is_seen_as_pydicom_windows_it(function, description, low):
    values = np.arange(low, low + 4096).reshape(64, 64).astype(description.dtype)
    judge = Dataset()
    judge.WindowCenter, judge.WindowWidth, judge.VOILUTFunction = 40, 400, str(function)
    judge.RescaleSlope, judge.RescaleIntercept = 2, -1024
    judge.BitsStored, judge.PixelRepresentation, judge.PhotometricInterpretation = 12, int(low < 0), "MONOCHROME2"
    expected = apply_voi_lut(apply_modality_lut(values, judge), judge)
    shares = (expected - expected.min()) / (expected.max() - expected.min())
    grey = Grey(Rescale(2, -1024), Window(40, 400, function))

    seen = to_grey(values, grey, description)

    # pydicom scales to the range of the stored bits, so its ends are a rounding away from ours.
    assert np.abs(seen - shares * 255).max() <= 1


def test_few_pixels_are_mapped_one_by_one_to_the_same_greys():
    values = np.arange(-2048, 2048, dtype=np.int16)
    grey = Grey(Rescale(1, -10), Window(40, 400), is_inverted=True, padding=(-2048, -2000))

    one_by_one = np.concatenate([to_grey(part, grey, CT) for part in np.split(values, 16)])

    assert np.array_equal(to_grey(values, grey, CT), one_by_one)


def test_values_of_more_than_16_bits_and_floats_need_no_table():
    wide = replace(CR, bits_allocated=32, bits_stored=32, high_bit=31)

    seen = to_grey(np.array([[0, 2**31, 2**32 - 1]], np.uint32), Grey(), wide)

    assert seen.tolist() == [[0, 128, 255]]


def test_without_a_window_all_that_is_there_is_seen_and_padding_is_not():
    values = np.array([[-2000, -100, 0, 100]], np.int16)

    assert to_grey(values, Grey(padding=(-2000, -2000)), CT).tolist() == [[0, 0, 128, 255]]
    assert to_grey(values, Grey(padding=(-2000, -2000), is_inverted=True), CT).tolist() == [[0, 255, 128, 0]]


def test_pixels_of_8_bits_without_a_window_are_seen_as_they_are():
    eight = replace(CR, bits_allocated=8, bits_stored=8, high_bit=7)
    values = np.arange(10, 20, dtype=np.uint8)

    assert np.array_equal(to_grey(values, Grey(), eight), values)


def test_nothing_but_padding_is_black():
    assert to_grey(np.full((2, 2), 7, np.int16), Grey(padding=(7, 7)), CT).tolist() == [[0, 0], [0, 0]]
    assert full_window(np.array([], np.int16), Grey(), CT).center == 0.5


def test_not_a_number_is_black():
    floats = PixelDescription(1, 3, bits_allocated=32, bits_stored=32, high_bit=31, is_signed=True, kind="float")

    assert to_grey(np.array([np.nan, 0, 1], np.float32), Grey(), floats).tolist() == [0, 0, 255]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("first", [-500, 0, 100])
def test_lookup_tables_give_what_pydicom_gives(bits, first):
    data = np.linspace(0, (1 << bits) - 1, 1000).astype("<u2").tobytes()
    values = np.arange(-2048, 2048, dtype=np.int16)
    judge = Dataset()
    judge.PixelRepresentation, judge.BitsStored = 1, 12
    item = Dataset()
    item.add_new(0x00283002, "SS", [1000, first, bits])
    item.add_new(0x00283006, "US", [int(each) for each in np.frombuffer(data, "<u2")])
    judge.ModalityLUTSequence = judge.VOILUTSequence = [item]
    table = read_table(struct.pack("<HhH", 1000, first, bits), data, is_signed=True)

    assert np.array_equal(table.apply(values), apply_modality_lut(values, judge))
    if bits == 16:  # of 8 bits, pydicom's VOI LUT cannot count to 1000
        assert np.array_equal(table.apply(values), apply_voi_lut(values, judge))
    assert table.share(values)[-1] == 1


def test_tables_of_one_byte_an_entry_are_read():
    assert read_table(struct.pack("<3H", 3, 5, 8), b"\1\2\3\0").apply(np.array([0, 6, 99])).tolist() == [1, 2, 3]


def test_a_table_of_65536_entries_says_zero():
    table = read_table(struct.pack("<3H", 0, 0, 16), np.arange(65536, dtype="<u2").tobytes())

    assert table.apply(np.array([65535])).tolist() == [65535]


@pytest.mark.parametrize(("descriptor", "data"), [(struct.pack("<3H", 9, 0, 16), b"\0" * 8), (b"\1\0", b"\0\0")])
def test_a_table_shorter_than_it_says_is_damaged(descriptor, data):
    with pytest.raises(DamagedPixels):
        read_table(descriptor, data)


def test_a_table_that_uses_more_bits_than_it_claims_does_not_wrap():
    table = read_table(struct.pack("<3H", 2, 0, 8), struct.pack("<2H", 0, 4095))

    assert table.share(np.array([0, 1])).tolist() == [0, 1]


def test_what_an_object_says_is_found():
    whole = Attributes(
        [ds(0x00281052, "-1024"), ds(0x00281053, "2"), ds(0x00281050, "40\\50"), ds(0x00281051, "400\\500")]
    )

    assert modality_of(FrameAttributes(whole)) == Rescale(2, -1024)
    assert voi_of(FrameAttributes(whole), Rescale(2, -1024)) == Window(40, 400)


def test_what_a_frame_says_comes_before_what_all_frames_and_the_object_say():
    def groups(center, slope):
        voi = Element(0x00289132, "SQ", ((ds(0x00281050, center), ds(0x00281051, "10")),))
        modality = Element(0x00289145, "SQ", ((ds(0x00281052, "0"), ds(0x00281053, slope)),))
        return Attributes([voi, modality])

    whole = Attributes([ds(0x00281050, "1"), ds(0x00281051, "10"), ds(0x00281053, "7")])
    frame = FrameAttributes(whole, [groups("3", "5"), groups("2", "6")])

    assert voi_of(frame, Rescale()) == Window(3, 10)
    assert modality_of(frame) == Rescale(5, 0)
    assert voi_of(FrameAttributes(whole, [Attributes(), groups("2", "6")]), Rescale()) == Window(2, 10)
    assert voi_of(FrameAttributes(whole), Rescale()) == Window(1, 10)


def test_a_voi_table_comes_before_a_window():
    item = lut_item(2, 0, 16, struct.pack("<2H", 0, 65535))
    whole = Attributes([ds(0x00281050, "1"), ds(0x00281051, "10"), Element(0x00283010, "SQ", (item,))])

    assert isinstance(voi_of(FrameAttributes(whole), Rescale()), Table)


@pytest.mark.parametrize(
    "whole",
    [
        [],
        [ds(0x00281050, "40")],
        [ds(0x00281050, "40"), ds(0x00281051, "0")],
        [ds(0x00281050, "forty"), ds(0x00281051, "400")],
        [ds(0x00281050, "1e400"), ds(0x00281051, "400")],
    ],
)
def test_a_window_that_makes_no_sense_is_none(whole):
    assert voi_of(FrameAttributes(Attributes(whole)), Rescale()) is None


@pytest.mark.parametrize(("width", "function"), [("1", "LINEAR"), ("0.5", ""), ("1", "LINEAR_EXACT")])
def test_a_window_of_floating_point_counts_no_whole_values(width, function):
    whole = Attributes([ds(0x00281050, "0.5"), ds(0x00281051, width), Element(0x00281056, "CS", function.encode())])

    assert voi_of(FrameAttributes(whole), Rescale(), is_float=True) == Window(
        0.5, float(width), VoiFunction.LINEAR_EXACT
    )


def test_the_modality_table_of_an_angiogram_is_not_for_display():
    item = lut_item(2, 0, 16, struct.pack("<2H", 0, 65535))
    lut = Element(0x00283000, "SQ", (item,))
    angiogram = Attributes([Element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.12.1"), lut])

    assert modality_of(FrameAttributes(angiogram)) == Rescale()
    assert isinstance(modality_of(FrameAttributes(Attributes([lut]))), Table)


def test_padding_is_a_value_or_a_range_with_the_sign_of_the_pixels():
    value, limit = Element(0x00280120, "US", b"\x30\xf8"), Element(0x00280121, "US", b"\x00\xf8")

    assert padding_of(Attributes([value]), CT) == (-2000, -2000)
    assert padding_of(Attributes([value, limit]), CT) == (-2048, -2000)
    assert padding_of(Attributes([value]), CR) == (63536, 63536)
    assert padding_of(Attributes(), CT) is None
