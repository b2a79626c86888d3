"""What stands in the place of a value that must not be empty: valid for its VR, the same for everybody.

PS3.15 E.1.1: "replace with a non-zero length value that may be a dummy value and consistent with the VR".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from calotype.dicom.datasets import Element

DATE: Final = "19000101"
WORDS: Final = frozenset({"anon", "anonymous", "anonymized", "removed", "by", "de", "identification", "comment"})
"""Every word that is written in the place of another; finding one of them tells nothing."""

_TEXT: Final = b"ANONYMIZED"
VALUES: Final[Mapping[str, bytes]] = {
    "AE": _TEXT, "CS": _TEXT, "LO": _TEXT, "LT": _TEXT, "SH": _TEXT, "ST": _TEXT, "UC": _TEXT, "UT": _TEXT,
    "AS": b"000Y", "DA": DATE.encode(), "DS": b"0 ", "DT": DATE.encode() + b"000000", "IS": b"0 ",
    "PN": b"Anonymous ", "TM": b"000000", "UI": b"2.25.0", "UR": b"urn:anonymous ",
    "AT": bytes(4), "FD": bytes(8), "FL": bytes(4), "OB": bytes(2), "OD": bytes(8), "OF": bytes(4), "OL": bytes(4),
    "OV": bytes(8), "OW": bytes(2), "SL": bytes(4), "SS": bytes(2), "SV": bytes(8), "UL": bytes(4), "UN": bytes(2),
    "US": bytes(2), "UV": bytes(8),
}  # fmt: skip
"""By VR, of even length. A number is nought in either byte order."""

Item = tuple[Element, ...]


def value_of(vr: str) -> bytes:
    """Return the dummy of a VR, ambiguous ones too."""
    return VALUES.get(vr.split("/", 1)[0], VALUES["UN"])


def text(tag: int, vr: str, value: str) -> Element:
    """Return an element of ASCII text."""
    raw = value.encode("ascii")
    return Element(tag, vr, raw + (b"\0" if vr == "UI" else b" ") * (len(raw) % 2))


def code(value: str, scheme: str, meaning: str) -> Item:
    """Return the item of a coded concept (PS3.3 8.8)."""
    return (text(0x00080100, "SH", value), text(0x00080102, "SH", scheme), text(0x00080104, "LO", meaning))


_NOBODY: Final = code("ANONYMIZED", "99CALOTYPE", "Anonymized")


def _nobody() -> tuple[Item, ...]:
    return (_NOBODY,)


def _operator() -> tuple[Item, ...]:
    # PS3.3 Table 10-1: the institution, by name or code, and the person's code are of Type 1 (1C).
    return ((text(0x00080080, "LO", "ANONYMIZED"), Element(0x00401101, "SQ", (_NOBODY,))),)


def _verifying_observer() -> tuple[Item, ...]:
    # PS3.3 Table C.17-2.
    return (
        (
            text(0x0040A027, "LO", "ANONYMIZED"),
            text(0x0040A030, "DT", DATE + "000000"),
            text(0x0040A075, "PN", "Anonymous"),
            Element(0x0040A088, "SQ", ()),
        ),
    )


def _comment() -> tuple[Item, ...]:
    """Return the content of a report whose content is gone (PS3.3 C.17.3)."""
    return (
        (
            text(0x0040A010, "CS", "CONTAINS"),
            text(0x0040A040, "CS", "TEXT"),
            Element(0x0040A043, "SQ", (code("121106", "DCM", "Comment"),)),
            text(0x0040A160, "UT", "Removed by de-identification"),
        ),
    )


SEQUENCES: Final[Mapping[int, Callable[[], tuple[Item, ...]]]] = {
    0x00080082: _nobody,
    0x00081072: _operator,
    0x00401101: _nobody,
    0x0040A073: _verifying_observer,
    0x0040A730: _comment,
}
"""Items that stand in the place of those of a sequence, by its tag."""

PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \n"
    b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n164\n%%EOF\n"
)
"""A document of one empty page (PDF 1.4)."""
