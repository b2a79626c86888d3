"""Real compressed objects of many makers, which come with pydicom: their pixels against what others made of them.

Where the same picture is there uncompressed it is the reference; elsewhere a checksum of what DCMTK, GDCM and pydicom
agreed on with us when these lines were written.
"""

import hashlib
from pathlib import Path

import numpy as np
import pydicom.data
import pytest

from calotype.dicom.pixels.frames import frame_index_from_bytes
from calotype.errors import DamagedPixels
from support.pixels import opened

FOLDER = Path(pydicom.data.__file__).parent / "test_files"

PAIRS = [
    ("MR_small_RLE.dcm", "MR_small.dcm"),
    ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
    ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
    ("MR_small_bigendian.dcm", "MR_small.dcm"),
    ("MR_small_expb.dcm", "MR_small.dcm"),
    ("MR_small_implicit.dcm", "MR_small.dcm"),
    ("MR_small_padded.dcm", "MR_small.dcm"),
    ("liver_expb_1frame.dcm", "liver_1frame.dcm"),
    ("rtdose_rle.dcm", "rtdose.dcm"),
    ("rtdose_rle_1frame.dcm", "rtdose_1frame.dcm"),
    ("SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd.dcm"),
]
"""Exactly the same pixels."""

COLOURS = [
    ("SC_rgb_dcmtk_+eb+cr.dcm", 1),
    ("SC_rgb_dcmtk_+eb+cy+n1.dcm", 3),
    ("SC_rgb_dcmtk_+eb+cy+n2.dcm", 4),
    ("SC_rgb_dcmtk_+eb+cy+np.dcm", 3),
    ("SC_rgb_dcmtk_+eb+cy+s2.dcm", 4),
    ("SC_rgb_dcmtk_+eb+cy+s4.dcm", 4),
    ("SC_rgb_jpeg_dcmtk.dcm", 4),
    ("SC_rgb_jpeg_lossy_gdcm.dcm", 4),
    ("SC_rgb_jls_lossy_line.dcm", 2),
    ("SC_rgb_jls_lossy_sample.dcm", 2),
    ("SC_rgb_gdcm_KY.dcm", 4),
]
"""The colour bars of SC_rgb_rle.dcm, coded with loss, and how far they are off in the mean."""

