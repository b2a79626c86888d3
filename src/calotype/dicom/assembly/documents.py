"""Encapsulated documents (PS3.3 A.45, C.24.2): what their module needs is filled in, as far as a document says it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from calotype.dicom.assembly.filling import Nodes, default
from calotype.dicom.assembly.media import BulkPart
from calotype.dicom.assembly.nodes import Node, Sequence
from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest

ENCAPSULATED_DOCUMENT: Final = 0x00420011
SOP_CLASS_UID: Final = 0x00080016
_MODALITY, _CONVERSION_TYPE = 0x00080060, 0x00080064
_TITLE, _MIME_TYPE, _LENGTH, _CONCEPT_NAME, _BURNED_IN = 0x00420010, 0x00420012, 0x00420015, 0x0040A043, 0x00280301

_CLASSES: Final = "1.2.840.10008.5.1.4.1.1.104."


@dataclass(frozen=True, slots=True)
class _Document:
    """One kind of document: the class that encapsulates it, its modality, and how it starts (nothing: any way)."""

    sop_class: UID
    modality: bytes
    mark: bytes = b""


_DOCUMENTS: Final = {
    "application/pdf": _Document(UID(_CLASSES + "1"), b"DOC", b"%PDF-"),
    **dict.fromkeys(("text/xml", "application/xml"), _Document(UID(_CLASSES + "2"), b"DOC", b"<")),
    **dict.fromkeys(("model/stl", "application/sla"), _Document(UID(_CLASSES + "3"), b"M3D")),
    "model/obj": _Document(UID(_CLASSES + "4"), b"M3D"),
    "model/mtl": _Document(UID(_CLASSES + "5"), b"M3D"),
}
_MARKED_BYTES: Final = 1024
"""Where the mark must have come: readers of PDF look as far."""


def encapsulate(nodes: Nodes, part: BulkPart) -> None:
    """Put a document into its object. InvalidRequest when it is not of its media type, or the metadata of another.

    Burned In Annotation, which the module demands, is YES unless the metadata know better: a document names its
    patient. Title and Concept Name may be empty (Type 2).
    """
    document = _DOCUMENTS.get(part.media_type)
    if document is not None:
        if document.mark not in bytes(part.content[:_MARKED_BYTES]):
            raise InvalidRequest(f"the document is no {part.media_type}")
        default(nodes, SOP_CLASS_UID, document.sop_class.encode("ascii"))
        said = nodes[SOP_CLASS_UID].raw.decode("latin-1").strip(" \0")
        if said.startswith(_CLASSES) and said != document.sop_class:
            raise InvalidRequest(f"the document is {part.media_type}, and SOPClassUID is of another kind of document")
        default(nodes, _MODALITY, document.modality)
        default(nodes, _MIME_TYPE, part.media_type.encode("ascii"))
    default(nodes, _CONVERSION_TYPE, b"WSD")
    default(nodes, _BURNED_IN, b"YES")
    nodes.setdefault(_TITLE, Node(_TITLE, "ST", b""))
    nodes.setdefault(_CONCEPT_NAME, Node(_CONCEPT_NAME, "SQ", Sequence(())))
    # PS3.3 C.24.2: the length without the byte that pads it.
    nodes[_LENGTH] = Node(_LENGTH, "UL", struct.pack("<L", len(part.content)))
    nodes[ENCAPSULATED_DOCUMENT] = Node(ENCAPSULATED_DOCUMENT, "OB", part.content)
