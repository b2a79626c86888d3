"""Pictures as files: JPEG, PNG, GIF, JPEG 2000, and the colour profile in them (PS3.18 Table 8.7.4-1).

Takes what ``render`` makes. JPEG and JPEG 2000 are encoded by imagecodecs, which lets other threads run meanwhile,
the rest by Pillow. Both are loaded by the first picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calotype.dicom.pixels.profiles import ColourSpace, profile_of
from calotype.errors import InvalidRequest, Unsupported

Array: TypeAlias = NDArray[Any]

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
GIF: Final = "image/gif"
JP2: Final = "image/jp2"
SINGLE_FRAME: Final = (JPEG, PNG, GIF, JP2)
"""Media types of a single picture, the Standard's default first."""

DEFAULT_QUALITY: Final = 90
_LEAST_MS: Final = 20
"""Browsers show what is said to be shorter for 100 ms."""
_PNG_LEVEL: Final = 3
"""A third of the time of the default, some 5 % larger."""


def to_image(picture: Array, media_type: str, *, quality: int = DEFAULT_QUALITY, profile: bytes = b"") -> bytes:
    """Return one picture as a file of ``media_type``, ``profile`` (ICC) in it. Unsupported for other media types.

    ``quality`` is JPEG's, 1 to 100; JPEG 2000 is about as good, and exact at 100.
    """
    if media_type == JPEG:
        return to_jpeg(picture, quality, profile)
    if media_type == PNG:
        return _by_pillow(picture, "PNG", profile, compress_level=_PNG_LEVEL)
    if media_type == GIF:
        return to_gif([picture], [])
    if media_type == JP2:
        return _to_jp2(picture, quality)
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

    ``own`` is the profile that came with the object, empty without one: sRGB then. A profile that cannot be read is
    passed over.
    """
    if wanted is ColourSpace.NO or picture.ndim == 2:
        return picture, b""  # a profile of colours says nothing of greys
    if wanted is ColourSpace.YES:
        return picture, own or profile_of(ColourSpace.SRGB)
    target = profile_of(wanted)
    if not own and wanted is ColourSpace.SRGB:
        return picture, target
    from PIL import Image, ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(own or profile_of(ColourSpace.SRGB)))
        seen = ImageCms.profileToProfile(
            Image.fromarray(picture), source, ImageCms.ImageCmsProfile(io.BytesIO(target))
        )
    except (ImageCms.PyCMSError, OSError):
        return picture, target
    return (picture if seen is None else np.asarray(seen)), target


def _to_jp2(picture: Array, quality: int) -> bytes:
    import imagecodecs

    if quality >= 100:
        return bytes(imagecodecs.jpeg2k_encode(picture, codecformat="jp2", level=0))
    # The level is a signal-to-noise ratio in dB: JPEG of qualities 1 to 99 comes to about these.
    return bytes(imagecodecs.jpeg2k_encode(picture, codecformat="jp2", level=25 + quality // 5))


def _by_pillow(picture: Array, form: str, profile: bytes, **how: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture).save(out, form, icc_profile=profile or None, **how)
    return out.getvalue()
