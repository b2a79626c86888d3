"""Every pixel type through every transfer syntax: exact where the table says so, within its error where not."""

import subprocess
import sys

import numpy as np
import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs, versions
from calotype.dicom.pixels.codecs import (
    CODECS,
    EncodeOptions,
    Fidelity,
    can_decode,
    can_encode,
    decode,
    decode_reduced,
    decoded_description,
    encode,
    encoded_description,
    why_not_decode,
    why_not_encode,
)
from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.dicom.pixels.guard import Limits
from calotype.dicom.pixels.jpeg_xl import recompress_jpeg, restore_jpeg
from calotype.dicom.uids import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    HTJ2K_LOSSLESS,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS_SV1,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
    STORABLE_TRANSFER_SYNTAXES,
    transfer_syntax,
)
from calotype.errors import DamagedPixels, Unsupported
from support.pixels import image

SHAPES = [(1, 1), (5, 3), (37, 50), (64, 64)]
BITS = [(1, 1), (8, 8), (8, 5), (16, 8), (16, 10), (16, 12), (16, 15), (16, 16), (32, 24), (32, 32)]


def grey(rows, columns, allocated, stored, *, is_signed=False, colour="MONOCHROME2"):
    return PixelDescription(rows, columns, 1, allocated, stored, stored - 1, is_signed, colour)


TYPES = [
    *(grey(*shape, *bits, is_signed=signed) for shape in SHAPES for bits in BITS for signed in (False, True)),
    *(grey(*shape, *bits, colour="PALETTE COLOR") for shape in SHAPES for bits in [(8, 8), (16, 16)]),
    *(
        PixelDescription(*shape, 3, allocated, stored, stored - 1, False, colour)
        for shape in SHAPES
        for allocated, stored in [(8, 8), (16, 12), (16, 16)]
        for colour in ("RGB", "YBR_FULL")
    ),
]
TYPES = [each for each in TYPES if not (each.is_signed and each.bits_stored == 1)]
EXACT = [uid for uid, row in CODECS.items() if row.encoder and row.fidelity is Fidelity.EXACT]
LOSSY = [uid for uid, row in CODECS.items() if row.encoder and row.fidelity is Fidelity.LOSSY]

HOW_FAR = {
    "JPEGBaseline8Bit": 0.06,
    "JPEGExtended12Bit": 0.06,
    "JPEGLSNearLossless": None,
    "JPEG2000": 0.03,
    "HTJ2K": 0.03,
    "JPEGXLJPEGRecompression": 0.06,
    "JPEGXL": 0.11,
}
"""The largest error, of full scale, that our made-up pictures come back with at the default options."""


def name(uid):
    return transfer_syntax(uid).keyword


def test_every_transfer_syntax_of_stored_objects_has_a_row():
    assert tuple(CODECS) == STORABLE_TRANSFER_SYNTAXES


def test_what_is_decoded_and_written_is_what_was_promised():
    decoded = [name(uid) for uid, row in CODECS.items() if row.decoder]
    assert decoded == [
        "ImplicitVRLittleEndian",
        "ExplicitVRLittleEndian",
        "EncapsulatedUncompressedExplicitVRLittleEndian",
        "DeflatedExplicitVRLittleEndian",
        "ExplicitVRBigEndian",
        "JPEGBaseline8Bit",
        "JPEGExtended12Bit",
        "JPEGLossless",
        "JPEGLosslessSV1",
        "JPEGLSLossless",
        "JPEGLSNearLossless",
        "JPEG2000Lossless",
        "JPEG2000",
        "JPEGXLLossless",
        "JPEGXLJPEGRecompression",
        "JPEGXL",
        "HTJ2KLossless",
        "HTJ2KLosslessRPCL",
        "HTJ2K",
        "RLELossless",
        "DeflatedImageFrameCompression",
    ]
    assert [name(uid) for uid, row in CODECS.items() if row.decoder and not row.encoder] == ["ExplicitVRBigEndian"]


@pytest.mark.parametrize("uid", [uid for uid, row in CODECS.items() if not row.decoder], ids=name)
def test_what_passes_through_says_why(uid):
    description = grey(5, 3, 8, 8)
    assert not can_decode(uid, description)
    assert CODECS[uid].note in why_not_decode(uid, description)
    with pytest.raises(Unsupported, match=r"is not decoded: \w+"):
        decode(b"", description, uid)
    with pytest.raises(Unsupported, match="is not written"):
        encode(np.zeros((5, 3), "u1"), description, uid)