SUMS = [
    ("GDCMJ2K_TextGBR.dcm", 1, "bea5673fdd49313f"),
    ("J2K_pixelrep_mismatch.dcm", 1, "1296350a0006ef69"),
    ("JPEG-lossy.dcm", 1, "d30242775a414c01"),
    ("JPEGLSNearLossless_08.dcm", 1, "9eb46aa86c342094"),
    ("JPEGLSNearLossless_16.dcm", 1, "f929318278115ce9"),
    ("JPGExtended.dcm", 1, "d30242775a414c01"),
    ("MR_small_RLE.dcm", 1, "88617aaa46138fb1"),
    ("MR_small_jp2klossless.dcm", 1, "88617aaa46138fb1"),
    ("MR_small_jpeg_ls_lossless.dcm", 1, "88617aaa46138fb1"),
    ("SC_jpeg_no_color_transform.dcm", 1, "be7aa556b206ac44"),
    ("SC_jpeg_no_color_transform_2.dcm", 1, "334275c10bc60e80"),
    ("SC_rgb_dcmtk_+eb+cr.dcm", 1, "e414aaca68669516"),
    ("SC_rgb_dcmtk_+eb+cy+n1.dcm", 1, "e0b1a561989d6f71"),
    ("SC_rgb_dcmtk_+eb+cy+n2.dcm", 1, "ddb100d8f45a7fbf"),
    ("SC_rgb_dcmtk_+eb+cy+np.dcm", 1, "e0b1a561989d6f71"),
    ("SC_rgb_dcmtk_+eb+cy+s2.dcm", 1, "ddb100d8f45a7fbf"),
    ("SC_rgb_dcmtk_+eb+cy+s4.dcm", 1, "ddb100d8f45a7fbf"),
    ("SC_rgb_gdcm_KY.dcm", 1, "169e619557b12114"),
    ("SC_rgb_jls_lossy_line.dcm", 1, "bd5344c0a46bc6c0"),
    ("SC_rgb_jls_lossy_sample.dcm", 1, "bd5344c0a46bc6c0"),
    ("SC_rgb_jpeg.dcm", 1, "be7aa556b206ac44"),
    ("SC_rgb_jpeg_app14_dcmd.dcm", 1, "334275c10bc60e80"),
    ("SC_rgb_jpeg_dcmtk.dcm", 1, "ddb100d8f45a7fbf"),
    ("SC_rgb_jpeg_gdcm.dcm", 1, "169e619557b12114"),
    ("SC_rgb_jpeg_lossy_gdcm.dcm", 1, "e42f7896adb9411a"),
    ("SC_rgb_rle.dcm", 1, "169e619557b12114"),
    ("SC_rgb_rle_16bit.dcm", 1, "36de0258708d3af7"),
    ("SC_rgb_rle_16bit_2frame.dcm", 2, "d7e2338dd240b58c"),
    ("SC_rgb_rle_2frame.dcm", 2, "026dac3bc332e46b"),
    ("SC_rgb_rle_32bit.dcm", 1, "1a243c9351e3a9ae"),
    ("SC_rgb_rle_32bit_2frame.dcm", 2, "3caa80cc3032f745"),
    ("SC_rgb_small_odd_jpeg.dcm", 1, "f750a80478763f97"),
    ("examples_jpeg2k.dcm", 1, "e16892020c73095e"),
    ("examples_ybr_color.dcm", 30, "7275d2af634281c8"),
    ("rtdose_rle.dcm", 15, "e30a4288ac229022"),
    ("rtdose_rle_1frame.dcm", 1, "67f96b3373d7acf1"),
]
"""The SHA-256 of all decoded frames; left out is what floating point decodes, which machines round their way."""

ROUNDED = [("693_J2KI.dcm", -8.32, 1158.66), ("JPEG2000.dcm", 13.46, 21.09)]
"""Their mean and standard deviation instead."""


@pytest.mark.parametrize(("name", "reference"), PAIRS)
def test_the_same_pixels_in_another_syntax_are_the_same(name, reference):
    file, plain = opened(FOLDER / name), opened(FOLDER / reference)
    assert file.index.number_of_frames == plain.index.number_of_frames
    for number in range(1, file.index.number_of_frames + 1):
        assert np.array_equal(file.decoded(number), plain.decoded(number))


@pytest.mark.parametrize(("name", "far"), COLOURS)
def test_colours_are_those_of_the_picture(name, far):
    bars = opened(FOLDER / "SC_rgb_rle.dcm").decoded(1)
    file = opened(FOLDER / name)
    assert file.decoded_description.photometric_interpretation == "RGB"
    assert np.abs(file.decoded(1).astype("i4") - bars.astype("i4")).mean() < far


@pytest.mark.parametrize(("name", "frames", "checksum"), SUMS)
def test_every_frame_of_every_compressed_object_is_as_agreed(name, frames, checksum):
    file = opened(FOLDER / name)
    assert file.index.number_of_frames == frames
    decoded = [file.decoded(number) for number in range(1, frames + 1)]
    assert all(array.shape == file.description.shape for array in decoded)
    assert hashlib.sha256(b"".join(array.tobytes() for array in decoded)).hexdigest().startswith(checksum)
    assert frame_index_from_bytes(file.index.to_bytes()) == file.index


@pytest.mark.parametrize(("name", "mean", "deviation"), ROUNDED)
def test_objects_decoded_by_floating_point_are_close_to_what_was_agreed(name, mean, deviation):
    array = opened(FOLDER / name).decoded(1)
    assert abs(float(array.mean()) - mean) < 0.5
    assert abs(float(array.std()) - deviation) < 0.5


def test_a_doctored_codestream_is_refused():
    with pytest.raises(DamagedPixels, match="3722445056 columns"):
        opened(FOLDER / "JPEG2000-embedded-sequence-delimiter.dcm").decoded(1)
