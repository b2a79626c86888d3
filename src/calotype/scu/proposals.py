"""Which storage contexts to propose when fetching (C-GET).

A node sends only what an accepted context stands for, and it accepts one transfer syntax per context. There are 128
contexts for 200 storage classes in 60 transfer syntaxes: so the fewer classes are asked for, the more contexts
each gets, the usual syntaxes first and alone, the others sharing the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import SOP_CLASSES, STORABLE_TRANSFER_SYNTAXES, TRANSFER_SYNTAXES
from calotype.scu.calling import MAX_CONTEXTS

MAX_STORAGE_CONTEXTS: Final = MAX_CONTEXTS - 1
"""One is needed for C-GET itself."""

_USUAL_SYNTAXES: Final = (
    "ExplicitVRLittleEndian",
    "ImplicitVRLittleEndian",
    "JPEGLosslessSV1",
    "JPEG2000Lossless",
    "JPEGBaseline8Bit",
    "JPEG2000",
    "JPEGLSLossless",
    "RLELossless",
    "JPEGLSNearLossless",
    "JPEGExtended12Bit",
    "MPEG4HP41",
    "HTJ2KLosslessRPCL",
    "HTJ2KLossless",
    "HTJ2K",
    "DeflatedExplicitVRLittleEndian",
    "ExplicitVRBigEndian",
)
_BY_KEYWORD: Final = {syntax.keyword: syntax.uid for syntax in TRANSFER_SYNTAXES.values()}
_BY_AGE: Final = sorted(STORABLE_TRANSFER_SYNTAXES, key=lambda uid: TRANSFER_SYNTAXES[uid].retired)
SYNTAXES: Final = tuple(dict.fromkeys((*(_BY_KEYWORD[keyword] for keyword in _USUAL_SYNTAXES), *_BY_AGE)))
"""Every transfer syntax that an object can be stored in: the usual ones first, retired ones last."""

MAX_SYNTAXES_PER_CONTEXT: Final = 40
"""DCMTK aborts when there are more than 50 in one context; what is beyond this is retired and rarely met."""

_COMMON_KEYWORDS: Final = frozenset(
    {
        "BasicTextSRStorage",
        "BreastTomosynthesisImageStorage",
        "CTImageStorage",
        "ComprehensiveSRStorage",
        "ComputedRadiographyImageStorage",
        "DigitalMammographyXRayImageStorageForPresentation",
        "DigitalXRayImageStorageForPresentation",
        "EncapsulatedPDFStorage",
        "EnhancedCTImageStorage",
        "EnhancedMRImageStorage",
        "EnhancedSRStorage",
        "GrayscaleSoftcopyPresentationStateStorage",
        "KeyObjectSelectionDocumentStorage",
        "MRImageStorage",
        "MultiFrameGrayscaleByteSecondaryCaptureImageStorage",
        "MultiFrameTrueColorSecondaryCaptureImageStorage",
        "NuclearMedicineImageStorage",
        "OphthalmicTomographyImageStorage",
        "PositronEmissionTomographyImageStorage",
        "RTDoseStorage",
        "RTPlanStorage",
        "RTStructureSetStorage",
        "RawDataStorage",
        "SecondaryCaptureImageStorage",
        "SegmentationStorage",
        "TwelveLeadECGWaveformStorage",
        "UltrasoundImageStorage",
        "UltrasoundMultiFrameImageStorage",
        "VLPhotographicImageStorage",
        "XRayAngiographicImageStorage",
        "XRayRadiationDoseSRStorage",
    }
)
COMMON_STORAGE_CLASSES: Final = tuple(
    sop_class.uid for sop_class in SOP_CLASSES.values() if sop_class.keyword in _COMMON_KEYWORDS
)
"""What to be ready for when nobody says: 31 classes, so that each gets four contexts."""


def proposals(
    sop_classes: Sequence[UID], limit: int = MAX_STORAGE_CONTEXTS, syntaxes: Sequence[UID] = ()
) -> list[tuple[UID, tuple[UID, ...]]]:
    """Return (SOP class, transfer syntaxes) of at most ``limit`` contexts, as many for each of ``sop_classes``.

    ``syntaxes`` are the only ones to be proposed, the best first; when not given, all that there are.
    """
    if not sop_classes:
        return []
    wanted = tuple(dict.fromkeys(syntaxes)) or SYNTAXES
    each = max(1, min(limit // len(sop_classes), len(wanted)))
    alone = each - 1
    groups = [(syntax,) for syntax in wanted[:alone]] + [wanted[alone:][:MAX_SYNTAXES_PER_CONTEXT]]
    return [(sop_class, group) for sop_class in sop_classes[:limit] for group in groups]
