"""What codecs return becomes stored values: signs extended, overshoot clamped, stray bits masked."""

import numpy as np
import pytest

from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.stored import signed_samples, stored_values, unsigned_samples
from calotype.errors import DamagedPixels

U12 = PixelDescription(1, 3, bits_allocated=16, bits_stored=12, high_bit=11)
S12 = PixelDescription(1, 3, bits_allocated=16, bits_stored=12, high_bit=11, is_signed=True)
CELL = PixelDescription(1, 3, bits_allocated=16, bits_stored=12, high_bit=15)


def values(numbers, description, dtype="u2", **how):
    return stored_values(np.array([numbers], dtype), description, **how).tolist()[0]


def test_values_within_bits_stored_are_kept():
    assert values([0, 5, 4095], U12, precision=12) == [0, 5, 4095]


def test_signs_are_extended():
    assert values([0, 0x7FF, 0xFFF], S12, precision=12) == [0, 2047, -1]


def test_a_codec_that_knows_signs_is_believed():
    assert values([-2048, 0, 2047], S12, "i2", precision=12, is_signed=True) == [-2048, 0, 2047]


def test_signs_where_the_object_has_none_are_the_bits_they_are():
    assert values([-1, 0, 1], U12, "i2", precision=12, is_signed=True) == [4095, 0, 1]


def test_overshoot_of_coding_with_loss_is_clamped():
    assert values([4096, 4200, 4095], U12, precision=16, is_lossy=True) == [4095, 4095, 4095]
    assert values([-3000, 0, 3000], S12, "i2", precision=16, is_signed=True, is_lossy=True) == [-2048, 0, 2047]


def test_bits_beyond_the_stored_ones_are_masked_without_loss():
    assert values([0x1005, 0xF000, 0x0FFF], U12, precision=16) == [5, 0, 0xFFF]


def test_stored_bits_that_stand_high_in_a_cell_coded_whole_are_found():
    assert values([0x0050, 0xFFF0, 0], CELL, precision=16) == [5, 0xFFF, 0]
    assert values([5, 0xFFF, 0], CELL, precision=12) == [5, 0xFFF, 0]


def test_a_third_axis_of_one_is_no_colour():
    assert stored_values(np.zeros((1, 3, 1), "u2"), U12, precision=12).shape == (1, 3)


@pytest.mark.parametrize("wrong", [np.zeros((3, 1), "u2"), np.zeros((1, 3, 3), "u2"), np.zeros((1, 3), "f4")])
def test_other_shapes_and_types_are_damage(wrong):
    with pytest.raises(DamagedPixels, match="was decoded"):
        stored_values(wrong, U12, precision=12)


def test_samples_go_to_codecs_masked_or_signed_in_the_smallest_type():
    array = np.array([[-1, 5, -2048]], "i2")
    assert unsigned_samples(array, S12).tolist() == [[0xFFF, 5, 0x800]]
    byte = PixelDescription(1, 3, bits_allocated=16, bits_stored=8, high_bit=7, is_signed=True)
    assert signed_samples(np.array([[-1, 5, -128]], "i2"), byte).dtype == np.int8
    assert unsigned_samples(np.array([[-1, 5, -128]], "i2"), byte).tolist() == [[255, 5, 128]]
