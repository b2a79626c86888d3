"""What we encode is read by others as what it was, and what others encode is read by us.

DCMTK and GDCM judge what they can; HTJ2K is judged by OpenJPEG's own binding, JPEG XL by libjxl's ``djxl``. For
Deflated Image Frame Compression and Encapsulated Uncompressed nobody could be found: the conformance statement says.
"""

from io import BytesIO

import numpy as np
import openjpeg
import pytest
from PIL import Image
from pydicom.pixels import pixel_array

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codecs import CODECS, Fidelity, can_encode, decode, encode
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.uids import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS_SV1,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
    transfer_syntax,
)
from support import dcmtk
from support.pixels import encoded_file, file_of, image, opened

pytestmark = pytest.mark.interop

EXTENDED, LOSSLESS_57 = UID("1.2.840.10008.1.2.4.51"), UID("1.2.840.10008.1.2.4.57")
NEAR = UID("1.2.840.10008.1.2.4.81")
HTJ2K = [UID(f"1.2.840.10008.1.2.4.{number}") for number in (201, 202, 203)]
JPEG_XL = [UID(f"1.2.840.10008.1.2.4.{number}") for number in (110, 112)]
RECOMPRESSED = UID("1.2.840.10008.1.2.4.111")


def grey(allocated, stored, *, is_signed=False, rows=37, columns=50):
    return PixelDescription(rows, columns, 1, allocated, stored, stored - 1, is_signed)


def colour(stored, interpretation="RGB", rows=36, columns=50):
    allocated = 8 if stored == 8 else 16
    return PixelDescription(
        rows, columns, 3, allocated, stored, stored - 1, photometric_interpretation=interpretation
    )


TYPES = [
    grey(8, 8),
    grey(16, 10),
    grey(16, 12),
    grey(16, 16),
    grey(16, 12, is_signed=True),
    grey(16, 16, is_signed=True),
    grey(8, 8, rows=1, columns=1),
    grey(16, 12, rows=5, columns=3),
    colour(8),
    colour(16),
    colour(8, "YBR_FULL"),
]


def name(each):
    if isinstance(each, PixelDescription):
        sign = "signed" if each.is_signed else "unsigned"
        return f"{each.photometric_interpretation} {each.bits_stored} {sign} {each.rows}x{each.columns}"
    return transfer_syntax(each).keyword


def cases(*syntaxes, without=()):
    return [
        (uid, each)
        for uid in syntaxes
        for each in TYPES
        if can_encode(uid, each) and (uid, name(each)) not in without
    ]


def decompressed(tool, file, folder, *options):
    """Let a tool decompress a file and return the first frame of what it made, with its description."""
    folder.joinpath("in.dcm").write_bytes(file.getvalue())
    result = dcmtk.run(tool, *options, "in.dcm", "out.dcm", folder=folder)
    assert result.returncode == 0, result.stdout
    made = opened(folder / "out.dcm")
    assert not transfer_syntax(made.syntax).encapsulated
    return made.decoded(1), made.description


def check(theirs, array, description, uid):
    ours = decode(*encode_once(array, description, uid), uid)
    assert theirs.shape == ours.shape
    far = int(np.abs(theirs.astype("i8") - ours.astype("i8")).max())
    assert far <= (0 if CODECS[uid].fidelity is Fidelity.EXACT else max(2, 2 << description.bits_stored >> 8))
    if CODECS[uid].fidelity is Fidelity.EXACT:
        assert np.array_equal(theirs, array)


def encode_once(array, description, uid):
    encoded = encode(array, description, uid)
    return encoded.data, encoded.description


@pytest.mark.parametrize(
    ("uid", "description"), cases(JPEG_BASELINE, EXTENDED, LOSSLESS_57, JPEG_LOSSLESS_SV1), ids=name
)
def test_dcmtk_reads_our_jpeg(uid, description, tmp_path):
    array = image(description)
    # DCMTK makes RGB of YCbCr, here too where it was coded as it is, unless it is told not to.
    as_coded = ("+cn",) if uid in {LOSSLESS_57, JPEG_LOSSLESS_SV1} else ()
    theirs, _ = decompressed("dcmdjpeg", encoded_file(array, description, uid), tmp_path, *as_coded)
    check(theirs, array, description, uid)


