"""How somebody wants to see an object: the words that who asks and who draws have in common. Nothing is done here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from calotype.dicom.hierarchy import UID

if TYPE_CHECKING:
    from calotype.dicom.pixels.geometry import Region
    from calotype.dicom.pixels.luts import Window

JPEG, PNG, GIF, JP2, MP4 = "image/jpeg", "image/png", "image/gif", "image/jp2", "video/mp4"
STILLS: Final = (JPEG, PNG, GIF, JP2)
"""Media types of one frame, the Standard's default first (PS3.18 Table 8.7.3-1)."""

DEFAULT_QUALITY: Final = 90
DEFAULT_THUMBNAIL_PX: Final = 256


class Burn(StrEnum):
    """What may be written into a picture (PS3.18 8.3.5.1.1)."""

    PATIENT = "patient"
    TECHNIQUE = "technique"


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to see an object. Everything here, and nothing else, decides how the picture looks."""

    media_type: str = JPEG
    frame: int | None = None
    """From 1; ``None``: the first of a picture, all of a cine."""
    window: Window | None = None
    region: Region | None = None
    fit: tuple[int, int] | None = None
    flip_horizontal: bool = False
    flip_vertical: bool = False
    quality: int = DEFAULT_QUALITY
    burn: frozenset[Burn] = frozenset()
    colour_space: str = ""
    """``no``, ``yes``, ``srgb``; empty: the object's own profile goes along if it has one."""
    presentation: UID | None = None
    """SOP Instance UID of a presentation state to apply."""
    is_forced: bool = False
    """Show what is left of a damaged frame, where that may be tried."""