@pytest.mark.parametrize("uid", EXACT, ids=name)
def test_exact_syntaxes_give_every_value_back(uid):
    taken = [each for each in TYPES if can_encode(uid, each)]
    for description in taken:
        array = image(description)
        encoded = encode(array, description, uid)
        padded = encoded.data + bytes(len(encoded.data) % 2)
        decoded = decode(padded, encoded.description, uid)
        assert decoded.dtype == array.dtype, description
        assert np.array_equal(decoded, array), description
        assert decoded_description(encoded.description, uid) == description
    assert taken or not versions.has_current_codecs()


@pytest.mark.parametrize("uid", LOSSY, ids=name)
def test_lossy_syntaxes_stay_within_their_error(uid):
    # Of a few pixels a picture is all edges, and one off by anything is off by much.
    taken = [each for each in TYPES if can_encode(uid, each) and each.rows > 5]
    for description in taken:
        array = image(description, noise=1 / 64)
        encoded = encode(array, description, uid)
        assert encoded.description.is_lossy
        decoded = decode(encoded.data + bytes(len(encoded.data) % 2), encoded.description, uid)
        if (
            decoded_description(encoded.description, uid).photometric_interpretation
            != description.photometric_interpretation
        ):
            # YCbCr went in, RGB comes out: see the tests of colours.
            continue
        worst = int(np.abs(decoded.astype("i8") - array.astype("i8")).max())
        far = HOW_FAR[name(uid)]
        allowed = EncodeOptions().near if far is None else max(2, far * 2**description.bits_stored)
        assert worst <= allowed, (description, worst)
    assert taken


@pytest.mark.parametrize("uid", [*EXACT, *LOSSY], ids=name)
def test_whole_values_come_back_from_noise(uid):
    random = np.random.default_rng(3)
    for bits in (8, 12, 16):
        description = grey(33, 47, 8 if bits == 8 else 16, bits)
        if not can_encode(uid, description):
            continue
        array = random.integers(0, 1 << bits, description.shape).astype(description.dtype)
        encoded = encode(array, description, uid)
        decoded = decode(encoded.data, encoded.description, uid)
        assert int(decoded.max()) < 1 << bits
        assert CODECS[uid].fidelity is Fidelity.LOSSY or np.array_equal(decoded, array)


@pytest.mark.parametrize("uid", LOSSY, ids=name)
def test_signed_values_are_coded_with_loss_by_codecs_that_know_signs_only(uid):
    is_offered = can_encode(uid, grey(5, 3, 16, 16, is_signed=True))
    assert is_offered == (name(uid) in {"JPEG2000", "HTJ2K"})


@pytest.mark.parametrize("uid", LOSSY, ids=name)
def test_palette_indices_are_never_coded_with_loss(uid):
    assert "palette" in why_not_encode(uid, grey(5, 3, 8, 8, colour="PALETTE COLOR"))


@pytest.mark.parametrize(
    "uid", [uid for uid, row in CODECS.items() if transfer_syntax(uid).encapsulated and row.encoder], ids=name
)
def test_floats_stay_uncompressed(uid):
    floats = PixelDescription(2, 2, 1, 32, 32, 31, is_signed=True, kind=PixelKind.FLOAT)
    assert "float pixels" in why_not_encode(uid, floats)
    assert "float pixels" in why_not_decode(uid, floats)


@pytest.mark.parametrize(
    "uid", [uid for uid, row in CODECS.items() if transfer_syntax(uid).encapsulated and row.encoder], ids=name
)
def test_four_samples_stay_as_they_are(uid):
    cmyk = PixelDescription(2, 2, 4, 8, 8, 7, photometric_interpretation="CMYK")
    assert "4 samples" in why_not_encode(uid, cmyk)
    assert "4 samples" in why_not_decode(uid, cmyk)


@pytest.mark.parametrize(
    ("uid", "colour", "expected"),
    [
        (JPEG_BASELINE, "RGB", "YBR_FULL_422"),
        (JPEG_LOSSLESS_SV1, "RGB", "RGB"),
        (JPEG_LS_LOSSLESS, "YBR_FULL", "YBR_FULL"),
        (JPEG_2000_LOSSLESS, "RGB", "YBR_RCT"),
        (JPEG_2000_LOSSLESS, "YBR_FULL", "YBR_FULL"),
        (JPEG_2000, "RGB", "YBR_ICT"),
        (HTJ2K_LOSSLESS, "RGB", "YBR_RCT"),
        (RLE_LOSSLESS, "RGB", "RGB"),
        (UID("1.2.840.10008.1.2.4.112"), "RGB", "XYB"),
    ],
    ids=lambda each: name(each) or each,
)
def test_photometric_interpretation_says_how_colour_is_coded(uid, colour, expected):
    description = PixelDescription(5, 3, 3, 8, 8, 7, photometric_interpretation=colour)
    assert encoded_description(description, uid).photometric_interpretation == expected


