"""The codec table: one row for each transfer syntax, with what can be made of it and by whom.

:data:`CODECS` is what planning, transcoding, rendering and the conformance statement read. :func:`decode` and
:func:`encode` work on one frame; the first passes ``guard``. Arrays hold stored values, colour by pixel; which
colours they are, :func:`decoded_description` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import native
from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.dicom.pixels.guard import DEFAULT_LIMITS, Limits, check
from calotype.dicom.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    transfer_syntax,
)
from calotype.errors import Unsupported

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array


class Fidelity(StrEnum):
    """What encoding does to the stored values."""

    EXACT = "exact"
    LOSSY = "lossy"


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How much an encoder with loss may lose; those without loss ask nothing of it."""

    jpeg_quality: int = 90
    """.50 and .51: 1 to 100."""
    near: int = 2
    """.81: the largest difference of a sample (NEAR of ISO 14495-1)."""
    ratio: float = 10.0
    """.91 and .203: how many times smaller than uncompressed, roughly."""
    distance: float = 1.0
    """.112: Butteraugli distance; 1 is visually lossless."""


DEFAULT_OPTIONS: Final = EncodeOptions()


@dataclass(frozen=True, slots=True)
class Takes:
    """What pixels an encoder takes, by their description."""

    allocated: frozenset[int]
    """Bits Allocated."""
    max_stored: int
    """Bits Stored."""
    signed: bool = True
    palette: bool = True
    """Indices of a palette; none may be off by one."""
    floats: bool = False


@dataclass(frozen=True, slots=True)
class Codec:
    """One transfer syntax. Without ``decoder`` its objects pass through as they are; ``note`` says why."""

    uid: UID
    decoder: Callable[[bytes, PixelDescription], Array] | None = None
    encoder: Callable[[Array, PixelDescription, EncodeOptions], bytes] | None = None
    takes: Takes | None = None
    fidelity: Fidelity = Fidelity.EXACT
    provider: str = ""
    judge: str = ""
    """Who else, of those we test against, reads and writes it."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One frame, and the description that its object has with it."""

    data: bytes
    description: PixelDescription


_EVERYTHING: Final = Takes(frozenset({1, 8, 16, 32, 64}), 64, floats=True)


def _native_frame(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    return native.encode(array, description)


_TABLE: Final = tuple(
    Codec(uid, native.decode, _native_frame, _EVERYTHING, provider="calotype", judge="DCMTK, GDCM, pydicom")
    for uid in (
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
    )
)

CODECS: Final[Mapping[UID, Codec]] = {codec.uid: codec for codec in _TABLE}
"""One row for every transfer syntax that an object can be stored in."""


def can_decode(uid: UID, description: PixelDescription) -> bool:
    """Tell whether frames of such pixels can be decoded from ``uid``."""
    return why_not_decode(uid, description) == ""


def can_encode(uid: UID, description: PixelDescription) -> bool:
    """Tell whether decoded frames of such pixels can be encoded in ``uid``, exactly or (its row tells) with loss."""
    return why_not_encode(uid, description) == ""


def why_not_decode(uid: UID, description: PixelDescription) -> str:
    """Return why :func:`decode` cannot be asked, in words for a user; nothing when it can."""
    codec = CODECS.get(uid)
    if codec is None or codec.decoder is None:
        return f"{transfer_syntax(uid).name} is not decoded here" + (f": {codec.note}" if codec else "")
    if description.kind is not PixelKind.INTEGER and transfer_syntax(uid).encapsulated:
        return f"{description.kind} pixels are never compressed (PS3.5 A.4)"
    return ""


def why_not_encode(uid: UID, description: PixelDescription) -> str:
    """Return why :func:`encode` cannot be asked, in words for a user; nothing when it can.

    ``description`` is that of decoded frames, see :func:`decoded_description`.
    """
    codec = CODECS.get(uid)
    if codec is None or codec.encoder is None or codec.takes is None:
        return f"{transfer_syntax(uid).name} is not written here" + (f": {codec.note}" if codec else "")
    return ""


def decode(data: bytes, description: PixelDescription, uid: UID, limits: Limits = DEFAULT_LIMITS) -> Array:
    """Return the stored values of one frame, of shape ``description.shape`` and type ``description.dtype``.

    ``data`` is what ``frames.read_frame`` returns. The array may be read-only. Raises DamagedPixels for what the
    guard or the codec refuses, Unsupported for what :func:`can_decode` does.
    """
    if reason := why_not_decode(uid, description):
        raise Unsupported(reason)
    decoder = CODECS[uid].decoder
    assert decoder is not None  # noqa: S101 - why_not_decode has seen it
    return decoder(check(data, description, uid, limits), description)


def encode(
    array: Array, description: PixelDescription, uid: UID, options: EncodeOptions = DEFAULT_OPTIONS
) -> Encoded:
    """Return one frame in ``uid``; ``description`` is that of the array, as :func:`decoded_description` gives it.

    A frame of an encapsulated syntax is not yet padded to even length. Raises Unsupported for what
    :func:`can_encode` does.
    """
    if reason := why_not_encode(uid, description):
        raise Unsupported(reason)
    encoder = CODECS[uid].encoder
    assert encoder is not None  # noqa: S101 - why_not_encode has seen it
    new = encoded_description(description, uid)
    return Encoded(encoder(array, new, options), new)


def decoded_description(description: PixelDescription, uid: UID) -> PixelDescription:
    """Return the description of what :func:`decode` returns for pixels stored in ``uid``: colours, planes, bits."""
    return native.decoded(description)


def encoded_description(description: PixelDescription, uid: UID) -> PixelDescription:
    """Return the description that an object has whose decoded frames are written in ``uid``."""
    return description
