"""Pictures as files: JPEG, PNG, GIF, and the colour profile in them (PS3.18 Table 8.7.3-1).

Takes what ``render`` makes. JPEG is encoded by imagecodecs, which lets other threads run meanwhile; the rest by
Pillow. Both are loaded by the first picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calotype.errors import InvalidRequest, Unsupported

Array: TypeAlias = NDArray[Any]

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
GIF: Final = "image/gif"
SINGLE_FRAME: Final = (JPEG, PNG, GIF)
"""Media types of a single picture, the Standard's default first."""

DEFAULT_QUALITY: Final = 90
_LEAST_MS: Final = 20
"""Browsers show what is said to be shorter for 100 ms."""
_PNG_LEVEL: Final = 3
"""A third of the time of the default, some 5 % larger."""


class ColourSpace(StrEnum):
    """What is asked for of a colour profile (PS3.18 8.3.5.1.5)."""

    NO = "no"
    YES = "yes"
    SRGB = "srgb"
    ADOBE_RGB = "adobergb"
    ROMM_RGB = "rommrgb"
    DISPLAY_P3 = "displayp3"


def to_image(picture: Array, media_type: str, *, quality: int = DEFAULT_QUALITY, profile: bytes = b"") -> bytes:
    """Return one picture as a file of ``media_type``, ``profile`` (ICC) in it. Unsupported for other media types.

    ``quality`` is JPEG's, 1 to 100.
    """
    if media_type == JPEG:
        return to_jpeg(picture, quality, profile)
    if media_type == PNG:
        return _by_pillow(picture, "PNG", profile, compress_level=_PNG_LEVEL)
    if media_type == GIF:
        return to_gif([picture], [])
    raise Unsupported(f"a picture is made as {', '.join(SINGLE_FRAME)}, not as {media_type}")


def to_jpeg(picture: Array, quality: int = DEFAULT_QUALITY, profile: bytes = b"") -> bytes:
    """Return a picture as JPEG. InvalidRequest for a quality outside of 1 to 100."""
    if not 1 <= quality <= 100:
        raise InvalidRequest(f"quality={quality}: from 1 to 100")
    if profile:
        return _by_pillow(picture, "JPEG", profile, quality=quality)
    import imagecodecs

    return bytes(imagecodecs.jpeg8_encode(picture, level=quality))


def to_gif(pictures: Iterable[Array], durations_ms: Sequence[float]) -> bytes:
    """Return pictures as one GIF that repeats; each is shown for its duration, rounded to 10 ms as GIF does.

    They are taken one after the other. Without ``durations_ms`` it is a single picture.
    """
    from PIL import Image

    images = (Image.fromarray(picture) for picture in pictures)
    out = io.BytesIO()
    if len(durations_ms) < 2:
        next(images).save(out, "GIF")
    else:
        durations = [max(_LEAST_MS, round(each)) for each in durations_ms]
        next(images).save(out, "GIF", save_all=True, append_images=images, duration=durations, loop=0)
    return out.getvalue()


def converted(picture: Array, own: bytes, wanted: ColourSpace) -> tuple[Array, bytes]:
    """Return a colour picture in the colour space that is wanted, and the profile that says so.

    ``own`` is the profile that came with the object, empty without one: sRGB then. Unsupported where the profile
    wanted is not here; a profile that cannot be read is passed over.
    """
    if wanted not in {ColourSpace.NO, ColourSpace.YES, ColourSpace.SRGB}:
        raise Unsupported(f"iccprofile={wanted}: no, yes and srgb are offered")
    if wanted is ColourSpace.NO or picture.ndim == 2:
        return picture, b""  # a profile of colours says nothing of greys
    if wanted is ColourSpace.YES:
        return picture, own or _srgb()
    if own:
        from PIL import Image, ImageCms

        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(own))
            target = ImageCms.createProfile("sRGB")
            seen = ImageCms.profileToProfile(Image.fromarray(picture), source, target)
            picture = picture if seen is None else np.asarray(seen)
        except (ImageCms.PyCMSError, OSError):
            return picture, _srgb()
    return picture, _srgb()


def _srgb() -> bytes:
    from PIL import ImageCms

    return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def _by_pillow(picture: Array, form: str, profile: bytes, **how: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture).save(out, form, icc_profile=profile or None, **how)
    return out.getvalue()
