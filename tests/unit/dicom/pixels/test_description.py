"""What a header says of pixels is read as devices write it, and what makes no sense is refused in words."""

import pytest

from calotype.dicom.pixels.description import (
    DOUBLE_FLOAT_PIXEL_DATA,
    FLOAT_PIXEL_DATA,
    MAX_FRAMES,
    PixelDescription,
    PixelKind,
    described,
)
from calotype.errors import DamagedPixels, Unsupported


def us(number):
    return number.to_bytes(2, "little")


CT = {
    0x00280002: us(1),
    0x00280004: b"MONOCHROME2 ",
    0x00280010: us(512),
    0x00280011: us(256),
    0x00280100: us(16),
    0x00280101: us(12),
    0x00280102: us(11),
    0x00280103: us(1),
}


def test_a_ct_is_described():
    expected = PixelDescription(
        512, 256, bits_allocated=16, bits_stored=12, high_bit=11, is_signed=True, number_of_frames=1
    )
    assert described(CT) == expected
    assert (expected.shape, expected.dtype, expected.frame_bytes) == ((512, 256), "int16", 2 * 512 * 256)


def test_what_devices_leave_out_is_filled_in_where_one_thing_only_can_be_meant():
    least = {0x00280010: us(2), 0x00280011: us(3), 0x00280100: us(8)}
    assert described(least) == PixelDescription(2, 3, 1, 8, 8, 7)
    assert described({**least, 0x00280002: us(3)}).photometric_interpretation == "RGB"


def test_a_planar_configuration_means_nothing_of_one_sample():
    assert described({**CT, 0x00280006: us(1)}).planar_configuration == 0


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        (b"12", 12),
        (b"+3 ", 3),
        (b"", 1),
        (b"0 ", 1),
        (b"-4", 1),
        (b"two ", 1),
        (b"\xb2 ", 1),
        (b"9" * 12, MAX_FRAMES),
    ],
)
def test_number_of_frames_is_read_with_leniency_and_a_bound(text, frames):
    assert described({**CT, 0x00280008: text}).number_of_frames == frames


@pytest.mark.parametrize(
    ("tag", "kind", "bits"), [(FLOAT_PIXEL_DATA, "float", 32), (DOUBLE_FLOAT_PIXEL_DATA, "double", 64)]
)
def test_float_pixels_have_all_their_bits(tag, kind, bits):
    values = {0x00280010: us(2), 0x00280011: us(2), 0x00280100: us(bits)}
    found = described(values, tag)
    assert (found.kind, found.bits_stored, found.dtype) == (PixelKind(kind), bits, f"float{bits}")


def test_subsampled_colour_takes_two_thirds_of_the_room():
    found = described(
        {
            **CT,
            0x00280002: us(3),
            0x00280004: b"YBR_FULL_422",
            0x00280100: us(8),
            0x00280101: us(8),
            0x00280102: us(7),
        }
    )
    assert (found.is_subsampled, found.frame_bytes, found.samples) == (True, 2 * 512 * 256, 3 * 512 * 256)


def test_a_frame_of_single_bits_takes_no_whole_byte_each():
    found = PixelDescription(3, 5, bits_allocated=1, bits_stored=1, high_bit=0)
    assert (found.frame_bits, found.frame_bytes, found.dtype) == (15, 2, "uint8")


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({0x00280010: us(0)}, DamagedPixels, "0 rows and 256 columns"),
        ({0x00280011: b""}, DamagedPixels, "512 rows and 0 columns"),
        ({0x00280002: us(5)}, DamagedPixels, "Samples per Pixel is 5"),
        ({0x00280002: us(0)}, DamagedPixels, "Samples per Pixel is 0"),
        ({0x00280100: us(12)}, Unsupported, "Bits Allocated is 12"),
        ({0x00280100: b""}, Unsupported, "Bits Allocated is 0"),
        ({0x00280101: us(17)}, DamagedPixels, "more than the 16 allocated"),
        ({0x00280102: us(16)}, DamagedPixels, "High Bit is 16"),
        ({0x00280102: us(10)}, DamagedPixels, "High Bit is 10"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, error, says):
    with pytest.raises(error, match=says):
        described({**CT, **changes})


def test_float_pixels_of_other_bits_are_refused():
    with pytest.raises(DamagedPixels, match="float pixels have 32"):
        described(CT, FLOAT_PIXEL_DATA)