@pytest.mark.parametrize(("uid", "description"), cases(JPEG_LS_LOSSLESS, NEAR), ids=name)
def test_dcmtk_reads_our_jpeg_ls(uid, description, tmp_path):
    array = image(description)
    theirs, _ = decompressed("dcmdjpls", encoded_file(array, description, uid), tmp_path)
    check(theirs, array, description, uid)


@pytest.mark.parametrize(("uid", "description"), cases(RLE_LOSSLESS), ids=name)
def test_dcmtk_reads_our_rle(uid, description, tmp_path):
    array = image(description)
    theirs, _ = decompressed("dcmdrle", encoded_file(array, description, uid), tmp_path)
    check(theirs, array, description, uid)


GDCM_CANNOT = {
    (RLE_LOSSLESS, "RGB 16 unsigned 36x50"),
    (JPEG_2000_LOSSLESS, "MONOCHROME2 8 unsigned 1x1"),
    (JPEG_2000, "MONOCHROME2 8 unsigned 1x1"),
}
"""RLE of 16-bit colour is read wrongly by GDCM."""


@pytest.mark.parametrize(
    ("uid", "description"),
    cases(
        LOSSLESS_57,
        JPEG_LOSSLESS_SV1,
        JPEG_LS_LOSSLESS,
        NEAR,
        JPEG_2000_LOSSLESS,
        JPEG_2000,
        RLE_LOSSLESS,
        without=GDCM_CANNOT,
    ),
    ids=name,
)
def test_gdcm_reads_what_we_write(uid, description, tmp_path):
    array = image(description)
    theirs, _ = decompressed("gdcmconv", encoded_file(array, description, uid), tmp_path, "--raw")
    check(theirs, array, description, uid)


@pytest.mark.parametrize(("uid", "description"), cases(JPEG_2000_LOSSLESS, JPEG_2000, *HTJ2K), ids=name)
def test_openjpeg_reads_our_jpeg_2000(uid, description):
    array = image(description)
    data = encode(array, description, uid).data
    theirs = openjpeg.decode(BytesIO(data), j2k_format=0)
    check(theirs.astype(description.dtype), array, description, uid)


@pytest.mark.parametrize(
    ("uid", "description"), cases(EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, RLE_LOSSLESS), ids=name
)
def test_pydicom_reads_what_needs_no_codec(uid, description):
    array = image(description)
    theirs = pixel_array(encoded_file(array, description, uid), raw=True)
    assert np.array_equal(theirs, array)


@pytest.mark.parametrize(("uid", "description"), cases(*JPEG_XL), ids=name)
def test_djxl_reads_our_jpeg_xl(uid, description, tmp_path):
    array = image(description)
    folder = tmp_path
    folder.joinpath("in.jxl").write_bytes(encode(array, description, uid).data)
    depth = 8 if description.bits_stored <= 8 else 16
    result = dcmtk.run("djxl", "in.jxl", "out.png", "--bits_per_sample", depth, folder=folder)
    assert result.returncode == 0, result.stdout
    with Image.open(folder / "out.png") as picture:
        if description.samples_per_pixel == 3 and depth == 16:
            # The library that reads PNG for us has 8 bits of colour only.
            assert picture.size == (description.columns, description.rows)
            return
        theirs = np.asarray(picture).astype("i8")
    if depth == 16:
        # A PNG of fewer bits than 16 is scaled to all of them.
        full = (1 << description.bits_stored) - 1
        theirs = np.rint(theirs * full / 65_535).astype("i8")
    check(theirs, array, description, uid)


@pytest.mark.parametrize("description", [grey(8, 8), colour(8)], ids=name)
def test_djxl_gives_the_jpeg_back(description, tmp_path):
    array = image(description)
    jpeg = encode(array, description, JPEG_BASELINE).data
    tmp_path.joinpath("in.jxl").write_bytes(encode(array, description, RECOMPRESSED).data)
    result = dcmtk.run("djxl", "in.jxl", "out.jpg", folder=tmp_path)
    assert result.returncode == 0, result.stdout
    assert tmp_path.joinpath("out.jpg").read_bytes() == jpeg


NEWER_THAN_DCMTK = ("DeflatedImageFrame", "JPEGXL")


@pytest.mark.parametrize(
    "uid",
    [
        uid
        for uid in CODECS
        if transfer_syntax(uid).encapsulated
        and any(can_encode(uid, each) for each in TYPES)
        and not name(uid).startswith(NEWER_THAN_DCMTK)
    ],
    ids=name,
)
def test_dcmtk_dumps_what_we_write(uid, tmp_path):
    description = next(each for each in TYPES if can_encode(uid, each))
    tmp_path.joinpath("in.dcm").write_bytes(encoded_file(image(description), description, uid).getvalue())
    result = dcmtk.run("dcmdump", "in.dcm", folder=tmp_path)
    assert result.returncode == 0, result.stdout
    assert "(7fe0,0010) OB (PixelSequence" in result.stdout


