"""Reading values out of elements, leniently: what cannot be read as asked for is not there.

For what decides how pixels look. Nothing here raises; what a picture cannot do without is checked by who needs it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from calotype.dicom.datasets import Element

_CODES: Final = {
    "US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "OW": "H", "OF": "f", "OD": "d", "AT": "H",
    "US/SS": "H", "US/OW": "H", "US/SS/OW": "H", "UV": "Q", "SV": "q",
}  # fmt: skip
_MAX_NUMBERS: Final = 100_000
"""More than any list of points or times; what is longer is read where it is needed, as an array."""


class Attributes:
    """The elements of a data set or item by tag. Values are in little endian."""

    __slots__ = ("_elements",)

    def __init__(self, elements: Iterable[Element] = ()) -> None:
        self._elements = {each.tag: each for each in elements}

    def __contains__(self, tag: int) -> bool:
        """Whether the element is there with a value."""
        found = self._elements.get(tag)
        return found is not None and bool(found.value)

    def elements(self) -> Iterable[Element]:
        """Return all elements."""
        return self._elements.values()

    def raw(self, tag: int) -> bytes:
        """Return a value's bytes, none when it is not there or a sequence."""
        found = self._elements.get(tag)
        return found.raw if found is not None else b""

    def vr(self, tag: int) -> str:
        """Return how an element is written, empty when it is not there."""
        found = self._elements.get(tag)
        return found.vr if found is not None else ""

    def texts(self, tag: int) -> list[str]:
        """Return the values of a text in the default repertoire, without padding."""
        text = self.raw(tag).decode("latin-1").strip(" \0")
        return [part.strip(" \0") for part in text.split("\\")] if text else []

    def text(self, tag: int) -> str:
        """Return the first value of a text, in the default repertoire."""
        return next(iter(self.texts(tag)), "")

    def numbers(self, tag: int, vr: str = "") -> list[float]:
        """Return the values of a number or of text that spells numbers (DS, IS), none when one of them is none.

        ``vr`` is how to read it, whatever it says itself.
        """
        code = _CODES.get(vr or self.vr(tag))
        if code is not None:
            raw = self.raw(tag)[: _MAX_NUMBERS * 8]
            size = struct.calcsize("<" + code)
            values = [float(each) for (each,) in struct.iter_unpack("<" + code, raw[: len(raw) // size * size])]
        else:
            try:
                values = [float(part) for part in self.texts(tag)[:_MAX_NUMBERS]]
            except ValueError:
                return []
        return values if all(map(math.isfinite, values)) else []

    def number(self, tag: int, vr: str = "") -> float | None:
        """Return the first value of a number, ``None`` when there is none."""
        return next(iter(self.numbers(tag, vr)), None)

    def whole(self, tag: int, default: int = 0) -> int:
        """Return the first value of a whole number."""
        number = self.number(tag)
        return default if number is None else int(number)

    def items(self, tag: int) -> list[Attributes]:
        """Return the items of a sequence, none for anything else."""
        found = self._elements.get(tag)
        return [Attributes(item) for item in found.items] if found is not None else []

    def first_item(self, tag: int) -> Attributes:
        """Return the first item of a sequence, an empty one when there is none."""
        return next(iter(self.items(tag)), EMPTY)


EMPTY: Final = Attributes()


class FrameAttributes:
    """What is said of a frame: by its own functional groups, by those of all, by the object (PS3.3 C.7.6.16)."""

    __slots__ = ("groups", "whole")

    def __init__(self, whole: Attributes, groups: Sequence[Attributes] = ()) -> None:
        self.whole = whole
        self.groups = groups
        """The frame's own item, then the shared one."""

    def group(self, tag: int) -> Attributes:
        """Return the item of a functional group macro, an empty one where no group says anything."""
        return next((each.first_item(tag) for each in self.groups if tag in each), EMPTY)

    def place_of(self, group: int, tag: int) -> Attributes:
        """Return where ``tag`` stands: in the functional group ``group``, else in the object itself."""
        item = self.group(group)
        return item if tag in item else self.whole
