"""Colour profiles of the spaces that PS3.18 8.3.5.1.5 names, written here: matrix profiles by ICC.1:2001 (version 2).

Each is some 500 bytes of public numbers, so nobody's profile file is shipped.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, TypeAlias

Xyz: TypeAlias = tuple[float, float, float]


class ColourSpace(StrEnum):
    """What is asked for of a colour profile (PS3.18 8.3.5.1.5)."""

    NO = "no"
    YES = "yes"
    SRGB = "srgb"
    ADOBE_RGB = "adobergb"
    ROMM_RGB = "rommrgb"
    DISPLAY_P3 = "displayp3"


@dataclass(frozen=True, slots=True)
class _Space:
    """A space of three primaries, as XYZ under D50; ``gamma`` ``None``: the curve of sRGB."""

    name: str
    red: Xyz
    green: Xyz
    blue: Xyz
    gamma: float | None = None


_SPACES: Final = {
    ColourSpace.SRGB: _Space(
        "sRGB IEC61966-2.1", (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)
    ),
    ColourSpace.ADOBE_RGB: _Space(
        "Adobe RGB (1998)", (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457),
        gamma=563 / 256,
    ),
    ColourSpace.ROMM_RGB: _Space(
        "ROMM RGB", (0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491), gamma=1.8
    ),
    ColourSpace.DISPLAY_P3: _Space(
        "Display P3", (0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)
    ),
}  # fmt: skip
"""By IEC 61966-2-1, Adobe RGB (1998), ISO 22028-2 and SMPTE EG 432-1, adapted to D50 by Bradford."""

_D50: Final[Xyz] = (0.96420, 1.0, 0.82491)
_CURVE_POINTS: Final = 1024
_HEADER_BYTES, _ENTRY_BYTES = 128, 12


@cache
def profile_of(space: ColourSpace) -> bytes:
    """Return the ICC profile of a colour space; KeyError for ``no`` and ``yes``, which are none."""
    known = _SPACES[space]
    curve = _curve(known.gamma)
    tags = {
        b"desc": _description(known.name), b"cprt": _text("Public domain"), b"wtpt": _xyz(_D50),
        b"rXYZ": _xyz(known.red), b"gXYZ": _xyz(known.green), b"bXYZ": _xyz(known.blue),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    places: dict[bytes, int] = {}
    data = b""
    start = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(tags)
    for value in tags.values():
        if value not in places:
            places[value] = start + len(data)
            data += value + bytes(-len(value) % 4)
    table = b"".join(struct.pack(">4sII", name, places[value], len(value)) for name, value in tags.items())
    body = struct.pack(">I", len(tags)) + table + data
    return _header(_HEADER_BYTES + len(body)) + body


def _header(size_bytes: int) -> bytes:
    """ICC.1:2001 6.1: the profile of a display, RGB to XYZ, of a fixed date so that it is always the same."""
    fields = struct.pack(
        ">I4xI4s4s4s6H4s4x", size_bytes, 0x02100000, b"mntr", b"RGB ", b"XYZ ", 2001, 12, 1, 0, 0, 0, b"acsp"
    )
    illuminant = b"".join(_fixed(value) for value in _D50)
    return (fields + bytes(24) + illuminant).ljust(_HEADER_BYTES, b"\0")


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return struct.pack(">4s4xIH", b"curv", 1, round(gamma * 256))
    points = [_linear(at / (_CURVE_POINTS - 1)) for at in range(_CURVE_POINTS)]
    return struct.pack(f">4s4xI{_CURVE_POINTS}H", b"curv", _CURVE_POINTS, *(round(each * 65_535) for each in points))


def _linear(coded: float) -> float:
    return coded / 12.92 if coded <= 0.04045 else float(((coded + 0.055) / 1.055) ** 2.4)


def _xyz(value: Xyz) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, value))


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65_536))


def _text(words: str) -> bytes:
    return b"text" + bytes(4) + words.encode("ascii") + b"\0"


def _description(words: str) -> bytes:
    name = words.encode("ascii") + b"\0"
    # ICC.1:2001 6.5.17: then the same in Unicode and in ScriptCode, which are left empty.
    return struct.pack(">4s4xI", b"desc", len(name)) + name + bytes(4 + 4 + 2 + 1 + 67)
