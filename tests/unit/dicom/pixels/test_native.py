"""Uncompressed frames are read and written exactly, whatever their cells look like."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.pixels import native
from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.errors import DamagedPixels, Unsupported
from support.pixels import image

DESCRIPTIONS = [
    PixelDescription(5, 3, 1, allocated, stored, high, signed)
    for allocated, stored, high in [
        (1, 1, 0),
        (8, 8, 7),
        (8, 5, 4),
        (16, 12, 11),
        (16, 12, 15),
        (16, 16, 15),
        (32, 24, 23),
        (64, 64, 63),
    ]
    for signed in (False, True)
    if allocated < 64 and not (allocated == 1 and signed)
]


@pytest.mark.parametrize(
    "description",
    DESCRIPTIONS,
    ids=lambda each: f"{each.bits_stored} of {each.bits_allocated} {each.dtype} {each.high_bit}",
)
def test_stored_values_come_back(description):
    array = image(description)
    data = native.encode(array, description)
    assert len(data) == description.frame_bytes
    decoded = native.decode(data, description)
    assert (decoded.dtype, decoded.shape) == (np.dtype(description.dtype), description.shape)
    assert np.array_equal(decoded, array)
    assert not native.has_bits_outside(data, description)


def test_signed_values_fill_their_cells():
    description = PixelDescription(1, 2, bits_allocated=16, bits_stored=12, high_bit=11, is_signed=True)
    assert native.encode(np.array([[-1, 5]], "i2"), description) == b"\xff\xff\x05\x00"


def test_signed_values_are_read_with_their_cells_filled_or_not():
    description = PixelDescription(1, 2, bits_allocated=16, bits_stored=12, high_bit=11, is_signed=True)
    assert native.decode(b"\xff\xff\xff\x0f", description).tolist() == [[-1, -1]]
    assert not native.has_bits_outside(b"\xff\xff\xff\x0f", description)


@pytest.mark.parametrize("is_signed", [False, True])
def test_bits_outside_the_stored_ones_are_no_values_and_are_told(is_signed):
    description = PixelDescription(1, 2, bits_allocated=16, bits_stored=12, high_bit=11, is_signed=is_signed)
    data = b"\x05\x10\x06\x00"
    assert native.decode(data, description).tolist() == [[5, 6]]
    assert native.has_bits_outside(data, description)


@given(st.binary(min_size=30, max_size=30), st.integers(2, 16), st.integers(0, 14), st.booleans())
def test_what_has_no_bits_outside_is_written_as_it_was_read(data, stored, above, is_signed):
    high = min(15, stored - 1 + above)
    description = PixelDescription(3, 5, 1, 16, stored, high, is_signed)
    values = native.decode(data, description)
    assert np.array_equal(native.decode(native.encode(values, description), description), values)
    if not native.has_bits_outside(data, description) and not is_signed:
        assert native.encode(values, description) == data


def test_colour_by_plane_and_by_pixel_is_the_same_picture():
    by_pixel = PixelDescription(2, 3, 3, 8, 8, 7, photometric_interpretation="RGB")
    by_plane = PixelDescription(2, 3, 3, 8, 8, 7, photometric_interpretation="RGB", planar_configuration=1)
    array = image(by_pixel)
    assert native.encode(array, by_plane) == array.transpose(2, 0, 1).tobytes()
    assert np.array_equal(native.decode(native.encode(array, by_plane), by_plane), array)


def test_subsampled_colour_is_made_whole():
    description = PixelDescription(1, 4, 3, 8, 8, 7, photometric_interpretation="YBR_FULL_422")
    decoded = native.decode(bytes([1, 2, 90, 91, 3, 4, 92, 93]), description)
    assert decoded.tolist() == [[[1, 90, 91], [2, 90, 91], [3, 92, 93], [4, 92, 93]]]


def test_subsampled_colour_that_comes_whole_is_read_as_it_is():
    description = PixelDescription(1, 2, 3, 8, 8, 7, photometric_interpretation="YBR_FULL_422")
    assert native.decode(bytes(range(6)), description).tolist() == [[[0, 1, 2], [3, 4, 5]]]


def test_subsampled_colour_has_pairs_of_pixels():
    description = PixelDescription(2, 3, 3, 8, 8, 7, photometric_interpretation="YBR_FULL_422")
    with pytest.raises(DamagedPixels, match="pairs of pixels, not 3"):
        native.decode(bytes(13), description)


def test_subsampled_colour_is_not_written():
    description = PixelDescription(1, 2, 3, 8, 8, 7, photometric_interpretation="YBR_FULL_422")
    with pytest.raises(Unsupported, match="YBR_FULL is"):
        native.encode(np.zeros((1, 2, 3), "u1"), description)


@pytest.mark.parametrize("kind", [PixelKind.FLOAT, PixelKind.DOUBLE])
def test_floats_keep_every_bit(kind):
    bits = 32 if kind is PixelKind.FLOAT else 64
    description = PixelDescription(1, 4, 1, bits, bits, bits - 1, is_signed=True, kind=kind)
    data = np.array([[np.nan, -0.0, np.inf, 1.5]], description.dtype).tobytes()
    assert native.encode(native.decode(data, description), description) == data
    assert not native.has_bits_outside(data, description)


def test_a_short_frame_is_damaged():
    with pytest.raises(DamagedPixels, match="a frame takes 30 bytes; 29 are left"):
        native.decode(bytes(29), PixelDescription(3, 5))
