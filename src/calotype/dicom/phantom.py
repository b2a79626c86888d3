"""A study that nobody had: CT slices of a head made of ellipsoids, to try a new archive and its viewers with.

Made by arithmetic alone, and the same each time: stored twice, it is one study. Numbers are for looking at, not for
measuring a scanner by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from calotype.dicom.datasets import Element, encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, uid_of_uuid

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CT_IMAGE: Final = UID("1.2.840.10008.5.1.4.1.1.2")
SLICES: Final = 64
SIZE_PX: Final = 192
PIXEL_MM: Final = 1.2
SLICE_MM: Final = 3.0
_NAMESPACE: Final = UUID("6f0a4c1e-5d0b-4b7c-9a52-1b3f1c6e8d27")
_DATE: Final = b"20260101"
_AIR_HU: Final = -1000


@dataclass(frozen=True, slots=True)
class _Ellipsoid:
    """A part of the head: where it is and how far it reaches (shares of half the volume), and what it adds there."""

    centre: tuple[float, float, float]
    reach: tuple[float, float, float]
    added_hu: int


_HEAD: Final = (
    _Ellipsoid((0, 0, 0), (0.72, 0.92, 0.92), 1900),  # skull: 900 HU
    _Ellipsoid((0, 0, 0), (0.66, 0.86, 0.86), -865),  # brain: 35 HU
    _Ellipsoid((-0.16, -0.05, 0.1), (0.10, 0.34, 0.24), -30),  # ventricles: 5 HU
    _Ellipsoid((0.16, -0.05, 0.1), (0.10, 0.34, 0.24), -30),
    _Ellipsoid((0.36, 0.30, -0.05), (0.13, 0.13, 0.15), 40),  # something bright: 75 HU
    _Ellipsoid((-0.38, 0.34, -0.2), (0.09, 0.12, 0.10), -20),  # something dark: 15 HU
    _Ellipsoid((0, -0.66, -0.45), (0.20, 0.14, 0.18), -950),  # a sinus: air
)


def uid(part: str) -> UID:
    """Return the UID of a part of the sample, always the same."""
    return uid_of_uuid(uuid5(_NAMESPACE, part))


STUDY: Final = uid("study")


def files() -> Iterator[bytes]:
    """Make the slices, from the neck up, as files (PS3.10)."""
    for number in range(SLICES):
        instance = uid(f"instance {number}")
        meta = write_file_meta(CT_IMAGE, instance, EXPLICIT_VR_LITTLE_ENDIAN)
        yield meta + encode(_data_set(number, instance), EXPLICIT_VR_LITTLE_ENDIAN)


def slice_hu(number: int) -> npt.NDArray[np.int16]:
    """Return one slice in Hounsfield units, rows from front to back."""
    import numpy as np  # loaded with the first slice: an archive at rest does without

    axis = (np.arange(SIZE_PX) + 0.5) / SIZE_PX * 2 - 1
    height = (number + 0.5) / SLICES * 2 - 1
    hounsfield = np.full((SIZE_PX, SIZE_PX), _AIR_HU, np.int16)
    for part in _HEAD:
        (x, y, z), (width, depth, tall) = part.centre, part.reach
        across, along, up = ((axis - x) / width) ** 2, ((axis - y) / depth) ** 2, ((height - z) / tall) ** 2
        hounsfield[along[:, None] + across[None, :] + up <= 1] += part.added_hu
    return hounsfield


def _data_set(number: int, instance: UID) -> list[Element]:
    left = -(SIZE_PX - 1) / 2 * PIXEL_MM
    height = (number - (SLICES - 1) / 2) * SLICE_MM

    def numbers(*values: float) -> bytes:
        return "\\".join(f"{value:g}" for value in values).encode()

    def short(value: int) -> bytes:
        return value.to_bytes(2, "little")

    text: dict[int, tuple[str, bytes]] = {
        0x00080005: ("CS", b"ISO_IR 192"),
        0x00080008: ("CS", b"DERIVED\\SECONDARY\\AXIAL"),
        0x00080016: ("UI", CT_IMAGE.encode()),
        0x00080018: ("UI", instance.encode()),
        0x00080020: ("DA", _DATE),
        0x00080021: ("DA", _DATE),
        0x00080022: ("DA", _DATE),
        0x00080023: ("DA", _DATE),
        0x00080030: ("TM", b"120000"),
        0x00080033: ("TM", b"120000"),
        0x00080050: ("SH", b""),
        0x00080060: ("CS", b"CT"),
        0x00080070: ("LO", b"calotype"),
        0x00080090: ("PN", b""),
        0x00081030: ("LO", "Sample head 示例头部".encode()),
        0x0008103E: ("LO", b"Axial 3 mm"),
        0x00100010: ("PN", "Sample^Calotype=样例".encode()),
        0x00100020: ("LO", b"CALOTYPE-SAMPLE"),
        0x00100030: ("DA", b""),
        0x00100040: ("CS", b"O"),
        0x00180015: ("CS", b"HEAD"),
        0x00180050: ("DS", numbers(SLICE_MM)),
        0x00180060: ("DS", b""),
        0x00185100: ("CS", b"HFS"),
        0x0020000D: ("UI", STUDY.encode()),
        0x0020000E: ("UI", uid("series").encode()),
        0x00200010: ("SH", b"1"),
        0x00200011: ("IS", b"1"),
        0x00200012: ("IS", b"1"),
        0x00200013: ("IS", str(number + 1).encode()),
        0x00200032: ("DS", numbers(left, left, height)),
        0x00200037: ("DS", numbers(1, 0, 0, 0, 1, 0)),
        0x00200052: ("UI", uid("frame of reference").encode()),
        0x00201040: ("LO", b""),
        0x00280002: ("US", short(1)),
        0x00280004: ("CS", b"MONOCHROME2"),
        0x00280010: ("US", short(SIZE_PX)),
        0x00280011: ("US", short(SIZE_PX)),
        0x00280030: ("DS", numbers(PIXEL_MM, PIXEL_MM)),
        0x00280100: ("US", short(16)),
        0x00280101: ("US", short(16)),
        0x00280102: ("US", short(15)),
        0x00280103: ("US", short(1)),
        0x00281050: ("DS", b"40"),
        0x00281051: ("DS", b"120"),
        0x00281052: ("DS", b"0"),
        0x00281053: ("DS", b"1"),
        0x00281054: ("LO", b"HU"),
        0x7FE00010: ("OW", slice_hu(number).astype("<i2").tobytes()),
    }
    return [Element(tag, vr, value) for tag, (vr, value) in text.items()]
