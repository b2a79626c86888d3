"""The query parameters of rendered resources (PS3.18 8.3.5) as a wish: read, checked, nothing drawn.

Every error names its parameter. Parameters that are not known are passed over, as PS3.18 8.3 wants it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from calotype.errors import InvalidRequest
from calotype.services.archive.pictures import DEFAULT_QUALITY, DEFAULT_THUMBNAIL_PX, Burn, Wish
from calotype.web.warnings import warning

MAX_FRAMES: Final = 10_000
MAX_THUMBNAIL_PX: Final = 2048

RENDERED_PARAMETERS: Final = (
    "accept", "annotation", "anonymize", "charset", "damaged", "iccprofile", "quality", "viewport", "window"
)  # fmt: skip
"""``damaged=show`` is ours: what is left of a damaged frame."""
THUMBNAIL_PARAMETERS: Final = ("accept", "anonymize", "charset", "quality", "size", "viewport")
"""``size`` is DicomSCP's: one number for both sides."""

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
_KEYWORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wished for, and what of it is passed over with a word about it."""

    wish: Wish
    warnings: tuple[str, ...] = field(default=())

    @property
    def headers(self) -> dict[str, str]:
        """The ``Warning`` of PS3.18 8.3.5.1.1."""
        return {"Warning": warning(*self.warnings)} if self.warnings else {}


def single_values(pairs: Iterable[tuple[str, str]], known: Iterable[str]) -> dict[str, str]:
    """Return the known parameters of a query. InvalidRequest when one is given twice: which of them would count?"""
    wanted = frozenset(known)
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in wanted:
            if name in found:
                raise InvalidRequest(f"{name}: given more than once")
            found[name] = value
    return found


def asked_of(parameters: Mapping[str, str]) -> Asked:
    """Return what the parameters ask for. InvalidRequest."""
    burn, warnings = burnt_annotations("annotation", parameters.get("annotation"))
    wish = Wish(
        quality=quality_of("quality", parameters.get("quality")),
        burn=burn,
        colour_space=_profile(parameters.get("iccprofile")),
        is_forced=damaged_shown(parameters.get("damaged")),
    )
    if (window := parameters.get("window")) is not None:
        from calotype.dicom.pixels.luts import VoiFunction, Window  # numpy: loaded when a picture is asked for

        center, width, *function = _split("window", window, 2, 3)
        name = _FUNCTIONS.get(function[0].strip().lower()) if function else "LINEAR"
        if name is None:
            raise InvalidRequest(
                f"window: the function is one of linear, linear-exact, sigmoid, not {function[0][:40]!r}"
            )
        wish = replace(wish, window=Window(number("window", center), number("window", width), VoiFunction(name)))
    if (viewport := parameters.get("viewport")) is not None:
        wish = _in_viewport(wish, viewport)
    return Asked(wish, warnings)


def damaged_shown(text: str | None) -> bool:
    """Return whether what is left of damaged frames is asked for. InvalidRequest."""
    if text not in {None, "show", "refuse"}:
        raise InvalidRequest("damaged: show or refuse")
    return text == "show"


def thumbnail_wish(parameters: Mapping[str, str]) -> Wish:
    """Return what is asked for of a thumbnail: ``viewport=width,height``, or ``size`` for both. InvalidRequest."""
    if (viewport := parameters.get("viewport")) is not None:
        # PS3.18 8.3.5.1.3: anything but these two is 400 for a thumbnail. One number for both is DicomSCP's.
        sides = _split("viewport", viewport, 1, 2)
        fit = (side("viewport", sides[0]), side("viewport", sides[-1]))
    elif (size := parameters.get("size")) is not None:
        fit = (side("size", size),) * 2
    else:
        fit = (DEFAULT_THUMBNAIL_PX,) * 2
    if max(fit) > MAX_THUMBNAIL_PX:
        raise InvalidRequest(f"a thumbnail is at most {MAX_THUMBNAIL_PX} pixels wide and high; ask for rendered")
    return Wish(fit=fit, quality=quality_of("quality", parameters.get("quality")))


def frame_list(text: str) -> list[int]:
    """Return the frames that a path names: ``1,2,5``, from 1. InvalidRequest."""
    parts = text[:_MAX_LIST_CHARS].split(",")
    if len(parts) > MAX_FRAMES or len(text) > _MAX_LIST_CHARS:
        raise InvalidRequest(f"frames: more than {MAX_FRAMES} in one request")
    numbers = [int(part) if part.isascii() and part.isdecimal() and len(part) < 11 else 0 for part in parts]
    if min(numbers) < 1:
        raise InvalidRequest("frames: a list of numbers from 1, for example 1,2,5")
    return numbers


def number(name: str, text: str) -> float:
    """Return a decimal number. InvalidRequest for anything else, and for absurd ones."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        raise InvalidRequest(f"{name}: {text[:40]!r} is no number") from None
    if not math.isfinite(value) or abs(value) > _ABSURD:
        raise InvalidRequest(f"{name}: {text[:40]!r} is no sensible number")
    return value


