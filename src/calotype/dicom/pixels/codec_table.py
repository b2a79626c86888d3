"""The codec table: one row for each transfer syntax, with what can be made of it and by whom. Data only.

``codecs`` works by it, planning chooses by it, and the conformance statement is printed from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import deflated, jpeg, jpeg_2000, jpeg_ls, jpeg_xl, native, rle
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.uids import STORABLE_TRANSFER_SYNTAXES, TRANSFER_SYNTAXES

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array


class Fidelity(StrEnum):
    """What encoding does to the stored values."""

    EXACT = "exact"
    LOSSY = "lossy"


class Older(StrEnum):
    """What can be encoded with the last codecs for Python 3.11."""

    SAME = "the same"
    WHOLE_TYPES = "8 or 16 bits stored only"
    """The library writes the precision of the type: 12 bits would be declared as 16."""
    NOTHING = "not written"


@dataclass(frozen=True, slots=True)
class Takes:
    """What decoded frames an encoder takes, by their description; 1 or 3 samples in fragments, always."""

    allocated: frozenset[int]
    """Bits Allocated."""
    max_stored: int
    """Bits Stored."""
    is_signed: bool = True
    """Signed values too. With loss, a codec of unsigned samples would make the largest value of -1."""
    is_palette: bool = True
    """Indices of a palette too; none may be off by one."""
    colours: frozenset[str] = frozenset()
    """Photometric Interpretations of three samples; empty: any."""
    greys: frozenset[str] = frozenset()
    """Photometric Interpretations of one sample; empty: any."""
    is_float: bool = False
    older: Older = Older.SAME


Decoder = Callable[[bytes, PixelDescription], "Array"]
Encoder = Callable[["Array", PixelDescription, EncodeOptions], bytes]

AS_CODED: Final = {"YBR_FULL_422": "YBR_FULL", "YBR_PARTIAL_422": "YBR_PARTIAL"}
"""Colours that are decoded as they were coded, subsampled ones made whole."""
_ANY: Final = "*"
_ALL_RGB: Final = {_ANY: "RGB"}


@dataclass(frozen=True, slots=True)
class Codec:
    """One transfer syntax. Without ``decoder`` its objects pass through as they are; ``note`` says why."""

    uid: UID
    decoder: Decoder | None = None
    encoder: Encoder | None = None
    takes: Takes | None = None
    fidelity: Fidelity = Fidelity.EXACT
    lossy_method: str = ""
    """Lossy Image Compression Method (0028,2114) (PS3.3 C.7.6.1.1.5.1)."""
    decoded_colours: Mapping[str, str] = field(default_factory=lambda: AS_CODED)
    encoded_colours: Mapping[str, str] = field(default_factory=dict)
    provider: str = ""
    judge: str = ""
    """Who else, of those that our tests ask, reads what is written here."""
    note: str = ""

    def decoded_colour(self, photometric_interpretation: str) -> str:
        """Return the Photometric Interpretation that three decoded samples have."""
        other = self.decoded_colours.get(_ANY, photometric_interpretation)
        return self.decoded_colours.get(photometric_interpretation, other)

    def encoded_colour(self, photometric_interpretation: str) -> str:
        """Return the Photometric Interpretation that three encoded samples have."""
        return self.encoded_colours.get(photometric_interpretation, photometric_interpretation)


def _native_frame(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    return native.encode(array, description)


_COMPONENTS: Final = frozenset({"RGB", "YBR_FULL"})
_NATIVE: Final = Takes(frozenset({1, 8, 16, 32, 64}), 64, is_float=True)
_WHOLE_BYTES: Final = Takes(frozenset({1, 8, 16, 32}), 32)
_TO_16: Final = Takes(frozenset({8, 16}), 16)
_JPEG_LS: Final = replace(_TO_16, older=Older.WHOLE_TYPES)
_NEAR: Final = replace(_JPEG_LS, is_signed=False, is_palette=False)
_BASELINE: Final = Takes(frozenset({8}), 8, is_signed=False, is_palette=False, colours=_COMPONENTS)
_EXTENDED: Final = replace(_BASELINE, allocated=frozenset({8, 16}), max_stored=12)
_J2K: Final = Takes(frozenset({1, 8, 16, 32}), jpeg_2000.MAX_OPENJPEG_BITS)
# With loss, OpenJPEG lets what overshoots 24 bits wrap; nothing needs that.
_LOSSY_J2K: Final = Takes(frozenset({8, 16}), 16, is_palette=False)
_HT: Final = Takes(frozenset({1, 8, 16, 32}), jpeg_2000.MAX_OPENJPH_BITS, older=Older.WHOLE_TYPES)
_LOSSY_HT: Final = replace(_LOSSY_J2K, older=Older.WHOLE_TYPES)
# PS3.5 Table 8.2.15-1 leaves MONOCHROME1 out for what was a JPEG.
_RECOMPRESSED: Final = replace(_BASELINE, greys=frozenset({"MONOCHROME2"}))
_JXL: Final = Takes(frozenset({8, 16}), 16, is_signed=False, colours=_COMPONENTS)
_LOSSY_JXL: Final = replace(_JXL, is_palette=False, colours=frozenset({"RGB"}))

_YCBCR: Final = {"RGB": "YBR_FULL_422", "YBR_FULL": "YBR_FULL_422"}
_RCT: Final = {"RGB": "YBR_RCT"}
_ICT: Final = {"RGB": "YBR_ICT"}
_UNTRANSFORMED: Final = {**AS_CODED, "YBR_RCT": "RGB", "YBR_ICT": "RGB"}
_XYB: Final = {"RGB": "XYB"}
_FROM_XYB: Final = {"XYB": "RGB"}

_OWN, _LIBJPEG, _CHARLS, _OPENJPEG = "calotype", "libjpeg-turbo", "CharLS", "OpenJPEG"
_OPENJPH, _LIBJXL, _RLE = "OpenJPH, OpenJPEG", "libjxl", "imagecodecs, pylibjpeg-rle"
_LIBJPEG_NUMPY: Final = "libjpeg-turbo; written by calotype"
_READERS, _DCMTK, _JPEG_READERS, _DJXL = "DCMTK, GDCM, pydicom", "DCMTK", "DCMTK, GDCM", "djxl"
_OPENJPEG_READERS, _OPENJPEG_ALONE = "GDCM, pylibjpeg-openjpeg", "pylibjpeg-openjpeg"

_LIBRARY: Final = "1.2.840.10008.1.2."
_EXACT, _LOSSY = Fidelity.EXACT, Fidelity.LOSSY


def _row(  # noqa: PLR0917 - a row of a table
    uid: str,
    decoder: Decoder,
    encoder: Encoder,
    takes: Takes,
    provider: str,
    judge: str = "",
    *,
    lossy_method: str = "",
    decoded: Mapping[str, str] = AS_CODED,
    encoded: Mapping[str, str] | None = None,
) -> Codec:
    return Codec(
        UID(_LIBRARY + uid),
        decoder,
        encoder,
        takes,
        _LOSSY if lossy_method else _EXACT,
        lossy_method,
        decoded,
        encoded or {},
        provider,
        judge,
    )


_ROWS: Final = (
    Codec(
        UID("1.2.840.10008.1.2"), native.decode, _native_frame, _NATIVE, provider=_OWN, judge=_READERS
    ),
    _row("1", native.decode, _native_frame, _NATIVE, _OWN, _READERS),
    _row("1.98", native.decode, _native_frame, _WHOLE_BYTES, _OWN),
    _row("1.99", native.decode, _native_frame, _NATIVE, _OWN, _READERS),
    Codec(
        UID("1.2.840.10008.1.2.2"),
        native.decode,
        provider=_OWN,
        judge=_READERS,
        note="retired; written of other uncompressed forms only",
    ),
    _row(
        "4.50", jpeg.decode_rgb, jpeg.encode_lossy, _BASELINE, _LIBJPEG, _DCMTK,
        lossy_method="ISO_10918_1", decoded=_ALL_RGB, encoded=_YCBCR,
    ),
    _row(
        "4.51", jpeg.decode_rgb, jpeg.encode_lossy, _EXTENDED, _LIBJPEG, _DCMTK,
        lossy_method="ISO_10918_1", decoded=_ALL_RGB, encoded=_YCBCR,
    ),
    _row("4.57", jpeg.decode_as_coded, jpeg.encode_lossless, _TO_16, _LIBJPEG_NUMPY, _JPEG_READERS),
    _row("4.70", jpeg.decode_as_coded, jpeg.encode_lossless, _TO_16, _LIBJPEG_NUMPY, _JPEG_READERS),
    _row("4.80", jpeg_ls.decode, jpeg_ls.encode_lossless, _JPEG_LS, _CHARLS, _JPEG_READERS),
    _row("4.81", jpeg_ls.decode, jpeg_ls.encode_near, _NEAR, _CHARLS, _JPEG_READERS, lossy_method="ISO_14495_1"),
    _row(
        "4.90", jpeg_2000.decode, jpeg_2000.encode_lossless, _J2K, _OPENJPEG, _OPENJPEG_READERS,
        decoded=_UNTRANSFORMED, encoded=_RCT,
    ),
    _row(
        "4.91", jpeg_2000.decode, jpeg_2000.encode_lossy, _LOSSY_J2K, _OPENJPEG, _OPENJPEG_READERS,
        lossy_method="ISO_15444_1", decoded=_UNTRANSFORMED, encoded=_ICT,
    ),
    _row(
        "4.110", jpeg_xl.decode, jpeg_xl.encode_lossless, _JXL, _LIBJXL, _DJXL,
        decoded=_FROM_XYB,
    ),
    _row(
        "4.111", jpeg_xl.decode_recompressed, jpeg_xl.encode_recompressed, _RECOMPRESSED, _LIBJXL, _DJXL,
        lossy_method="ISO_10918_1", decoded=_ALL_RGB, encoded=_YCBCR,
    ),
    _row(
        "4.112", jpeg_xl.decode, jpeg_xl.encode_lossy, _LOSSY_JXL, _LIBJXL, _DJXL,
        lossy_method="ISO_18181_1", decoded=_FROM_XYB, encoded=_XYB,
    ),
    _row(
        "4.201", jpeg_2000.decode, jpeg_2000.encode_ht_lossless, _HT, _OPENJPH, _OPENJPEG_ALONE,
        decoded=_UNTRANSFORMED, encoded=_RCT,
    ),
    _row(
        "4.202", jpeg_2000.decode, jpeg_2000.encode_ht_lossless_rpcl, replace(_HT, older=Older.NOTHING), _OPENJPH,
        _OPENJPEG_ALONE, decoded=_UNTRANSFORMED, encoded=_RCT,
    ),
    _row(
        "4.203", jpeg_2000.decode, jpeg_2000.encode_ht_lossy, _LOSSY_HT, _OPENJPH, _OPENJPEG_ALONE,
        lossy_method="ISO_15444_15", decoded=_UNTRANSFORMED, encoded=_ICT,
    ),
    _row("5", rle.decode, rle.encode, _WHOLE_BYTES, _RLE, _READERS),
    _row("8.1", deflated.decode, deflated.encode, _WHOLE_BYTES, _OWN),
)  # fmt: skip

# By how their keywords start.
_PASSING: Final = (
    ("MPEG", "video is never coded again"),
    ("HEVC", "video is never coded again"),
    ("JPIP", "its pixels are kept by another server"),
    ("JPEG2000MC", "no free library decodes JPEG 2000 Part 2"),
    ("JPEG", "its process is retired"),
)
_OTHER: Final = "it is retired"


def _passing(uid: UID) -> Codec:
    keyword = TRANSFER_SYNTAXES[uid].keyword
    return Codec(uid, note=next((note for start, note in _PASSING if keyword.startswith(start)), _OTHER))


def _table() -> dict[UID, Codec]:
    rows = {row.uid: row for row in _ROWS}
    return {uid: rows.get(uid) or _passing(uid) for uid in STORABLE_TRANSFER_SYNTAXES}


CODECS: Final[Mapping[UID, Codec]] = _table()
"""One row for every transfer syntax that an object can be stored in, in the order of the Standard's table."""
