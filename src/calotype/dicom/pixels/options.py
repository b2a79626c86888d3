"""How much encoders with loss may lose. Those without loss ask nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """One field for each way of losing."""

    jpeg_quality: int = 90
    """JPEG Baseline and Extended: 1 to 100."""
    near: int = 2
    """JPEG-LS Near-Lossless: the largest difference of a sample (NEAR of ISO 14495-1), 1 to 255."""
    psnr_db: float = 50.0
    """JPEG 2000 and HTJ2K: peak signal to noise ratio, by Bits Stored; 50 is about 8:1 of a CT."""
    distance: float = 1.0
    """JPEG XL: Butteraugli distance, 0.05 to 15; 1 is about what an eye just sees."""


DEFAULT_OPTIONS: Final = EncodeOptions()