def test_decoding_undoes_what_photometric_interpretation_says():
    def after(uid, colour):
        return decoded_description(
            PixelDescription(4, 4, 3, 8, 8, 7, photometric_interpretation=colour, planar_configuration=1), uid
        )

    assert after(JPEG_BASELINE, "YBR_FULL_422").photometric_interpretation == "RGB"
    assert after(JPEG_BASELINE, "YBR_FULL").photometric_interpretation == "RGB"
    assert after(JPEG_2000, "YBR_ICT").photometric_interpretation == "RGB"
    assert after(RLE_LOSSLESS, "YBR_FULL").photometric_interpretation == "YBR_FULL"
    assert after(EXPLICIT_VR_LITTLE_ENDIAN, "YBR_FULL_422").photometric_interpretation == "YBR_FULL"
    assert after(RLE_LOSSLESS, "RGB").planar_configuration == 0


def test_grey_of_a_colour_syntax_stays_what_it_is():
    description = grey(4, 4, 8, 8, colour="MONOCHROME1")
    assert decoded_description(description, JPEG_BASELINE) == description
    assert encoded_description(description, JPEG_2000_LOSSLESS) == description


def test_what_was_a_jpeg_is_never_white_where_it_is_least():
    """PS3.5 Table 8.2.15-1."""
    recompression = UID("1.2.840.10008.1.2.4.111")
    assert "MONOCHROME1" in why_not_encode(recompression, grey(4, 4, 8, 8, colour="MONOCHROME1"))
    assert can_encode(recompression, grey(4, 4, 8, 8))
    assert can_encode(JPEG_BASELINE, grey(4, 4, 8, 8, colour="MONOCHROME1"))


def test_precision_is_bits_stored():
    """PS3.5 8.2.3, 8.2.4: what readers take the sign bit from."""
    twelve = grey(16, 16, 16, 12)
    array = image(twelve)
    assert encode(array, twelve, JPEG_LOSSLESS_SV1).data.split(b"\xff\xc3")[1][2] == 12
    assert encode(array, twelve, JPEG_2000_LOSSLESS).data[42] == 11
    if versions.has_current_codecs():
        assert encode(array, twelve, JPEG_LS_LOSSLESS).data.split(b"\xff\xf7")[1][2] == 12
        assert encode(array, twelve, HTJ2K_LOSSLESS).data[42] == 11


def test_selection_value_is_one():
    """PS3.5 A.4.1: what .70 stands for."""
    data = encode(image(grey(16, 16, 8, 8)), grey(16, 16, 8, 8), JPEG_LOSSLESS_SV1).data
    scan = data.split(b"\xff\xda")[1]
    assert scan[2 + 1 + 2] == 1


def test_more_may_be_asked_of_encoders_with_loss():
    description = grey(64, 64, 8, 8)
    array = image(description)
    for options, uid in [
        (EncodeOptions(jpeg_quality=30), JPEG_BASELINE),
        (EncodeOptions(near=9), UID("1.2.840.10008.1.2.4.81")),
        (EncodeOptions(psnr_db=35), JPEG_2000),
        (EncodeOptions(psnr_db=35), UID("1.2.840.10008.1.2.4.203")),
        (EncodeOptions(distance=3), UID("1.2.840.10008.1.2.4.112")),
    ]:
        assert len(encode(array, description, uid, options).data) < len(encode(array, description, uid).data), name(
            uid
        )


def test_a_jpeg_packed_as_jpeg_xl_comes_out_as_it_was():
    description = PixelDescription(32, 32, 3, 8, 8, 7, photometric_interpretation="RGB")
    jpeg = encode(image(description), description, JPEG_BASELINE).data
    packed = recompress_jpeg(jpeg)
    assert restore_jpeg(packed) == jpeg
    stored = encoded_description(description, JPEG_BASELINE)
    recompressed = decode(packed, stored, UID("1.2.840.10008.1.2.4.111"))
    assert np.array_equal(recompressed, decode(jpeg, stored, JPEG_BASELINE))


