"""The query of a WADO-URI request (PS3.18 9.1.2, 9.4.1.2, 9.5.1.2): read and checked, nothing located or drawn.

Names are taken in any case, as the clients of other servers write them; every error names its parameter. What is not
known is passed over; ``damaged`` is ours. Where editions of the Standard differ we are lenient: ``rows`` may come
without ``columns`` (9.5.2.5), a frame of a presented image may be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.dicom.query.switch import switch
from calotype.errors import InvalidRequest
from calotype.services.archive.pictures import Wish
from calotype.web.accept import MediaRange, parse_accept
from calotype.web.addresses import uid_of
from calotype.web.dicomweb.rendering_parameters import (
    Asked,
    burnt_annotations,
    damaged_shown,
    number,
    quality_of,
    side,
    single_values,
)

DICOM: Final = "application/dicom"
ANY_SYNTAX: Final = "*"
"""As it is stored; what Cornerstone's loader and others send for ``transferSyntax``."""

REQUIRED: Final = ("requestType", "studyUID", "seriesUID", "objectUID")
OPTIONAL: Final = (
    "contentType", "charset", "anonymize", "transferSyntax", "annotation", "imageAnnotation", "imageQuality",
    "frameNumber", "rows", "columns", "region", "windowCenter", "windowWidth", "presentationSeriesUID",
    "presentationUID", "damaged",
)  # fmt: skip

_KNOWN: Final[Mapping[str, str]] = {name.lower(): name for name in (*REQUIRED, *OPTIONAL)}


@dataclass(frozen=True, slots=True)
class UriRequest:
    """One request, whatever its answer will be.

    ``content_types`` is empty where none is asked for, ``transfer_syntax`` where any will do. ``presentation`` names
    series and instance of a presentation state.
    """

    ref: InstanceRef
    content_types: tuple[MediaRange, ...]
    asked: Asked
    transfer_syntax: UID
    is_anonymous: bool
    charset: str | None
    presentation: tuple[UID, UID] | None

    @property
    def is_rendering(self) -> bool:
        """Whether it says how an image is to be seen."""
        wish = self.asked.wish
        shaped = (wish.frame, wish.window, wish.region, wish.fit, self.presentation)
        return bool(wish.burn) or wish.is_forced or any(each is not None for each in shaped)

    @property
    def wants_dicom(self) -> bool:
        """Whether the object itself is asked for by name."""
        return any(wanted.media.essence == DICOM for wanted in self.content_types)


def uri_request(pairs: Iterable[tuple[str, str]]) -> UriRequest:
    """Read the query. InvalidRequest."""
    found = single_values(((_KNOWN.get(name.lower(), ""), value) for name, value in pairs), _KNOWN.values())
    for name in REQUIRED:
        if not found.get(name):
            raise InvalidRequest(f"{name}: missing; {', '.join(REQUIRED)} are needed")
    if found["requestType"].upper() != "WADO":
        raise InvalidRequest(f"requestType: WADO, not {found['requestType'][:40]!r}")
    request = UriRequest(
        InstanceRef(
            uid_of("studyUID", found["studyUID"]),
            uid_of("seriesUID", found["seriesUID"]),
            uid_of("objectUID", found["objectUID"]),
        ),
        _content_types(found.get("contentType")),
        _asked(found),
        _syntax(found.get("transferSyntax")),
        _is_anonymous(found.get("anonymize")),
        found.get("charset"),
        _presentation(found.get("presentationSeriesUID"), found.get("presentationUID")),
    )
    if request.asked.wish.window is not None:
        # 9.5.1.2.6: both are 400.
        if request.presentation is not None:
            raise InvalidRequest(
                "windowCenter, windowWidth: not together with a presentation state, which has its own"
            )
        if request.wants_dicom:
            raise InvalidRequest(f"windowCenter, windowWidth: not with contentType={DICOM}, which is not rendered")
    return request


def _content_types(text: str | None) -> tuple[MediaRange, ...]:
    if text is None:
        return ()
    try:
        # An unescaped plus sign arrives as a blank.
        ranges = parse_accept(text.strip().replace(" xml", "+xml").replace(" json", "+json") or "-")
    except InvalidRequest:
        raise InvalidRequest(f"contentType: media types with commas between them, for example {DICOM}") from None
    for wanted in ranges:
        forbidden = [name for name in ("transfer-syntax", "charset") if wanted.media.parameter(name) is not None]
        if forbidden:
            raise InvalidRequest(f"contentType: without {forbidden[0]}; transferSyntax and charset are for that")
    essences = {wanted.media.essence for wanted in ranges}
    if DICOM in essences and len(essences) > 1:
        raise InvalidRequest(f"contentType: {DICOM} alone or rendered media types, not both")
    return ranges


def _asked(found: Mapping[str, str]) -> Asked:
    name = "annotation" if "annotation" in found else "imageAnnotation"
    burn, warnings = burnt_annotations(name, found.get(name))
    wish = Wish(
        burn=burn,
        quality=quality_of("imageQuality", found.get("imageQuality")),
        is_forced=damaged_shown(found.get("damaged")),
    )
    if "frameNumber" in found:
        wish = replace(wish, frame=side("frameNumber", found["frameNumber"]))
    if "rows" in found or "columns" in found:
        from calotype.dicom.pixels.geometry import MAX_SIDE_PX

        wide, high = (side(name, found.get(name, str(MAX_SIDE_PX))) for name in ("columns", "rows"))
        wish = replace(wish, fit=(wide, high))
    if "region" in found:
        wish = _in_region(wish, found["region"])
    if ("windowCenter" in found) != ("windowWidth" in found):
        raise InvalidRequest("windowCenter, windowWidth: both or none")
    if "windowCenter" in found:
        from calotype.dicom.pixels.luts import VoiFunction, Window  # numpy: loaded when a picture is asked for

        center, width = (number(name, found[name]) for name in ("windowCenter", "windowWidth"))
        wish = replace(wish, window=Window(center, width, VoiFunction.LINEAR))
    return Asked(wish, warnings)


def _in_region(wish: Wish, text: str) -> Wish:
    from calotype.dicom.pixels.geometry import Region

    parts = text[:200].split(",")
    if len(parts) != 4:
        raise InvalidRequest(f"region: xmin,ymin,xmax,ymax, not {len(parts)} values")
    left, top, right, bottom = (number("region", part) for part in parts)
    # 9.5.1.2.5: shares of the image's width and height.
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InvalidRequest("region: numbers from 0.0 to 1.0, the smaller of each direction first")
    return replace(wish, region=Region(left, top, right, bottom, is_relative=True))


def _syntax(text: str | None) -> UID:
    if text is None or text.strip() == ANY_SYNTAX:
        return UID("")
    syntax = text.strip()
    if not syntax or len(syntax) > 64 or not all(part.isascii() and part.isdecimal() for part in syntax.split(".")):
        raise InvalidRequest("transferSyntax: the UID of one transfer syntax, or * for the stored one")
    return UID(syntax)


def _is_anonymous(text: str | None) -> bool:
    if text is None:
        return False
    wanted = switch(text)
    if wanted is None:
        raise InvalidRequest(f"anonymize: yes, or not at all; not {text[:40]!r}")
    return wanted


def _presentation(series: str | None, instance: str | None) -> tuple[UID, UID] | None:
    if series is None and instance is None:
        return None
    if not series or not instance:
        raise InvalidRequest("presentationSeriesUID, presentationUID: both or none")
    return uid_of("presentationSeriesUID", series), uid_of("presentationUID", instance)
