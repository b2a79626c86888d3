"""What may be made of an object, the best first: as it is, in another uncompressed form, transcoded.

A table and a walk over it; nothing is decoded here, and lossy forms are never among the answers.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs
from calotype.dicom.pixels.codec_table import CODECS, Fidelity, Older
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.versions import has_current_codecs
from calotype.dicom.reencode import UNCOMPRESSED
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax


@dataclass(frozen=True, slots=True)
class AsIs:
    """The stored bytes."""


@dataclass(frozen=True, slots=True)
class Reencode:
    """Element by element, values unchanged."""

    to: UID


@dataclass(frozen=True, slots=True)
class Transcode:
    """Pixels decoded, encoded, or both; exactly."""

    to: UID


Plan = AsIs | Reencode | Transcode

AS_IS: Final = AsIs()

COMPRESSED: Final = tuple(
    UID("1.2.840.10008.1.2." + each)
    for each in ("4.201", "4.80", "4.70", "5", "4.57", "4.90", "4.202", "4.110", "8.1")
)
"""Exact compressed forms that we choose ourselves, what costs least and is understood most first."""


@lru_cache(256)
def reachable(stored: UID) -> tuple[UID, ...]:
    """Return the transfer syntaxes, other than its own, that an object can be given exactly, the best first.

    Pixels may prove otherwise: :func:`plans` with their description knows more. Remembered, being asked for every
    object that leaves.
    """
    if stored not in UNCOMPRESSED and not _is_read(stored):
        return ()
    possible = (*UNCOMPRESSED, *(uid for uid in COMPRESSED if _writes_exactly(uid)))
    return tuple(uid for uid in possible if uid != stored)


def can_become(stored: UID, to: UID) -> bool:
    """Tell whether an object can be given ``to`` exactly, if asked: more than :func:`reachable`, which chooses."""
    return stored != to and (stored in UNCOMPRESSED or _is_read(stored)) and _writes_exactly(to)


def plans(
    stored: UID,
    accepted: Container[UID],
    wishes: Sequence[UID] = (),
    description: PixelDescription | None = None,
) -> Iterator[Plan]:
    """Yield the ways in which an object stored in ``stored`` can become one in ``accepted``, the best first.

    The first of ``wishes`` that is accepted and can be met comes first; then the object as it is, if it may; then
    what costs least. With the ``description`` of its pixels, ways that they rule out are left out.
    """
    seen: set[UID] = set()
    for uid in (*wishes, stored, *reachable(stored)):
        if uid in seen or uid not in accepted or not (uid == stored or can_become(stored, uid)):
            continue
        seen.add(uid)
        way = _way(stored, uid)
        if isinstance(way, Transcode) and description is not None and why_not(stored, uid, description):
            continue
        yield way


def plan(
    stored: UID,
    accepted: Container[UID],
    wishes: Sequence[UID] = (),
    description: PixelDescription | None = None,
) -> Plan | None:
    """Return the best of :func:`plans`, ``None`` when there is none."""
    return next(plans(stored, accepted, wishes, description), None)


def why_not(stored: UID, to: UID, description: PixelDescription) -> str:
    """Return why such pixels cannot be brought from one syntax to another, in words; nothing when they can."""
    return codecs.why_not_decode(stored, description) or codecs.why_not_encode(
        codec_of(to), codecs.decoded_description(description, stored)
    )


def codec_of(to: UID) -> UID:
    """Return in which syntax frames are encoded for ``to``: the uncompressed ones differ in their words only."""
    return EXPLICIT_VR_LITTLE_ENDIAN if to in UNCOMPRESSED else to


def _way(stored: UID, to: UID) -> Plan:
    if to == stored:
        return AS_IS
    return Reencode(to) if stored in UNCOMPRESSED and to in UNCOMPRESSED else Transcode(to)


def _is_read(uid: UID) -> bool:
    codec = CODECS.get(uid)
    return codec is not None and codec.decoder is not None and transfer_syntax(uid).encapsulated


@lru_cache(256)
def _writes_exactly(uid: UID) -> bool:
    codec = CODECS.get(codec_of(uid))
    if codec is None or codec.encoder is None or codec.takes is None or codec.fidelity is not Fidelity.EXACT:
        return False
    return codec.takes.older is not Older.NOTHING or has_current_codecs()
