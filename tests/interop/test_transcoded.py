"""Transcoded objects before foreign judges: DCMTK and GDCM decode the same pixels, dciodvfy finds nothing new."""

import io

import numpy as np
import pydicom
import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.plans import can_become, why_not
from calotype.dicom.pixels.transcode import Offsets, convert
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import (
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS_SV1,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
)
from calotype.errors import DamagedPixels, Unsupported
from support import dcmtk
from support.bundled import named, objects
from support.pixels import frames_of
from support.transcoding import PIXELS, data_set

pytestmark = pytest.mark.interop

DEFLATED_FRAMES = UID("1.2.840.10008.1.2.8.1")
DECODERS = {
    JPEG_LOSSLESS_SV1: ("dcmdjpeg", "+cn"),
    JPEG_LS_LOSSLESS: ("dcmdjpls",),
    RLE_LOSSLESS: ("dcmdrle",),
}
GDCM_READS = (JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS, RLE_LOSSLESS, JPEG_2000_LOSSLESS)
NAMES = (
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_small_odd.dcm",
    "examples_palette.dcm",
    "examples_ybr_color.dcm",
    "examples_jpeg2k.dcm",
)


def written(path, data, stored, to, **how):
    """Convert a data set into a file; return what becomes of its pixels."""
    with convert(data, stored, to, **how) as new:
        instance = getattr(new, "sop_instance", None) or UID(pydicom.dcmread(_file(data, stored)).SOPInstanceUID)
        sop_class = UID(pydicom.dcmread(_file(data, stored)).SOPClassUID)
        path.write_bytes(write_file_meta(sop_class, instance, to) + b"".join(new.chunks()))
    return path


def _file(data, stored):
    return io.BytesIO(write_file_meta(UID("1.2"), UID("1.2.3"), stored) + data)


def pixels_of(path):
    return np.array(list(frames_of(path)))


DCMTK_CASES = [
    (pixels, to)
    for pixels, description in PIXELS.items()
    for to in DECODERS
    if not why_not(EXPLICIT, to, description) and (pixels, to) != ("single bits", RLE_LOSSLESS)
]
"""Every kind of pixels; DCMTK knows no single bits."""


def judged_by_dcmtk(data, stored, to, folder):
    made = written(folder / "made", data, stored, to)
    tool, *options = DECODERS[to]
    done = dcmtk.run(tool, *options, made, folder / "theirs", folder=folder)
    assert done.returncode == 0, done.stdout
    np.testing.assert_array_equal(pixels_of(folder / "theirs"), pixels_of(made))


@pytest.mark.parametrize(("pixels", "to"), DCMTK_CASES)
def test_dcmtk_decodes_the_same_pixels_of_every_kind(pixels, to, tmp_path):
    judged_by_dcmtk(data_set(PIXELS[pixels], 3), EXPLICIT, to, tmp_path)


@pytest.mark.parametrize("to", DECODERS, ids=lambda uid: uid.rpartition(".")[2])
@pytest.mark.parametrize("name", NAMES)
def test_dcmtk_decodes_the_same_pixels_of_real_objects(name, to, tmp_path):
    found = named(name)
    judged_by_dcmtk(found.data_set, UID(found.transfer_syntax), to, tmp_path)


# GDCM 3.0 crashes over odd frames in RLE, mixes up 16-bit colour in it, and knows no single bits.
NOT_FOR_GDCM = {"8 bits, odd", "RGB, 16 bits", "single bits", "32 bits"}


GDCM_CASES = [
    (pixels, to)
    for pixels, description in PIXELS.items()
    for to in GDCM_READS
    if pixels not in NOT_FOR_GDCM and not why_not(EXPLICIT, to, description)
]


@pytest.mark.parametrize(("pixels", "to"), GDCM_CASES)
def test_gdcm_decodes_the_same_pixels(pixels, to, tmp_path):
    made = written(tmp_path / "made.dcm", data_set(PIXELS[pixels]), EXPLICIT, to)
    done = dcmtk.run("gdcmconv", "--raw", made, tmp_path / "theirs.dcm", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    np.testing.assert_array_equal(pixels_of(tmp_path / "theirs.dcm"), pixels_of(made))


@pytest.mark.parametrize("offsets", Offsets)
@pytest.mark.parametrize("to", [RLE_LOSSLESS, JPEG_2000_LOSSLESS, JPEG_LS_LOSSLESS])
def test_pydicom_finds_every_frame(to, offsets, tmp_path):
    data = data_set(PIXELS["16 bits"], 4)
    made = written(tmp_path / "made", data, EXPLICIT, to, offsets=offsets)
    found = pydicom.dcmread(made)
    if to == JPEG_LS_LOSSLESS:
        # pydicom has no JPEG-LS by itself; how it cuts frames is what is asked here.
        frames = list(pydicom.encaps.generate_frames(found.PixelData, number_of_frames=4))
        assert [frame[:3] for frame in frames] == [b"\xff\xd8\xff"] * 4
        return
    np.testing.assert_array_equal(found.pixel_array, pixels_of(made))


def complaints(path, folder):
    done = dcmtk.run("dciodvfy", path, folder=folder)
    return {line for line in done.stdout.splitlines() if line.startswith("Error")}


@pytest.mark.parametrize("name", NAMES)
def test_dciodvfy_finds_no_new_error(name, tmp_path):
    found = named(name)
    stored = UID(found.transfer_syntax)
    # As it is uncompressed: dciodvfy reads no deflated objects.
    before = complaints(written(tmp_path / "before", found.data_set, stored, EXPLICIT), tmp_path)
    before |= complaints(found.path, tmp_path)
    for to in (JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, RLE_LOSSLESS):
        if can_become(stored, to):
            made = written(tmp_path / "made", found.data_set, stored, to)
            assert complaints(made, tmp_path) <= before, to


def test_dciodvfy_finds_no_new_error_in_a_lossy_object(tmp_path):
    found = named("SC_rgb_small_odd.dcm")
    made = written(
        tmp_path / "made", found.data_set, UID(found.transfer_syntax), JPEG_BASELINE, lossy=EncodeOptions()
    )
    assert complaints(made, tmp_path) <= complaints(found.path, tmp_path)
    done = dcmtk.run("dcmdjpeg", made, tmp_path / "theirs", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    difference = np.abs(pixels_of(tmp_path / "theirs").astype(int) - pixels_of(found.path))
    assert difference.mean() < 12


def test_every_bundled_object_with_pixels_is_what_it_was_after_a_detour():
    seen = 0
    for each in objects():
        stored = UID(each.transfer_syntax)
        if len(each.data_set) > 700_000 or not each.meta_agrees:
            continue
        for detour in (RLE_LOSSLESS, DEFLATED_FRAMES):
            try:
                with convert(each.data_set, stored, detour) as new:
                    there = b"".join(new.chunks())
            except (Unsupported, DamagedPixels):
                # Without pixels, in float, or damaged on purpose.
                continue
            sop_class, instance = UID(each.sop_class), UID(each.sop_instance)
            file = io.BytesIO(write_file_meta(sop_class, instance, detour) + there)
            np.testing.assert_array_equal(np.array(list(frames_of(file))), pixels_of(each.path), each.path.name)
            seen += 1
    assert seen > 60
