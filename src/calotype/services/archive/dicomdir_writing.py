"""Writing a DICOMDIR (PS3.3 Annex F, PS3.10 8.6) for objects whose headers are at hand as DICOM JSON.

Patients, studies, series and objects are records in the order in which they are met, linked by their offsets in the
file. Text is in UTF-8. What a record must have and an object has not stands empty, but for keys of which readers make
names: those say so.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

from calotype.dicom.datasets import Element, encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, MEDIA_STORAGE_DIRECTORY, SOP_CLASSES

UNKNOWN: Final = "UNKNOWN"
_CHARACTER_SET: Final = Element(0x00080005, "CS", b"ISO_IR 192")

# Tag, VR, and what stands there when the object does not say, None: nothing (PS3.3 F.5.1 to F.5.3).
_Keys = Sequence[tuple[int, str, str | None]]
_PATIENT: Final[_Keys] = ((0x00100010, "PN", ""), (0x00100020, "LO", UNKNOWN))
_STUDY: Final[_Keys] = (
    (0x00080020, "DA", ""), (0x00080030, "TM", ""), (0x00080050, "SH", ""), (0x00081030, "LO", ""),
    (0x0020000D, "UI", ""), (0x00200010, "SH", UNKNOWN),
)  # fmt: skip
_SERIES: Final[_Keys] = (
    (0x00080060, "CS", "OT"), (0x0008103E, "LO", ""), (0x0020000E, "UI", ""), (0x00200011, "IS", "0"),
)  # fmt: skip
_NUMBER: Final[_Keys] = ((0x00200013, "IS", "0"),)
_CONTENT: Final[_Keys] = ((0x00080023, "DA", ""), (0x00080033, "TM", ""), *_NUMBER)
_REPORT: Final[_Keys] = (
    *_CONTENT, (0x0040A030, "DT", None), (0x0040A043, "SQ", ""), (0x0040A491, "CS", "PARTIAL"),
    (0x0040A493, "CS", "UNVERIFIED"),
)  # fmt: skip
_LABELLED: Final[_Keys] = (*_NUMBER, (0x00700080, "CS", UNKNOWN), (0x00700081, "LO", ""), (0x00700084, "PN", ""))
_KEYS: Final[Mapping[str, _Keys]] = {
    "IMAGE": (*_NUMBER, (0x00280008, "IS", None), (0x00280010, "US", None), (0x00280011, "US", None)),
    "RT DOSE": (*_NUMBER, (0x3004000A, "CS", "")),
    "RT STRUCTURE SET": (*_NUMBER, (0x30060002, "SH", ""), (0x30060008, "DA", ""), (0x30060009, "TM", "")),
    "RT PLAN": (*_NUMBER, (0x300A0002, "SH", ""), (0x300A0006, "DA", ""), (0x300A0007, "TM", "")),
    "RT TREAT RECORD": (*_NUMBER, (0x30080250, "DA", ""), (0x30080251, "TM", "")),
    "PRESENTATION": (*_LABELLED, (0x00700082, "DA", ""), (0x00700083, "TM", ""), (0x00081115, "SQ", None)),
    "WAVEFORM": _CONTENT,
    "SR DOCUMENT": _REPORT,
    "KEY OBJECT DOC": (*_CONTENT, (0x0040A043, "SQ", "")),
    "RAW DATA": _CONTENT,
    "SPECTROSCOPY": (*_CONTENT, (0x00080008, "CS", None), (0x00280008, "IS", "1"), (0x00280010, "US", None)),
    "REGISTRATION": (*_CONTENT, *_LABELLED[1:]),
    "FIDUCIAL": (*_CONTENT, *_LABELLED[1:]),
    "VALUE MAP": (*_CONTENT, *_LABELLED[1:]),
    "SURFACE": (*_CONTENT, *_LABELLED[1:]),
    "ENCAP DOC": (*_CONTENT, (0x00420010, "ST", ""), (0x0040A043, "SQ", ""), (0x00420012, "LO", "application/pdf")),
    "STEREOMETRIC": (),
}
"""What a record of each type has of its own (PS3.3 F.5.4 ff.)."""
_TYPES: Final = (
    ("PresentationState", "PRESENTATION"), ("Waveform", "WAVEFORM"), ("KeyObjectSelection", "KEY OBJECT DOC"),
    ("ImageStorage", "IMAGE"), ("RTDose", "RT DOSE"), ("RTStructureSet", "RT STRUCTURE SET"),
    ("TreatmentRecord", "RT TREAT RECORD"), ("RTPlan", "RT PLAN"), ("RTIonPlan", "RT PLAN"),
    ("SurfaceSegmentation", "SURFACE"), ("RawData", "RAW DATA"), ("MRSpectroscopy", "SPECTROSCOPY"),
    ("SpatialRegistration", "REGISTRATION"), ("DeformableSpatialRegistration", "REGISTRATION"),
    ("SpatialFiducials", "FIDUCIAL"), ("RealWorldValueMapping", "VALUE MAP"), ("Encapsulated", "ENCAP DOC"),
    ("StereometricRelationship", "STEREOMETRIC"), ("SR", "SR DOCUMENT"), ("Report", "SR DOCUMENT"),
    ("Log", "SR DOCUMENT"), ("Segmentation", "IMAGE"),
)  # fmt: skip
"""Types of record by what the keyword of a SOP class holds, the first that does (PS3.3 Table F.4-1); else IMAGE."""

_ITEM: Final = struct.Struct("<HHL")
_SEQUENCE_HEAD: Final = struct.Struct("<HH2sHL")
_MAX_NUMBER_CHARS: Final = 12


def record_type(sop_class: UID) -> str:
    """Return the type of the record of an object."""
    known = SOP_CLASSES.get(sop_class)
    keyword = known.keyword if known is not None else ""
    return next((kind for part, kind in _TYPES if part in keyword), "IMAGE")


@dataclass(slots=True)
class _Record:
    kind: str
    keys: list[Element]
    below: dict[str, _Record] = field(default_factory=dict)


class DicomdirWriter:
    """Collects records; :meth:`written` is the file. Used by one thread."""

    def __init__(self, instance: UID) -> None:
        self._instance = instance
        self._patients: dict[str, _Record] = {}

    def add(
        self, file_id: Sequence[str], sop_class: UID, sop_instance: UID, syntax: UID, header: Mapping[str, Any]
    ) -> None:
        """Add the record of an object in a file, and those above it that are new; ``header`` is DICOM JSON."""
        at = self._patients
        for kind, keys, unique in (
            ("PATIENT", _PATIENT, 0x00100020),
            ("STUDY", _STUDY, 0x0020000D),
            ("SERIES", _SERIES, 0x0020000E),
        ):
            name = _text(header.get(f"{unique:08X}"))
            if name not in at:
                at[name] = _Record(kind, list(_elements(keys, header)))
            at = at[name].below
        kind = record_type(sop_class)
        referenced = [
            Element(0x00041500, "CS", "\\".join(file_id).encode("ascii")),
            Element(0x00041510, "UI", sop_class.encode("ascii", "replace")),
            Element(0x00041511, "UI", sop_instance.encode("ascii", "replace")),
            Element(0x00041512, "UI", syntax.encode("ascii", "replace")),
        ]
        at[sop_instance] = _Record(kind, [*referenced, *_elements(_KEYS[kind], header)])

    def written(self) -> bytes:
        """Return the DICOMDIR."""
        meta = write_file_meta(MEDIA_STORAGE_DIRECTORY, self._instance, EXPLICIT_VR_LITTLE_ENDIAN)
        # Offsets have a fixed size, so the first writing tells where everything is, the second says so.
        head_bytes = len(_head(0, 0)) + _SEQUENCE_HEAD.size
        places: dict[int, int] = {}
        end = _place(self._patients, len(meta) + head_bytes, places)
        body = b"".join(_items(self._patients, places))
        first, last = _first(self._patients, places), _last(self._patients, places)
        sequence = _SEQUENCE_HEAD.pack(0x0004, 0x1220, b"SQ", 0, end - len(meta) - head_bytes)
        return meta + _head(first, last) + sequence + body


def _head(first: int, last: int) -> bytes:
    return encode(
        [
            Element(0x00041130, "CS", b""),
            Element(0x00041200, "UL", struct.pack("<L", first)),
            Element(0x00041202, "UL", struct.pack("<L", last)),
            Element(0x00041212, "US", b"\0\0"),
        ],
        EXPLICIT_VR_LITTLE_ENDIAN,
    )


def _place(records: Mapping[str, _Record], position: int, places: dict[int, int]) -> int:
    """Note where each record will stand, those below right behind it; return where they end."""
    for record in records.values():
        places[id(record)] = position
        position += _ITEM.size + len(_body(record, 0, 0))
        position = _place(record.below, position, places)
    return position


def _items(records: Mapping[str, _Record], places: Mapping[int, int]) -> Iterator[bytes]:
    listed = list(records.values())
    for record, after in zip_longest(listed, listed[1:]):
        body = _body(record, places[id(after)] if after is not None else 0, _first(record.below, places))
        yield _ITEM.pack(0xFFFE, 0xE000, len(body)) + body
        yield from _items(record.below, places)


def _body(record: _Record, after: int, below: int) -> bytes:
    links = [
        Element(0x00041400, "UL", struct.pack("<L", after)),
        Element(0x00041410, "US", b"\xff\xff"),
        Element(0x00041420, "UL", struct.pack("<L", below)),
        Element(0x00041430, "CS", record.kind.encode("ascii")),
    ]
    elements = sorted((*links, _CHARACTER_SET, *record.keys), key=lambda element: element.tag)
    return encode(elements, EXPLICIT_VR_LITTLE_ENDIAN)


def _first(records: Mapping[str, _Record], places: Mapping[int, int]) -> int:
    return next((places[id(record)] for record in records.values()), 0)


def _last(records: Mapping[str, _Record], places: Mapping[int, int]) -> int:
    return max((places[id(record)] for record in records.values()), default=0)


def _elements(keys: _Keys, header: Mapping[str, Any]) -> Iterator[Element]:
    for tag, vr, default in keys:
        attribute = header.get(f"{tag:08X}")
        if vr == "SQ":
            items = tuple(_items_of(attribute))
            if items or default is not None:
                yield Element(tag, "SQ", items)
            continue
        text = _text(attribute)
        if vr == "US":
            if text.isdecimal() and int(text) <= 0xFFFF:
                yield Element(tag, vr, int(text).to_bytes(2, "little"))
            continue
        if vr == "IS" and (len(text) > _MAX_NUMBER_CHARS or not text.lstrip("+-").isdecimal()):
            text = ""
        if text or default is not None:
            yield Element(tag, vr, (text or default or "").encode("utf-8", "replace"))


def _items_of(attribute: Any) -> Iterator[tuple[Element, ...]]:
    """Yield items as codes and references have them: text, and sequences of the same."""
    for item in _values(attribute):
        if not isinstance(item, Mapping):
            continue
        elements: list[Element] = []
        for name, inner in sorted(item.items()):
            vr = str(inner.get("vr", ""))
            if vr == "SQ":
                elements.append(Element(int(name, 16), vr, tuple(_items_of(inner))))
            elif vr in _PLAIN:
                elements.append(Element(int(name, 16), vr, _text(inner).encode("utf-8", "replace")))
        yield tuple(elements)


_PLAIN: Final = frozenset({"CS", "DA", "IS", "LO", "SH", "TM", "UI"})


def _values(attribute: Any) -> Iterable[Any]:
    return attribute.get("Value", ()) if isinstance(attribute, Mapping) else ()


def _text(attribute: Any) -> str:
    return "\\".join(_one(value) for value in _values(attribute))


def _one(value: Any) -> str:
    if isinstance(value, Mapping):
        groups = [str(value.get(name, "")) for name in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)
