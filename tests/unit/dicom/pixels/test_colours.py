"""Which colours a JPEG holds is told by the first rule that knows, and never by Photometric Interpretation alone."""

import imagecodecs
import numpy as np
import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codecs import decode, encode
from calotype.dicom.pixels.codestreams import JpegComponent, JpegHeader, read_jpeg
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.jpeg import holds_ycbcr
from calotype.dicom.uids import HTJ2K_LOSSLESS, JPEG_2000_LOSSLESS, JPEG_BASELINE, JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS
from support.pixels import image

PLAIN = tuple(JpegComponent(identifier, 1, 1) for identifier in (1, 2, 3))
LETTERS = tuple(JpegComponent(identifier, 1, 1) for identifier in b"RGB")
SUBSAMPLED = (JpegComponent(1, 2, 1), *PLAIN[1:])
RGB = PixelDescription(32, 48, 3, 8, 8, 7, photometric_interpretation="RGB")
EXTENDED = UID("1.2.840.10008.1.2.4.51")


def header(components=PLAIN, adobe=None, *, is_jfif=False):
    return JpegHeader(0xC0, 8, 1, 1, components, adobe, is_jfif, 0, ends=True, scans=1)


@pytest.mark.parametrize(
    ("jpeg", "said", "is_ycbcr"),
    [
        (header(adobe=1), "RGB", True),
        (header(adobe=0), "YBR_FULL_422", False),
        (header(SUBSAMPLED, adobe=0, is_jfif=True), "YBR_FULL_422", False),
        (header(adobe=2, is_jfif=True), "RGB", True),
        (header(is_jfif=True), "RGB", True),
        (header(LETTERS, is_jfif=True), "RGB", True),
        (header(LETTERS), "YBR_FULL", False),
        (header(SUBSAMPLED), "RGB", True),
        (header(), "RGB", False),
        (header(), "YBR_FULL", True),
        (header(), "YBR_FULL_422", True),
    ],
)
def test_the_first_rule_that_says_is_followed(jpeg, said, is_ycbcr):
    assert holds_ycbcr(jpeg, said) is is_ycbcr


def test_an_adobe_marker_that_is_too_short_says_nothing():
    data = bytes(imagecodecs.jpeg8_encode(image(RGB), 90, colorspace="RGB", outcolorspace="RGB"))
    assert read_jpeg(data).adobe_transform == 0
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    short = (
        data[: at + 2] + (length - 1).to_bytes(2, "big") + data[at + 4 : at + 1 + length] + data[at + 2 + length :]
    )
    assert read_jpeg(short).adobe_transform is None


def mean_error(decoded, array):
    return float(np.abs(decoded.astype("i4") - array.astype("i4")).mean())


def without(data, marker):
    at = data.index(marker)
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


@pytest.mark.parametrize("said", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("uid", [JPEG_BASELINE, EXTENDED])
def test_colour_comes_as_rgb_whatever_is_said(said, uid):
    array = image(RGB)
    description = PixelDescription(32, 48, 3, 8, 8, 7, photometric_interpretation=said)
    marked = encode(array, RGB, uid).data
    unmarked = without(marked, b"\xff\xe0")
    letters = bytes(imagecodecs.jpeg8_encode(array, 95, colorspace="RGB", outcolorspace="RGB", subsampling="444"))
    for data in (marked, unmarked, letters, without(letters, b"\xff\xee")):
        assert mean_error(decode(data, description, uid), array) < 6


def test_colour_without_any_mark_is_what_the_object_says():
    array = image(RGB)
    data = bytes(imagecodecs.jpeg8_encode(array, 95, colorspace="RGB", outcolorspace="YCBCR", subsampling="444"))
    unmarked = without(data, b"\xff\xe0")
    ybr = PixelDescription(32, 48, 3, 8, 8, 7, photometric_interpretation="YBR_FULL")
    assert mean_error(decode(unmarked, ybr, JPEG_BASELINE), array) < 4
    assert mean_error(decode(unmarked, RGB, JPEG_BASELINE), array) > 30


def test_ybr_frames_of_other_syntaxes_are_written_as_jpeg_of_the_same_colours():
    array = image(RGB).astype("f8")
    red, green, blue = array[..., 0], array[..., 1], array[..., 2]
    ybr = np.stack(
        [
            0.299 * red + 0.587 * green + 0.114 * blue,
            128 - 0.168736 * red - 0.331264 * green + 0.5 * blue,
            128 + 0.5 * red - 0.418688 * green - 0.081312 * blue,
        ],
        axis=-1,
    )
    ybr = np.clip(np.rint(ybr), 0, 255).astype("u1")
    full = PixelDescription(32, 48, 3, 8, 8, 7, photometric_interpretation="YBR_FULL")
    encoded = encode(ybr, full, JPEG_BASELINE)
    assert encoded.description.photometric_interpretation == "YBR_FULL_422"
    assert mean_error(decode(encoded.data, encoded.description, JPEG_BASELINE), array) < 6


@pytest.mark.parametrize("uid", [JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS])
def test_lossless_colours_are_those_that_went_in(uid):
    array = image(RGB)
    for colour in ("RGB", "YBR_FULL"):
        description = PixelDescription(32, 48, 3, 8, 8, 7, photometric_interpretation=colour)
        encoded = encode(array, description, uid)
        assert np.array_equal(decode(encoded.data, encoded.description, uid), array)


def test_lossless_components_called_ybr_are_not_turned_into_rgb():
    array = image(RGB)
    data = encode(array, RGB, JPEG_LOSSLESS_SV1).data
    said = PixelDescription(32, 48, 3, 8, 8, 7, photometric_interpretation="YBR_FULL_422")
    assert np.array_equal(decode(data, said, JPEG_LOSSLESS_SV1), array)