THEIRS = [
    ("dcmcjpeg", ("+el",), grey(16, 16), LOSSLESS_57, 0),
    ("dcmcjpeg", ("+el", "+sv", 7), grey(16, 12), LOSSLESS_57, 0),
    ("dcmcjpeg", ("+e1",), grey(16, 12, is_signed=True), JPEG_LOSSLESS_SV1, 0),
    ("dcmcjpeg", ("+e1", "+cn"), colour(8), JPEG_LOSSLESS_SV1, 0),
    ("dcmcjpls", (), grey(16, 12), JPEG_LS_LOSSLESS, 0),
    ("dcmcjpls", (), grey(16, 16, is_signed=True), JPEG_LS_LOSSLESS, 0),
    ("dcmcjpls", (), colour(8), JPEG_LS_LOSSLESS, 0),
    ("dcmcjpls", ("+en", "+md", 3), grey(16, 12), NEAR, 3),
    ("dcmcrle", (), grey(16, 16), RLE_LOSSLESS, 0),
    ("dcmcrle", (), colour(16), RLE_LOSSLESS, 0),
    ("gdcmconv", ("--j2k",), grey(16, 12), JPEG_2000_LOSSLESS, 0),
    ("gdcmconv", ("--j2k",), grey(16, 16, is_signed=True), JPEG_2000_LOSSLESS, 0),
    ("gdcmconv", ("--j2k",), colour(8), JPEG_2000_LOSSLESS, 0),
    ("gdcmconv", ("--jpeg",), grey(16, 12), JPEG_LOSSLESS_SV1, 0),
    ("gdcmconv", ("--jpegls",), grey(16, 12), JPEG_LS_LOSSLESS, 0),
    ("gdcmconv", ("--rle",), grey(16, 12, rows=36), RLE_LOSSLESS, 0),
]


@pytest.mark.parametrize(
    "case", THEIRS, ids=[f"{tool} {' '.join(map(str, options))} {name(each)}" for tool, options, each, _, _ in THEIRS]
)
def test_we_read_what_others_write(case, tmp_path):
    tool, options, description, uid, far = case
    array = image(description)
    tmp_path.joinpath("in.dcm").write_bytes(plain_file(array, description).getvalue())
    result = dcmtk.run(tool, *options, "in.dcm", "out.dcm", folder=tmp_path)
    assert result.returncode == 0, result.stdout
    theirs = opened(tmp_path / "out.dcm")
    assert theirs.syntax == uid
    assert theirs.decoded_description.photometric_interpretation == description.photometric_interpretation
    assert int(np.abs(theirs.decoded(1).astype("i8") - array.astype("i8")).max()) <= far


@pytest.mark.parametrize(
    ("option", "description", "uid"),
    [
        ("+eb", grey(8, 8), JPEG_BASELINE),
        ("+eb", colour(8), JPEG_BASELINE),
        ("+ee", grey(8, 8), EXTENDED),
        ("+ee", grey(16, 12), EXTENDED),
    ],
    ids=lambda each: each if isinstance(each, str) and each.startswith("+") else name(each),
)
def test_we_read_what_dcmtk_codes_with_loss_as_dcmtk_does(option, description, uid, tmp_path):
    plain = plain_file(image(description), description)
    tmp_path.joinpath("in.dcm").write_bytes(plain.getvalue())
    assert dcmtk.run("dcmcjpeg", option, "in.dcm", "coded.dcm", folder=tmp_path).returncode == 0
    ours = opened(tmp_path / "coded.dcm")
    assert ours.syntax == uid
    assert dcmtk.run("dcmdjpeg", "coded.dcm", "decoded.dcm", folder=tmp_path).returncode == 0
    theirs = opened(tmp_path / "decoded.dcm").decoded(1)
    assert int(np.abs(ours.decoded(1).astype("i8") - theirs.astype("i8")).max()) <= 1


def plain_file(array, description):
    data = encode(array, description, EXPLICIT_VR_LITTLE_ENDIAN).data
    return file_of([data], description, EXPLICIT_VR_LITTLE_ENDIAN)
