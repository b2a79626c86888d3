"""Overlays in the unused bits of pixels, as they were kept until PS3.5 8.1.2 retired that: moved out, never lost.

A codec sees stored bits only, so whoever compresses takes such an overlay along as Overlay Data (60xx,3000). Showing
overlays is for whoever renders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from calotype.dicom.datasets import Element
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.native import BitPacker
from calotype.errors import OutOfResources, Unsupported

if TYPE_CHECKING:
    import numpy as np

OVERLAY_GROUPS: Final = range(0x6000, 0x6020, 2)
MAX_OVERLAY_BYTES: Final = 64 * 1024 * 1024
"""What the overlays of all frames may come to: they stand before the pixels, so they are held."""

_ROWS, _COLUMNS, _FRAMES = 0x0010, 0x0011, 0x0015
_FRAME_ORIGIN, _BITS_ALLOCATED, _BIT_POSITION, _DATA = 0x0051, 0x0100, 0x0102, 0x3000


@dataclass(frozen=True, slots=True)
class Plane:
    """One overlay that lies in bit ``position`` (0 is the lowest) of each pixel cell; ``group`` is 60xx."""

    group: int
    position: int


def planes_in(values: Mapping[int, bytes], tags: Iterable[int], description: PixelDescription) -> list[Plane]:
    """Return the overlays that stand in unused bits.

    ``values`` of the elements of group 60xx, little endian, and all ``tags`` of the data set. Raises Unsupported when
    one is not of the image's size, as then nobody can tell which pixels hold it.
    """
    present = frozenset(tags)
    found = []
    for group in OVERLAY_GROUPS:
        base = group << 16
        position = int.from_bytes(values.get(base | _BIT_POSITION, b"")[:2], "little")
        if base | _DATA in present or not _is_unused(position, description):
            continue
        size = tuple(int.from_bytes(values.get(base | tag, b"")[:2], "little") for tag in (_ROWS, _COLUMNS))
        if size != (description.rows, description.columns) or description.samples_per_pixel != 1:
            raise Unsupported(
                f"the overlay ({group:04X},3000) lies in bit {position} of the pixels, not of the image's size: "
                "it would be lost"
            )
        found.append(Plane(group, position))
    return found


def _is_unused(position: int, description: PixelDescription) -> bool:
    lowest = description.high_bit + 1 - description.bits_stored
    return 0 < position < description.bits_allocated and not lowest <= position <= description.high_bit


def whole_cells(description: PixelDescription) -> PixelDescription:
    """Return the description by which a decoder returns every bit of each cell."""
    bits = description.bits_allocated
    return replace(description, bits_stored=bits, high_bit=bits - 1, is_signed=False)


class Extraction:
    """Gathers the bits of overlays, frame by frame."""

    def __init__(self, planes: Iterable[Plane]) -> None:
        self._packed = [(plane, BitPacker(), bytearray()) for plane in planes]
        self._frames = 0

    def add(self, cells: np.ndarray[Any, np.dtype[Any]]) -> None:
        """Take one frame: whole cells, unsigned. OutOfResources above :data:`MAX_OVERLAY_BYTES`."""
        import numpy as np  # loaded by the first frame, see the package

        self._frames += 1
        for plane, packer, gathered in self._packed:
            bits = (cells.reshape(-1) >> plane.position) & 1
            frame = np.packbits(bits.astype(bool), bitorder="little").tobytes()
            gathered.extend(packer.add(frame, bits.size))
        if sum(len(gathered) for _, _, gathered in self._packed) > MAX_OVERLAY_BYTES:
            raise OutOfResources(f"the overlays in unused bits take more than {MAX_OVERLAY_BYTES} bytes")

    def elements(self) -> dict[int, Element]:
        """Return what describes and holds the overlays now (PS3.3 C.9.2)."""
        found: dict[int, Element] = {}
        for plane, packer, gathered in self._packed:
            base = plane.group << 16
            value = bytes(gathered) + packer.rest()
            new = [
                Element(base | _BITS_ALLOCATED, "US", b"\1\0"),
                Element(base | _BIT_POSITION, "US", b"\0\0"),
                Element(base | _DATA, "OW", value + bytes(len(value) % 2)),
            ]
            if self._frames > 1:
                frames = str(self._frames).encode("ascii")
                new.append(Element(base | _FRAMES, "IS", frames))
                new.append(Element(base | _FRAME_ORIGIN, "US", b"\1\0"))
            found |= {each.tag: each for each in new}
        return found
