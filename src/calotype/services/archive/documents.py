"""Objects that are read rather than looked at: encapsulated documents as they are, structured reports as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from calotype.dicom.pixels.subject import DOCUMENT_MEDIA_TYPE, VALUE_TYPE
from calotype.dicom.report import report_of, to_html, to_plain
from calotype.dicom.xml_model import native_model
from calotype.errors import Unsupported
from calotype.services.archive.looking import Opened

HTML, PLAIN, XML, PDF = "text/html", "text/plain", "text/xml", "application/pdf"

REPORT_TYPES: Final = (HTML, PLAIN, XML)
"""Media types of a report, the Standard's default first (PS3.18 Table 8.7.4-1); XML is the Native DICOM Model."""

ENCAPSULATED_TYPES: Final[Mapping[str, str]] = {
    PDF: PDF, XML: XML, "application/xml": XML, "model/stl": "model/stl", "model/obj": "model/obj",
    "model/mtl": "model/mtl",
}  # fmt: skip
"""Documents that are handed out, by what they say they are; anything else stays in its object."""


def document_types(opened: Opened) -> tuple[str, ...]:
    """Return in which forms an object can be read, the default first; none when it is nothing to read."""
    attributes = opened.subject.attributes
    if opened.subject.document is not None:
        found = ENCAPSULATED_TYPES.get(attributes.text(DOCUMENT_MEDIA_TYPE).lower())
        return (found,) if found else ()
    return REPORT_TYPES if attributes.text(VALUE_TYPE) == "CONTAINER" else ()


def read_document(opened: Opened, media_type: str, header: Callable[[], bytes]) -> bytes:
    """Return an object in one of its :func:`document_types`; text of a report is in UTF-8.

    ``header`` gets the object's DICOM JSON. Unsupported for another form.
    """
    if media_type not in document_types(opened):
        raise Unsupported(f"this object is no document that could be read as {media_type}")
    if opened.subject.document is not None:
        return opened.subject.read_document(opened.read_at)
    if media_type == XML:
        return native_model(header())
    report = report_of(orjson.loads(header()))
    return (to_html(report) if media_type == HTML else to_plain(report)).encode("utf-8", "replace")
