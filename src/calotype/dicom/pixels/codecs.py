"""One frame at a time, in and out of every transfer syntax, by the rows of ``codec_table``.

Arrays hold stored values, colour by pixel; which colours they are, :func:`decoded_description` tells. Every decoder
is reached through ``guard``, and no error but ours leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import jpeg_2000
from calotype.dicom.pixels.codec_table import CODECS, Codec, Decoder, Fidelity, Older, Takes
from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.dicom.pixels.guard import DEFAULT_LIMITS, Limits, as_it_is, check
from calotype.dicom.pixels.options import DEFAULT_OPTIONS, EncodeOptions
from calotype.dicom.pixels.versions import has_current_codecs
from calotype.dicom.uids import transfer_syntax
from calotype.errors import CalotypeError, DamagedPixels, OutOfResources, Unsupported

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

__all__ = [
    "CODECS",
    "DEFAULT_OPTIONS",
    "Codec",
    "EncodeOptions",
    "Encoded",
    "Fidelity",
    "can_decode",
    "can_encode",
    "decode",
    "decode_anyhow",
    "decode_reduced",
    "decoded_description",
    "encode",
    "encoded_description",
    "why_not_decode",
    "why_not_encode",
]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One frame, and the description that its object has with it."""

    data: bytes
    description: PixelDescription


def can_decode(uid: UID, description: PixelDescription) -> bool:
    """Tell whether frames of such pixels can be decoded from ``uid``."""
    return not why_not_decode(uid, description)


def can_encode(uid: UID, description: PixelDescription) -> bool:
    """Tell whether decoded frames of such pixels can be encoded in ``uid``, exactly or (its row tells) with loss."""
    return not why_not_encode(uid, description)


def why_not_decode(uid: UID, description: PixelDescription) -> str:
    """Return why :func:`decode` cannot be asked, in words for a user; nothing when it can."""
    name, codec = transfer_syntax(uid).name, CODECS.get(uid)
    if codec is None:
        return f"{name} is not known"
    if codec.decoder is None:
        return f"{name} is not decoded: {codec.note}"
    if not transfer_syntax(uid).encapsulated:
        return ""
    if description.kind is not PixelKind.INTEGER:
        return f"{description.kind} pixels come uncompressed only (PS3.5 8.2)"
    if description.samples_per_pixel not in {1, 3}:
        return f"{name} of {description.samples_per_pixel} samples per pixel is not decoded"
    return ""


def why_not_encode(uid: UID, description: PixelDescription) -> str:
    """Return why :func:`encode` cannot be asked, in words for a user; nothing when it can.

    ``description`` is that of decoded frames, see :func:`decoded_description`.
    """
    name, codec = transfer_syntax(uid).name, CODECS.get(uid)
    if codec is None or codec.encoder is None or codec.takes is None:
        return f"{name} is not written" + (f": {codec.note}" if codec and codec.note else "")
    if transfer_syntax(uid).encapsulated and description.samples_per_pixel not in {1, 3}:
        return f"{name} is not written of {description.samples_per_pixel} samples per pixel"
    if reason := _untaken(codec.takes, description, is_encapsulated=transfer_syntax(uid).encapsulated):
        return f"{name} is not written of {reason}"
    if not has_current_codecs() and (reason := _untaken_by_older(codec.takes, description)):
        return f"{name} {reason} with the codecs for Python 3.11; run Python 3.12 or later"
    return ""


def decode(data: bytes, description: PixelDescription, uid: UID, limits: Limits = DEFAULT_LIMITS) -> Array:
    """Return the stored values of one frame, of shape ``description.shape`` and type ``description.dtype``.

    ``data`` is what ``frames.read_frame`` returns. The array may be read-only. Raises DamagedPixels for what the
    guard or the codec refuses, Unsupported for what :func:`can_decode` denies, OutOfResources without the memory.
    """
    return _decoded(CODECS[uid].decoder if uid in CODECS else None, data, description, uid, limits)


def decode_reduced(
    data: bytes, description: PixelDescription, uid: UID, levels: int, limits: Limits = DEFAULT_LIMITS
) -> Array:
    """Return one frame halved up to ``levels`` times, each time rounded up, where decoding less is cheaper than all.

    Elsewhere the frame comes whole; its shape tells. For thumbnails. Raises as :func:`decode` does.
    """
    if uid not in CODECS or CODECS[uid].decoder is not jpeg_2000.decode:
        return decode(data, description, uid, limits)
    return _decoded(partial(jpeg_2000.decode_reduced, levels=levels), data, description, uid, limits)


