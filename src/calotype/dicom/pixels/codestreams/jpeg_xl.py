"""The image header of JPEG XL (ISO 18181-1), bare or in its container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from calotype.dicom.pixels.codestreams.boxes import boxes
from calotype.errors import DamagedPixels


@dataclass(frozen=True, slots=True)
class JpegXlHeader:
    """The image header of a JPEG XL codestream (ISO 18181-1 Annex D), as far as its bounds."""

    rows: int
    columns: int
    precision: int
    is_float: bool
    is_plain: bool
    """Whether there is just one image: no animation, no preview, no further channels."""


_XL_SIGNATURE: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
_XL_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_XL_SIDES: Final = ((9, 1), (13, 1), (18, 1), (30, 1))


def read_jpeg_xl(stream: bytes) -> JpegXlHeader:
    """Read the image header of a codestream, bare or in its container. Raises DamagedPixels when it is cut off."""
    bits = _Bits(_jpeg_xl_head(stream))
    rows, columns = _jpeg_xl_size(bits)
    if bits.take(1):
        return JpegXlHeader(rows, columns, 8, is_float=False, is_plain=True)
    is_plain = True
    if bits.take(1):
        # Orientation would turn the image.
        is_plain = bits.take(3) == 0
        if bits.take(1):
            _jpeg_xl_size(bits)
        if bits.take(2):
            return JpegXlHeader(rows, columns, 0, is_float=False, is_plain=False)
    is_float = bool(bits.take(1))
    precision = bits.choose(((0, 32), (0, 16), (0, 24), (6, 1)) if is_float else ((0, 8), (0, 10), (0, 12), (6, 1)))
    if is_float:
        bits.take(4)
    bits.take(1)
    is_plain = is_plain and bits.choose(((0, 0), (0, 1), (4, 2), (12, 1))) == 0
    return JpegXlHeader(rows, columns, precision, is_float=is_float, is_plain=is_plain)


def _jpeg_xl_size(bits: _Bits) -> tuple[int, int]:
    """Return rows and columns."""
    is_small = bits.take(1)
    rows = 8 * (bits.take(5) + 1) if is_small else bits.choose(_XL_SIDES)
    ratio = bits.take(3)
    if ratio:
        wide, high = _XL_RATIOS[ratio - 1]
        return rows, rows * wide // high
    return rows, 8 * (bits.take(5) + 1) if is_small else bits.choose(_XL_SIDES)


def _jpeg_xl_head(stream: bytes) -> bytes:
    """Return the first bytes of the codestream, after its own signature."""
    if stream.startswith(b"\xff\x0a"):
        return stream[2:66]
    if stream.startswith(_XL_SIGNATURE):
        for kind, start, _ in boxes(stream):
            if kind in {b"jxlc", b"jxlp"}:
                # A part is numbered first.
                at = start + (4 if kind == b"jxlp" else 0)
                if stream[at : at + 2] == b"\xff\x0a":
                    return stream[at + 2 : at + 66]
                break
    raise DamagedPixels(f"no JPEG XL: it starts with {stream[:4].hex()}")


class _Bits:
    """Reads bits, the lowest first (ISO 18181-1 B.2)."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise DamagedPixels("the JPEG XL header is cut off")
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._left -= count
        return value

    def choose(self, choices: tuple[tuple[int, int], ...]) -> int:
        """Read a number that is written in one of four ways: so many bits, plus a constant."""
        count, constant = choices[self.take(2)]
        return self.take(count) + constant
