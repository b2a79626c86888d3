"""A data set without its patient (PS3.15 Annex E): planned, written, and looked over once more before it leaves.

The original is read where it lies; pixels flow by untouched unless parts of them must be masked. What is refused is
refused before the first byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final

from calotype.dicom import text
from calotype.dicom.datasets import Element
from calotype.dicom.deidentify import dummies
from calotype.dicom.deidentify.known import Known, plain
from calotype.dicom.deidentify.masking import masked
from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.deidentify.plan import Planner, SafePrivate
from calotype.dicom.deidentify.pseudonyms import Pseudonyms, known_by_id
from calotype.dicom.deidentify.result import Deidentified
from calotype.dicom.deidentify.suspects import (
    BURNED_IN,
    CONVERSION_TYPE,
    DOCUMENT_TYPE,
    IMAGE_TYPE,
    KEY_OBJECTS,
    MANUFACTURER,
    MODALITY,
    MODEL,
    VISUAL_FEATURES,
    Facts,
    Rectangle,
    Regions,
    Suspicion,
    has_embedded_overlay,
    regions_for,
    suspicions,
)
from calotype.dicom.deidentify.values import Values
from calotype.dicom.deidentify.verify import verify
from calotype.dicom.deidentify.writing import Piece, Writer
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.dicom.json_model import Context
from calotype.dicom.pixels.anatomy import MAX_HELD_BYTES, Anatomy, dissect
from calotype.dicom.pixels.pixel_data import PixelData
from calotype.dicom.pixels.transcode import Decode, Each, decode, one_by_one
from calotype.dicom.reencode import UNCOMPRESSED
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from calotype.errors import InvalidRequest, Refused

_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
_PATIENT_NAME, _PATIENT_ID, _BIRTH_DATE = 0x00100010, 0x00100020, 0x00100030
_IDENTITY_REMOVED, _METHOD, _METHOD_CODES = 0x00120062, 0x00120063, 0x00120064
_DATES_MODIFIED, _PIXEL_DATA = 0x00280303, 0x7FE00010
_READ: Final = frozenset(
    {
        _SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES, _PATIENT_NAME, _PATIENT_ID, _BIRTH_DATE, BURNED_IN,
        VISUAL_FEATURES, CONVERSION_TYPE, DOCUMENT_TYPE, IMAGE_TYPE, MANUFACTURER, MODALITY, MODEL,
    }
)  # fmt: skip
_PDF: Final = "application/pdf"
_MAX_VALUE_BYTES: Final = 4096

BASIC_PROFILE: Final = ("113100", "Basic Application Confidentiality Profile")
CODES: Final = {
    Option.CLEAN_PIXEL_DATA: ("113101", "Clean Pixel Data Option"),
    Option.CLEAN_VISUAL_FEATURES: ("113102", "Clean Recognizable Visual Features Option"),
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_FULL_DATES: ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.RETAIN_MODIFIED_DATES: ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}
"""CID 7050 De-identification Method (PS3.16)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an administrator has decided for every de-identification.

    ``empties_documents``: reports, documents and annotations leave without their content; otherwise they do not
    leave. ``regions`` are what is known of pictures with text in them, ``safe_private`` private attributes (creator,
    group, element of its block) beyond those that the Standard calls safe.
    """

    empties_documents: bool = False
    regions: tuple[Regions, ...] = ()
    safe_private: SafePrivate = frozenset()


def deidentify(
    data: bytes | bytearray | memoryview,
    stored: UID,
    wishes: Wishes,
    policy: Policy,
    pseudonyms: Pseudonyms,
    *,
    each: Each = one_by_one,
    decode: Decode = decode,
) -> Deidentified:
    """Read a data set in ``stored`` and return it without its patient.

    ``each`` does the work on frames that are masked, ``decode`` decodes one.

    Raises Refused when an identity may be left where no attribute tells (pixels, documents, faces), IdentityLeft
    (Refused) when the second look finds one, InvalidRequest when the data set is damaged, Unsupported when pixels
    that must be masked cannot be decoded.
    """
    view = memoryview(data).cast("B")
    try:
        return _Work(view, stored, wishes, policy, pseudonyms).done(each, decode)
    except BaseException:
        view.release()
        raise


def check(
    data: bytes | bytearray | memoryview, stored: UID, wishes: Wishes, policy: Policy, pseudonyms: Pseudonyms
) -> None:
    """Raise what :func:`deidentify` would, without the work on pixels: that they can be decoded is not found out."""
    with memoryview(data).cast("B") as view:
        _Work(view, stored, wishes, policy, pseudonyms).check()


class _Work:
    """One de-identification. Used once."""

    def __init__(self, data: memoryview, stored: UID, wishes: Wishes, policy: Policy, pseudonyms: Pseudonyms) -> None:
        self._data = data
        self._stored = stored
        self._wishes = wishes
        self._options = wishes.options
        self._policy = policy
        self._pseudonyms = pseudonyms
        self._anatomy = dissect(data, stored)
        self._facts = _facts_of(self._anatomy)
        self._is_masked = False

    def done(self, each: Each, decode: Decode) -> Deidentified:
        """Return the result, checked."""
        areas = self._checked()
        if areas is None:
            return self._rewritten(self._anatomy, None, self._stored)
        new, to = masked(self._data, self._stored, areas, each, decode)
        with ExitStack() as stack:
            stack.enter_context(new)
            before, pixels, after = new.parts()
            layout = EXPLICIT_VR_LITTLE_ENDIAN if transfer_syntax(to).deflated else to
            made = self._rewritten(dissect(memoryview(before + after), layout), pixels, to, covered=new)
            # What is handed out reads the frames, and lets go of them.
            stack.pop_all()
        return made

    def check(self) -> None:
        """Make everything but pixels, and throw it away."""
        self._checked()
        self._rewritten(self._anatomy, None, self._stored)

    def _checked(self) -> tuple[Rectangle, ...] | None:
        """Return the areas of the pixels to be covered, ``None``: they stay as they are. Raises Refused."""
        facts, options = self._facts, self._options
        if Option.CLEAN_VISUAL_FEATURES in options and facts.text(VISUAL_FEATURES).upper() != "NO":
            raise Refused(
                "recognizable visual features (a face, say) cannot be removed here: with that option only objects"
                " leave that declare (0028,0302) RecognizableVisualFeatures NO"
            )
        found = suspicions(facts)
        if Suspicion.SOUND in found:
            raise Refused("speech and surfaces can be recognised, and nothing in them can be masked")
        self._check_documents(found)
        wants_clean = (
            Option.CLEAN_PIXEL_DATA in options and facts.has_pixels and facts.text(BURNED_IN).upper() != "NO"
        )
        if Suspicion.PIXELS not in found and not wants_clean:
            return () if has_embedded_overlay(facts) else None
        declared = regions_for(facts, self._policy.regions)
        if declared is None:
            raise Refused(
                "an identity may be burned into its pixels (by SOP class, Burned In Annotation, Conversion Type or"
                " Image Type), and no regions are declared for its kind: see anonymise.regions"
            )
        self._is_masked = True
        return declared.areas if declared.areas or has_embedded_overlay(facts) else None

    def _check_documents(self, found: frozenset[Suspicion]) -> None:
        empties, facts = self._policy.empties_documents, self._facts
        if Suspicion.DOCUMENT in found and not (empties and facts.text(DOCUMENT_TYPE).lower() == _PDF):
            raise Refused(
                "an encapsulated document may name anybody"
                + (": only a PDF can be emptied" if empties else "; it can be emptied: anonymise.documents = 'empty'")
            )
        if empties:
            return
        if Suspicion.REPORT in found and Option.CLEAN_STRUCTURED_CONTENT not in self._options:
            raise Refused(
                "the text of a report may name anybody: wish for clean-structured-content, or have reports emptied"
                " (anonymise.documents = 'empty')"
            )
        if Suspicion.GRAPHICS in found and Option.CLEAN_GRAPHICS not in self._options:
            raise Refused(
                "annotations may name anybody: wish for clean-graphics, or have them emptied"
                " (anonymise.documents = 'empty')"
            )

    def _rewritten(
        self,
        anatomy: Anatomy,
        pixels: PixelData | None,
        to: UID,
        covered: AbstractContextManager[object] | None = None,
    ) -> Deidentified:
        walk, facts = anatomy.walk, self._facts
        context = Context.around(None, little=walk.little)
        inner = context.within(walk, anatomy.tokens)
        patient = self._patient(inner)
        patient_id = self._wishes.patient_id or self._pseudonyms.patient_id(patient)
        patient_name = self._wishes.patient_name or f"Anonymous^{patient_id}"
        told = self._told()
        known = Known((patient_id, patient_name, *_words_of(told)))
        part = Planner(walk, facts.sop_class, self._options, known, self._policy.safe_private).plan(
            anatomy.tokens, context
        )
        values = Values(self._options, self._pseudonyms, known, self._pseudonyms.shift_days(patient))
        writer = Writer(walk, values, keeps_references=facts.sop_class == KEY_OBJECTS)
        elements: dict[int, Sequence[Piece | PixelData]] = {**writer.elements(part)}
        new = [
            _text(_PATIENT_NAME, "PN", patient_name, inner.charsets),
            _text(_PATIENT_ID, "LO", patient_id, inner.charsets),
            *told,
        ]
        for element in new:
            elements[element.tag] = [writer.element(element, explicit=walk.explicit)]
        if pixels is not None:
            elements[_PIXEL_DATA] = [pixels]
        body = _joined([piece for tag in sorted(elements) for piece in elements[tag]])
        header = b"".join(piece for piece in body if isinstance(piece, bytes))
        keeps_uids = Option.RETAIN_UIDS in self._options
        verify(header, explicit=walk.explicit, little=walk.little, known=known, keeps_uids=keeps_uids)
        if to in UNCOMPRESSED and not transfer_syntax(to).deflated:
            # Some only claim their transfer syntax; what is made of them says the true one.
            to = anatomy.syntax
        return Deidentified(self._data, anatomy.text, body, (self._ref(), facts.sop_class, to), covered)

    def _ref(self) -> InstanceRef:
        uids = (UID(self._facts.text(tag)) for tag in (_STUDY, _SERIES, _SOP_INSTANCE))
        if Option.RETAIN_UIDS not in self._options:
            uids = (self._pseudonyms.uid(uid) for uid in uids)
        return InstanceRef(*uids)

    def _patient(self, context: Context) -> str:
        """Return the text that stands for the patient: the ID, else what else names them, else the study alone."""
        values = (
            text.decode(self._facts.values.get(tag, b""), context.charsets, vr)
            for tag, vr in ((_PATIENT_ID, "LO"), (_PATIENT_NAME, "PN"), (_BIRTH_DATE, "DA"))
        )
        patient_id, name, birth_date = values
        if patient_id.strip():
            return known_by_id(patient_id)
        return f"name {plain(name)} {birth_date}" if plain(name) else f"study {self._facts.text(_STUDY)}"

    def _told(self) -> list[Element]:
        """Return what the result says of its de-identification (PS3.15 E.1.1, PS3.3 C.7.1.1)."""
        chosen = [option for option in Option if option in self._options]
        codes = [BASIC_PROFILE, *(CODES[option] for option in chosen)]
        method = "\\".join(["calotype: PS3.15 Basic Profile", *(str(option) for option in chosen)])
        dates = "REMOVED"
        if Option.RETAIN_FULL_DATES in self._options:
            dates = "UNMODIFIED"
        elif Option.RETAIN_MODIFIED_DATES in self._options:
            dates = "MODIFIED"
        told = [
            dummies.text(_IDENTITY_REMOVED, "CS", "YES"),
            dummies.text(_METHOD, "LO", method),
            Element(_METHOD_CODES, "SQ", tuple(dummies.code(value, "DCM", meaning) for value, meaning in codes)),
            dummies.text(_DATES_MODIFIED, "CS", dates),
        ]
        return [*told, dummies.text(BURNED_IN, "CS", "NO")] if self._is_masked else told


def _text(tag: int, vr: str, value: str, charsets: Sequence[str]) -> Element:
    if not text.can_encode(value, charsets, vr):
        raise InvalidRequest(
            f"{value[:64]!r} cannot be written in the character set of this object ({charsets[0]}); use Latin letters"
        )
    raw = text.encode(value, charsets, vr)
    return Element(tag, vr, raw + b" " * (len(raw) % 2))


def _words_of(elements: Sequence[Element]) -> Iterator[str]:
    """Return the words of our own texts, which are found in the result without telling anything."""
    for element in elements:
        if isinstance(element.value, bytes):
            yield from plain(element.value.decode("latin-1")).split()
        for item in element.items:
            yield from _words_of(item)


def _joined(pieces: Sequence[Piece | PixelData]) -> list[Piece | PixelData]:
    """Return as few pieces as there can be: neighbours that are bytes in one."""
    joined: list[Piece | PixelData] = []
    run: list[bytes] = []
    held = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            run.append(piece)
            held += len(piece)
            if held > MAX_HELD_BYTES:
                raise Refused(f"a header of more than {MAX_HELD_BYTES} bytes cannot be looked over")
            continue
        if run:
            joined.append(b"".join(run))
            run = []
        joined.append(piece)
    return [*joined, b"".join(run)] if run else joined


def _facts_of(anatomy: Anatomy) -> Facts:
    data = anatomy.walk.data
    values = dict(anatomy.values)
    for tag, _, _, start, end in anatomy.tokens:
        if tag in _READ and end - start <= _MAX_VALUE_BYTES:
            values[tag] = bytes(data[start:end])
    sop_class = UID(values.get(_SOP_CLASS, b"").decode("latin-1").strip(" \0"))
    tags = frozenset(token[0] for token in anatomy.tokens)
    return Facts(sop_class, tags, values, anatomy.pixels is not None)
