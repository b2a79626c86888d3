"""What is proved of a compressed object before its original goes."""

from dataclasses import replace

import numpy as np
import pytest

from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.proof import prove_close, prove_exact
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import JPEG_2000, JPEG_LOSSLESS_SV1, RLE_LOSSLESS
from calotype.errors import DamagedPixels, Unsupported
from support.transcoding import PIXELS, converted, data_set

EXACT = {"8 bits, odd", "12 bits", "16 bits, signed", "single bits", "palette", "RGB", "RGB by plane", "YBR_FULL_422"}


def view(data):
    return memoryview(data)


@pytest.mark.parametrize("pixels", sorted(EXACT))
def test_the_same_pixels_are_the_same_in_every_layout(pixels):
    data = data_set(PIXELS[pixels], 2)
    prove_exact(view(data), EXPLICIT, view(converted(data, EXPLICIT, RLE_LOSSLESS)), RLE_LOSSLESS)


def test_one_pixel_that_differs_is_found_in_whichever_frame():
    data = data_set(PIXELS["16 bits"], 3)
    other = bytearray(data)
    other[data.rindex(b"\xe0\x7f\x10\x00") + 12 + 2 * 960 + 5] ^= 1
    made = converted(bytes(other), EXPLICIT, JPEG_LOSSLESS_SV1)
    with pytest.raises(DamagedPixels, match="frame 3 does not come out"):
        prove_exact(view(data), EXPLICIT, view(made), JPEG_LOSSLESS_SV1)


def test_a_frame_that_is_missing_is_found():
    data = data_set(PIXELS["16 bits"], 3)
    made = converted(data_set(PIXELS["16 bits"], 2), EXPLICIT, RLE_LOSSLESS)
    with pytest.raises(DamagedPixels, match="of 3 frames, 2 are there"):
        prove_exact(view(data), EXPLICIT, view(made), RLE_LOSSLESS)


def test_an_object_without_pixels_proves_nothing():
    data = data_set(PIXELS["16 bits"])
    bare = data[: data.rindex(b"\xe0\x7f\x10\x00")]
    with pytest.raises(Unsupported, match="no pixels"):
        prove_exact(view(bare), EXPLICIT, view(data), EXPLICIT)


def test_loss_is_told_from_another_picture():
    description = replace(PIXELS["16 bits"], rows=64, columns=64)
    data = data_set(description)
    made = converted(data, EXPLICIT, JPEG_2000, lossy=EncodeOptions(psnr_db=45))
    prove_close(view(data), EXPLICIT, view(made), JPEG_2000)
    upside_down = np.frombuffer(data[-14 - 8192 : -14], "u2")[::-1].tobytes()
    other = converted(data_set(description, PixelData=upside_down), EXPLICIT, JPEG_2000, lossy=EncodeOptions())
    with pytest.raises(DamagedPixels, match="another picture"):
        prove_close(view(data), EXPLICIT, view(other), JPEG_2000)