def decode_anyhow(
    data: bytes, description: PixelDescription, uid: UID, *, levels: int = 0, is_forced: bool = False
) -> Array:
    """Return one frame by :func:`decode`, or by :func:`decode_reduced` where ``levels`` are given.

    ``is_forced`` gives the decoder what the guard refuses. Only for a process that may die of it: where the stream
    is cut off, what is missing is grey or noise, and nobody says so.
    """
    decoder = CODECS[uid].decoder if uid in CODECS else None
    if levels and decoder is jpeg_2000.decode:
        decoder = partial(jpeg_2000.decode_reduced, levels=levels)
    try:
        return _decoded(decoder, data, description, uid, DEFAULT_LIMITS)
    except DamagedPixels:
        if not is_forced:
            raise
        return _decoded(decoder, as_it_is(data, description, uid), description, uid, None)


def _decoded(
    decoder: Decoder | None, data: bytes, description: PixelDescription, uid: UID, limits: Limits | None
) -> Array:
    """Decode what the guard lets pass; without ``limits`` it is not asked."""
    reason = why_not_decode(uid, description)
    if reason or decoder is None:
        raise Unsupported(reason)
    checked = data if limits is None else check(data, description, uid, limits)
    try:
        return decoder(checked, description)
    except CalotypeError:
        raise
    except MemoryError:
        raise OutOfResources(f"there is no memory to decode a frame of {description.frame_bytes} bytes") from None
    except Exception as error:  # each library has errors of its own, and all mean the same
        raise DamagedPixels(f"the frame cannot be decoded as {transfer_syntax(uid).name}: {error}") from error


def encode(
    array: Array, description: PixelDescription, uid: UID, options: EncodeOptions = DEFAULT_OPTIONS
) -> Encoded:
    """Return one frame in ``uid``; ``description`` is that of the array, as :func:`decoded_description` gives it.

    It is not yet padded to even length. Raises Unsupported for what :func:`can_encode` denies and where the codec
    fails, OutOfResources without the memory.
    """
    if reason := why_not_encode(uid, description):
        raise Unsupported(reason)
    encoder = CODECS[uid].encoder
    assert encoder is not None  # noqa: S101 - why_not_encode has seen it
    try:
        return Encoded(encoder(array, description, options), encoded_description(description, uid))
    except CalotypeError:
        raise
    except MemoryError:
        raise OutOfResources(f"there is no memory to encode a frame of {description.frame_bytes} bytes") from None
    except Exception as error:  # as in decoding
        raise Unsupported(f"the frame cannot be encoded as {transfer_syntax(uid).name}: {error}") from error


def decoded_description(description: PixelDescription, uid: UID) -> PixelDescription:
    """Return the description of what :func:`decode` returns for pixels stored in ``uid``: colours, planes, bits.

    An object in an uncompressed syntax has it when these frames are written as they are.
    """
    colour = description.photometric_interpretation
    if description.samples_per_pixel == 3 and (codec := CODECS.get(uid)) is not None:
        colour = codec.decoded_colour(colour)
    return replace(
        description,
        photometric_interpretation=colour,
        planar_configuration=0,
        high_bit=description.bits_stored - 1,
    )


def encoded_description(description: PixelDescription, uid: UID) -> PixelDescription:
    """Return the description that an object has whose decoded frames, of ``description``, are written in ``uid``."""
    codec = CODECS[uid]
    colour = description.photometric_interpretation
    if description.samples_per_pixel == 3:
        colour = codec.encoded_colour(colour)
    return replace(
        description,
        photometric_interpretation=colour,
        is_lossy=description.is_lossy or codec.fidelity is Fidelity.LOSSY,
    )


def _untaken(takes: Takes, description: PixelDescription, *, is_encapsulated: bool) -> str:
    """Return what it is of a description that an encoder does not take."""
    if description.kind is not PixelKind.INTEGER:
        return "" if takes.is_float else f"{description.kind} pixels"
    colour = description.photometric_interpretation
    is_colour = description.samples_per_pixel == 3
    refusals = (
        (description.bits_allocated not in takes.allocated, f"{description.bits_allocated} bits allocated"),
        (
            description.bits_stored > takes.max_stored,
            f"{description.bits_stored} bits stored, of up to {takes.max_stored} only",
        ),
        (description.is_signed and not takes.is_signed, "signed pixels, which would wrap or are not provided for"),
        (
            colour == "PALETTE COLOR" and not takes.is_palette,
            "palette colours: the index next to the right one is another colour",
        ),
        (is_colour and bool(takes.colours) and colour not in takes.colours, f"{colour}"),
        (not is_colour and bool(takes.greys) and colour not in takes.greys, f"{colour}"),
        (is_encapsulated and description.is_subsampled, f"{colour}, of frames not yet decoded"),
    )
    return next((reason for refused, reason in refusals if refused), "")


def _untaken_by_older(takes: Takes, description: PixelDescription) -> str:
    if takes.older is Older.NOTHING:
        return "is not written"
    if takes.older is Older.WHOLE_TYPES and description.bits_stored not in {8, 16}:
        return f"is not written of {description.bits_stored} bits stored"
    return ""
