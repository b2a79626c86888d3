"""Pixels that only fill an image up to its rectangle, told from the others by their value (PS3.3 C.7.5.1.1.2).

"No pixels in the native image will have a value equal to Pixel Padding Value": compression with loss can break that
in both directions. It is allowed where it does not, frame by frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import PixelDescription
from calotype.errors import Unsupported

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

PIXEL_PADDING_VALUE, PIXEL_PADDING_RANGE_LIMIT = 0x00280120, 0x00280121
PADDING_TAGS: Final = (PIXEL_PADDING_VALUE, PIXEL_PADDING_RANGE_LIMIT)

_SAME_FOR_ALL: Final = frozenset({UID("1.2.840.10008.1.2.4.81")})
"""Lossy syntaxes of which every decoder makes the same values; those of the others may differ by one."""


@dataclass(frozen=True, slots=True)
class Padding:
    """Which values are padding: those from ``lowest`` to ``highest``, both included."""

    lowest: int
    highest: int

    def mask(self, values: Array, margin: int = 0) -> Array:
        """Return where a frame is padding, or nearly so: by up to ``margin`` beside it."""
        # As Python's numbers the bounds need not fit the type of the values.
        mask: Array = (values >= self.lowest - margin) & (values <= self.highest + margin)
        return mask

    def check(self, values: Array, decoded: Array, to: UID) -> None:
        """Raise Unsupported unless a frame that was coded in ``to`` is padding where it was, whoever decodes it."""
        before = self.mask(values)
        if to in _SAME_FOR_ALL:
            if bool((before != self.mask(decoded)).any()):
                raise Unsupported("loss would make padding of other pixels, or other pixels of padding")
        elif bool(before.any()):
            raise Unsupported("it has pixels of padding, which are told by their exact value; loss would change them")
        elif bool(self.mask(decoded, 1).any()):
            raise Unsupported("loss would make pixels look like padding, which is told by its exact value")


def padding_of(values: Mapping[int, bytes], description: PixelDescription) -> Padding | None:
    """Return what the elements of a data set, in little endian, say of padding; ``None`` when they say nothing."""
    told = [
        int.from_bytes(value[:2], "little", signed=description.is_signed)
        for tag in PADDING_TAGS
        if len(value := values.get(tag, b"")) >= 2
    ]
    return Padding(min(told), max(told)) if told else None