def side(name: str, text: str) -> int:
    """Return a whole number from 1. InvalidRequest."""
    value = number(name, text)
    if value < 1 or value != int(value):
        raise InvalidRequest(f"{name}: a whole number from 1, not {text[:40]!r}")
    return int(value)


def quality_of(name: str, text: str | None) -> int:
    """Return a quality, 1 to 100; the default where nothing is asked. InvalidRequest."""
    if text is None:
        return DEFAULT_QUALITY
    value = number(name, text)
    if not 1 <= value <= 100 or value != int(value):
        raise InvalidRequest(f"{name}: a whole number from 1 to 100, not {text[:40]!r}")
    return int(value)


def burnt_annotations(name: str, text: str | None) -> tuple[frozenset[Burn], tuple[str, ...]]:
    """Return what is to be written into a picture, and what to say of keywords that mean nothing here.

    InvalidRequest for what is no list of keywords, an empty one too.
    """
    if text is None:
        return frozenset(), ()
    wanted = [word.strip() for word in text[:_MAX_CHARS].split(",")]
    if not all(map(_KEYWORD.match, wanted)):
        raise InvalidRequest(f"{name}: patient, technique, or both with a comma between them")
    known = frozenset(Burn(word.lower()) for word in wanted if word.lower() in set(Burn))
    others = [word for word in wanted if word.lower() not in set(Burn)]
    told = f"The following annotation values are not supported: {' '.join(others)}"
    return known, (told,) if others else ()


def _in_viewport(wish: Wish, viewport: str) -> Wish:
    from calotype.dicom.pixels.geometry import Region

    parts = _split("viewport", viewport, 2, 6)
    wish = replace(wish, fit=(side("viewport", parts[0]), side("viewport", parts[1])))
    sx, sy, sw, sh = ([*parts[2:], "", "", "", ""])[:4]
    if not any(part.strip() for part in (sx, sy, sw, sh)):
        return wish
    left, top = (abs(number("viewport", part)) if part.strip() else 0.0 for part in (sx, sy))
    wide, high = (number("viewport", part) if part.strip() else _ABSURD for part in (sw, sh))
    # PS3.18 8.3.5.1.3: absolute values count; a negative width or height flips what is shown.
    return replace(
        wish,
        region=Region(left, top, left + abs(wide), top + abs(high)),
        flip_horizontal=wide < 0,
        flip_vertical=high < 0,
    )


def _split(name: str, text: str, least: int, most: int) -> list[str]:
    parts = text[:_MAX_CHARS].split(",")
    if not least <= len(parts) <= most:
        wanted = f"{least} to {most}" if most > least else str(least)
        raise InvalidRequest(f"{name}: {wanted} values with commas between them, not {len(parts)}")
    return parts


def _profile(text: str | None) -> str:
    if text is not None and text.lower() not in _PROFILES:
        raise InvalidRequest(f"iccprofile: one of {', '.join(_PROFILES)}")
    return (text or "").lower()