def test_what_is_no_jpeg_is_not_packed_and_what_was_none_not_restored():
    with pytest.raises(DamagedPixels, match="cannot be packed"):
        recompress_jpeg(b"no jpeg")
    with pytest.raises(DamagedPixels, match="not made of a JPEG"):
        restore_jpeg(b"no jpeg")
    description = grey(16, 16, 8, 8)
    lossless = encode(image(description), description, UID("1.2.840.10008.1.2.4.110"))
    with pytest.raises(DamagedPixels, match="not made of a JPEG"):
        restore_jpeg(lossless.data)
    as_recompressed = decode(lossless.data, description, UID("1.2.840.10008.1.2.4.111"))
    assert np.array_equal(as_recompressed, image(description))


def test_high_throughput_frames_are_decoded_at_lower_resolutions():
    description = grey(65, 40, 8, 8)
    for uid in (JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS):
        encoded = encode(image(description), description, uid).data
        reduced = decode_reduced(encoded, description, uid, 2)
        assert reduced.shape in {(17, 10), (65, 40)}
        if versions.has_current_codecs():
            assert reduced.shape == (17, 10)


def test_frames_of_other_syntaxes_come_whole_where_less_is_asked():
    description = grey(65, 40, 8, 8)
    array = image(description)
    data = encode(array, description, JPEG_LS_LOSSLESS).data
    assert np.array_equal(decode_reduced(data, description, JPEG_LS_LOSSLESS, 2), array)
    with pytest.raises(DamagedPixels, match="cut off"):
        decode_reduced(encode(array, description, JPEG_2000_LOSSLESS).data[:-9], description, JPEG_2000_LOSSLESS, 2)
    with pytest.raises(Unsupported, match="not known"):
        decode_reduced(data, description, UID("1.2.3.4"), 2)


@pytest.fixture
def _older_codecs(monkeypatch):
    monkeypatch.setattr(codecs, "has_current_codecs", lambda: False)


@pytest.mark.usefixtures("_older_codecs")
def test_what_older_codecs_cannot_do_safely_is_not_offered_and_says_so():
    for keyword, taken in [("JPEGLSLossless", (8, 16)), ("HTJ2KLossless", (8, 16)), ("HTJ2KLosslessRPCL", ())]:
        uid = next(uid for uid in CODECS if name(uid) == keyword)
        for bits in (8, 12, 16):
            reason = why_not_encode(uid, grey(5, 3, 16, bits))
            assert (reason == "") == (bits in taken)
            assert not reason or "run Python 3.12 or later" in reason


@pytest.mark.parametrize(("version", "is_current"), [("2026.10.10", True), ("2027.1", True), ("2026.3.6", False)])
def test_versions_are_compared_by_their_numbers(version, is_current):
    assert (versions._version(version) >= versions.CURRENT) == is_current


def test_a_frame_above_the_limit_is_refused():
    with pytest.raises(DamagedPixels, match="above the limit of 10"):
        decode(bytes(30), grey(5, 3, 16, 16), EXPLICIT_VR_LITTLE_ENDIAN, Limits(max_frame_bytes=10))


def test_what_a_codec_refuses_is_damage():
    description = grey(16, 16, 8, 8)
    data = encode(image(description), description, JPEG_LS_LOSSLESS).data
    with pytest.raises(DamagedPixels, match="cannot be decoded as JPEG-LS Lossless"):
        decode(data[: len(data) // 2], description, JPEG_LS_LOSSLESS)


def test_an_array_that_is_not_as_described_is_refused():
    with pytest.raises(Unsupported, match="cannot be encoded as RLE Lossless"):
        encode(np.zeros((7, 7), "u1"), grey(5, 3, 8, 8), RLE_LOSSLESS)


def test_an_unknown_syntax_is_neither_read_nor_written():
    unknown = UID("1.2.3.4")
    assert "is not known" in why_not_decode(unknown, grey(5, 3, 8, 8))
    assert "is not written" in why_not_encode(unknown, grey(5, 3, 8, 8))
    assert "retired" in why_not_encode(EXPLICIT_VR_BIG_ENDIAN, grey(5, 3, 8, 8))


def test_the_table_is_read_without_loading_a_codec():
    code = "import sys, calotype.dicom.pixels.codecs; print({'numpy', 'imagecodecs', 'rle'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "set()"
