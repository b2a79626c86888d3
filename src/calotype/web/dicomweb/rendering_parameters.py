"""The query parameters of rendered resources (PS3.18 8.3.5) as a wish: read, checked, nothing drawn.

Every error names its parameter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from calotype.errors import InvalidRequest
from calotype.services.archive.pictures import DEFAULT_QUALITY, DEFAULT_THUMBNAIL_PX, Burn, Wish

MAX_FRAMES: Final = 10_000
MAX_THUMBNAIL_PX: Final = 2048
_MAX_CHARS: Final = 200
_MAX_LIST_CHARS: Final = 100_000
_PROFILES: Final = ("no", "yes", "srgb", "adobergb", "rommrgb", "displayp3")
_FUNCTIONS: Final = {
    "linear": "LINEAR",
    "linear-exact": "LINEAR_EXACT",
    "linear_exact": "LINEAR_EXACT",
    "sigmoid": "SIGMOID",
}
_ABSURD: Final = 1e9


def wish_of(parameters: Mapping[str, str]) -> Wish:
    """Return what the parameters ask for. InvalidRequest."""
    from calotype.dicom.pixels.geometry import Region
    from calotype.dicom.pixels.luts import VoiFunction, Window  # numpy: loaded when a picture is asked for

    wish = Wish(
        quality=_quality(parameters.get("quality", "")),
        burn=_burn(parameters.get("annotation", "")),
        colour_space=_profile(parameters.get("iccprofile", "")),
    )
    if window := parameters.get("window"):
        center, width, *function = _split("window", window, 2, 3)
        name = _FUNCTIONS.get(function[0].strip().lower()) if function else "LINEAR"
        if name is None:
            raise InvalidRequest(f"window: the function is one of linear, linear-exact, sigmoid, not {function[0]}")
        wish = replace(wish, window=Window(_number("window", center), _number("window", width), VoiFunction(name)))
    if viewport := parameters.get("viewport"):
        parts = _split("viewport", viewport, 2, 6)
        wish = replace(wish, fit=(_side("viewport", parts[0]), _side("viewport", parts[1])))
        sx, sy, sw, sh = ([*parts[2:], "", "", "", ""])[:4]
        if any(part.strip() for part in (sx, sy, sw, sh)):
            left, top = (_number("viewport", part) if part.strip() else 0.0 for part in (sx, sy))
            wide, high = (_number("viewport", part) if part.strip() else _ABSURD for part in (sw, sh))
            # PS3.18 8.3.5.1.3: a negative width or height flips what is shown.
            wish = replace(
                wish,
                region=Region(left, top, left + abs(wide), top + abs(high)),
                flip_horizontal=wide < 0,
                flip_vertical=high < 0,
            )
    return wish


def thumbnail_wish(parameters: Mapping[str, str]) -> Wish:
    """Return what is asked for of a thumbnail: ``viewport=width,height``, or ``size`` for both. InvalidRequest."""
    if viewport := parameters.get("viewport"):
        width, height, *_ = _split("viewport", viewport, 2, 6)
        fit = (_side("viewport", width), _side("viewport", height))
    elif size := parameters.get("size"):
        fit = (_side("size", size),) * 2
    else:
        fit = (DEFAULT_THUMBNAIL_PX,) * 2
    if max(fit) > MAX_THUMBNAIL_PX:
        raise InvalidRequest(f"a thumbnail is at most {MAX_THUMBNAIL_PX} pixels wide and high; ask for rendered")
    return Wish(fit=fit, quality=_quality(parameters.get("quality", "")))


def frame_list(text: str) -> list[int]:
    """Return the frames that a path names: ``1,2,5``, from 1. InvalidRequest."""
    parts = text[:_MAX_LIST_CHARS].split(",")
    if len(parts) > MAX_FRAMES or len(text) > _MAX_LIST_CHARS:
        raise InvalidRequest(f"frames: more than {MAX_FRAMES} in one request")
    numbers = [int(part) if part.isascii() and part.isdecimal() and len(part) < 11 else 0 for part in parts]
    if min(numbers) < 1:
        raise InvalidRequest("frames: a list of numbers from 1, for example 1,2,5")
    return numbers


def _split(name: str, text: str, least: int, most: int) -> list[str]:
    parts = text[:_MAX_CHARS].split(",")
    if not least <= len(parts) <= most:
        raise InvalidRequest(f"{name}: {least} to {most} values with commas between them, not {len(parts)}")
    return parts


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise InvalidRequest(f"{name}: {text[:40]!r} is no number") from None
    if not math.isfinite(number) or abs(number) > _ABSURD:
        raise InvalidRequest(f"{name}: {text[:40]!r} is no sensible number")
    return number


def _side(name: str, text: str) -> int:
    number = _number(name, text)
    if number < 1 or number != int(number):
        raise InvalidRequest(f"{name}: a width or height is a whole number from 1, not {text[:40]!r}")
    return int(number)


def _quality(text: str) -> int:
    if not text:
        return DEFAULT_QUALITY
    quality = _number("quality", text)
    if not 1 <= quality <= 100 or quality != int(quality):
        raise InvalidRequest("quality: a whole number from 1 to 100")
    return int(quality)


def _burn(text: str) -> frozenset[Burn]:
    wanted = {part.strip().lower() for part in text[:_MAX_CHARS].split(",") if part.strip()}
    if unknown := wanted - set(Burn):
        raise InvalidRequest(f"annotation: patient, technique or both, not {', '.join(sorted(unknown))}")
    return frozenset(Burn(part) for part in wanted)


def _profile(text: str) -> str:
    if text and text.lower() not in _PROFILES:
        raise InvalidRequest(f"iccprofile: one of {', '.join(_PROFILES)}")
    return text.lower()
