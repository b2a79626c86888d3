"""Whether an object that was compressed still is what it was: each frame decoded again and held against the original.

For whoever means to let go of the original. What is asked is more than that stored values are the same: their cells
must follow from them, bit for bit, so that an uncompressed form made later has the pixel bytes that came.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs, native
from calotype.dicom.pixels.anatomy import dissect
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.frames import FrameIndex, ReadAt, read_frame
from calotype.dicom.pixels.subject import Subject, read_subject
from calotype.dicom.pixels.transcode import Each, one_by_one
from calotype.dicom.uids import transfer_syntax
from calotype.errors import DamagedPixels, Unsupported

LEAST_PSNR_DB: Final = 20.0
"""Below this a picture is not the one that was compressed, whatever loss was asked for."""


def prove_exact(before: memoryview, stored: UID, after: memoryview, to: UID, *, each: Each = one_by_one) -> None:
    """Raise unless ``after``, in ``to``, holds every frame of ``before``, uncompressed in ``stored``, bit for bit.

    DamagedPixels when a frame came out otherwise; Unsupported when the original holds more than frames can tell: bits
    outside of those stored, or bytes after the last frame.
    """
    old, new = _both(before, stored, after, to)
    description, index = old.description, old.index
    _check_length(before, stored, index, description)

    def work(pair: tuple[int, bytes, bytes]) -> None:
        number, raw, coded = pair
        values = codecs.decode(raw, description, old.codec)
        if not _is_told_by_values(raw, values, description):
            raise Unsupported(f"frame {number} has bits outside of those stored, which would be lost")
        again = codecs.decode(coded, new.description, new.codec)
        if again.dtype != values.dtype or again.shape != values.shape or bool((again != values).any()):
            raise DamagedPixels(f"frame {number} does not come out of {transfer_syntax(to).name} as it went in")

    for _ in each(work, _pairs(old, new)):
        pass


def prove_close(before: memoryview, stored: UID, after: memoryview, to: UID, *, each: Each = one_by_one) -> None:
    """Raise DamagedPixels unless every frame of ``after`` shows what ``before`` does, loss apart.

    For objects compressed with loss: this finds a codec that failed, it does not judge the loss that was asked for.
    Colours are held against each other as both decode, so not where only one of them is coded as luminance.
    """
    old, new = _both(before, stored, after, to)
    is_comparable = (
        codecs.decoded_description(old.description, old.codec).photometric_interpretation
        == codecs.decoded_description(new.description, new.codec).photometric_interpretation
    )
    peak = (1 << old.description.bits_stored) - 1

    def work(pair: tuple[int, bytes, bytes]) -> None:
        number, raw, coded = pair
        values = codecs.decode(raw, old.description, old.codec)
        again = codecs.decode(coded, new.description, new.codec)
        if again.shape != values.shape or (is_comparable and _psnr_db(values, again, peak) < LEAST_PSNR_DB):
            raise DamagedPixels(f"frame {number} comes out of {transfer_syntax(to).name} as another picture")

    for _ in each(work, _pairs(old, new)):
        pass


class _Side:
    """The frames of one object."""

    def __init__(self, subject: Subject, read_at: ReadAt) -> None:
        self.description, self.index = subject.checked()
        self.codec = subject.codec
        self._read_at = read_at

    def frame(self, number: int) -> bytes:
        return read_frame(self.index, number, self._read_at)


def _both(before: memoryview, stored: UID, after: memoryview, to: UID) -> tuple[_Side, _Side]:
    old, new = _Side(*read_subject(before, stored)), _Side(*read_subject(after, to))
    counts = old.index.number_of_frames, new.index.number_of_frames
    if counts[0] != counts[1] or counts[0] != old.description.number_of_frames:
        raise DamagedPixels(f"of {counts[0]} frames, {counts[1]} are there")
    return old, new


def _pairs(old: _Side, new: _Side) -> Iterator[tuple[int, bytes, bytes]]:
    for number in range(1, old.index.number_of_frames + 1):
        yield number, old.frame(number), new.frame(number)


def _check_length(before: memoryview, stored: UID, index: FrameIndex, description: PixelDescription) -> None:
    pixels = dissect(before, stored).pixels
    assert pixels is not None  # noqa: S101 - its frames have been found
    left = pixels[4] - pixels[3] - (description.frame_bits * index.number_of_frames + 7) // 8
    if left not in {0, 1}:
        raise Unsupported(f"Pixel Data has {left} bytes after its last frame, which would be lost")


def _is_told_by_values(raw: bytes, values: native.Array, description: PixelDescription) -> bool:
    """Tell whether a frame's cells are what writing its values anew gives."""
    if description.bits_allocated == 1:
        return True
    if description.is_subsampled:
        return not native.has_bits_outside(raw, description)
    return native.encode(values, description) == raw[: description.frame_bytes]


def _psnr_db(values: native.Array, again: native.Array, peak: int) -> float:
    import numpy as np  # loaded by the first frame, see the package

    error = float(np.mean(np.square(values.astype(np.float64) - again.astype(np.float64))))
    return float("inf") if error == 0 else 10 * float(np.log10(peak * peak / error))
