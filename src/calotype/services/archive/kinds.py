"""What an object is likely to be seen as, by its SOP class and transfer syntax: nothing is opened."""

from __future__ import annotations

from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import SOP_CLASSES, transfer_syntax
from calotype.services.archive.documents import PDF, REPORT_TYPES
from calotype.services.archive.ports import StoredInstance

_PRESENTATION_STATE: Final = "1.2.840.10008.5.1.4.1.1.11."
_WITH_PIXELS: Final = ("Image", "Segmentation", "RTDose", "ParametricMap", "Photography", "Microscopy")
_REPORTS: Final = ("SRStorage", "KeyObjectSelectionDocument", "ProcedureLog")
_VIDEO: Final = ("MPEG", "HEVC", "SMPTE")


def is_presentation_state(sop_class: UID) -> bool:
    """Whether objects of a class say how images are shown."""
    return sop_class.startswith(_PRESENTATION_STATE)


def is_image(sop_class: UID) -> bool:
    """Whether objects of a class have pixels; of a class that nobody knows, perhaps."""
    return _is_named(sop_class, _WITH_PIXELS)


def is_video(syntax: UID) -> bool:
    """Whether a transfer syntax is one of films, which are not decoded here."""
    return any(part in transfer_syntax(syntax).keyword.upper() for part in _VIDEO)


def is_seen_as(stored: StoredInstance, media_type: str) -> bool:
    """Whether an object is likely to have such a rendering; that it has none may still turn out."""
    if media_type in REPORT_TYPES:
        return _is_named(stored.sop_class, _REPORTS)
    if media_type == PDF:
        return _is_named(stored.sop_class, ("EncapsulatedPDF",))
    if is_presentation_state(stored.sop_class):
        return True
    return is_image(stored.sop_class) and not is_video(stored.location.transfer_syntax)


def _is_named(sop_class: UID, parts: tuple[str, ...]) -> bool:
    known = SOP_CLASSES.get(sop_class)
    return known is None or any(part in known.keyword for part in parts)
