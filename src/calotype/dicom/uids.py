"""SOP classes and transfer syntaxes (PS3.6 Annex A): the tables that negotiation and the conformance statement read.

SOP classes stand in ``tables/sop_classes.tsv``, one line each with the service they belong to; transfer syntaxes are
few and stand here with what a reader of bytes must know of each. Nothing here decides what is accepted from whom:
that is policy, see ``wire.negotiation``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Final
from uuid import UUID

from calotype.dicom.hierarchy import UID

IMPLEMENTATION_CLASS_UID: Final = UID("2.25.299386913544911581048834701200355868067")
IMPLEMENTATION_VERSION_NAME: Final = "CALOTYPE_0.1"
APPLICATION_CONTEXT: Final = UID("1.2.840.10008.3.1.1.1")

MAX_UID_CHARACTERS: Final = 64
_VALID_UID: Final = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+", re.ASCII)


def uid_of_uuid(identity: UUID) -> UID:
    """Return the UID of a UUID (PS3.5 B.2)."""
    return UID(f"2.25.{identity.int}")


def is_valid_uid(text: str) -> bool:
    """Tell whether ``text`` is a UID by PS3.5 9.1: at most 64 digits and dots, no component with a leading zero."""
    return len(text) <= MAX_UID_CHARACTERS and _VALID_UID.fullmatch(text) is not None


class ServiceClass(StrEnum):
    """The service that a SOP class belongs to (PS3.4), as named in ``tables/sop_classes.tsv``."""

    VERIFICATION = "verification"
    STORAGE = "storage"
    QUERY_RETRIEVE_FIND = "query-retrieve-find"
    QUERY_RETRIEVE_MOVE = "query-retrieve-move"
    QUERY_RETRIEVE_GET = "query-retrieve-get"
    OTHER_FIND = "other-find"
    OTHER_MOVE = "other-move"
    OTHER_GET = "other-get"
    WORKLIST = "worklist"
    PERFORMED_STEP = "performed-step"
    PRINT = "print"
    STORAGE_COMMITMENT = "storage-commitment"
    INSTANCE_AVAILABILITY = "instance-availability"
    UNIFIED_PROCEDURE_STEP = "unified-procedure-step"
    GENERAL_PURPOSE_WORKLIST = "general-purpose-worklist"
    RELEVANT_PATIENT_INFORMATION = "relevant-patient-information"
    RT_MACHINE_VERIFICATION = "rt-machine-verification"
    INVENTORY = "inventory"
    SUBSTANCE = "substance"
    LOGGING = "logging"
    MANAGEMENT = "management"
    MEDIA = "media"
    DISPLAY_SYSTEM = "display-system"
    REAL_TIME = "real-time"


@dataclass(frozen=True, slots=True)
class SopClass:
    """One SOP class or meta SOP class of PS3.6 Table A-1."""

    uid: UID
    service: ServiceClass
    keyword: str
    name: str
    retired: bool


def _read_sop_classes() -> dict[UID, SopClass]:
    text = resources.files("calotype.dicom").joinpath("tables/sop_classes.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {
        UID(uid): SopClass(UID(uid), ServiceClass(service), keyword, name, retired == "R")
        for uid, service, keyword, retired, name in rows
    }


SOP_CLASSES: Final = _read_sop_classes()
"""Every SOP class of the Standard by UID, retired ones included."""


def of_service(*services: ServiceClass) -> tuple[UID, ...]:
    """Return the SOP classes of ``services`` in the order of their UIDs."""
    return tuple(uid for uid, sop_class in SOP_CLASSES.items() if sop_class.service in services)


STORAGE_CLASSES: Final = frozenset(of_service(ServiceClass.STORAGE))
"""Every storage SOP class of the Standard, known and retired (private ones are known by no table)."""

VERIFICATION: Final = UID("1.2.840.10008.1.1")
CT_IMAGE_STORAGE: Final = UID("1.2.840.10008.5.1.4.1.1.2")
MR_IMAGE_STORAGE: Final = UID("1.2.840.10008.5.1.4.1.1.4")
SECONDARY_CAPTURE_IMAGE_STORAGE: Final = UID("1.2.840.10008.5.1.4.1.1.7")
ENCAPSULATED_PDF_STORAGE: Final = UID("1.2.840.10008.5.1.4.1.1.104.1")
MEDIA_STORAGE_DIRECTORY: Final = UID("1.2.840.10008.1.3.10")

PATIENT_ROOT_FIND: Final = UID("1.2.840.10008.5.1.4.1.2.1.1")
PATIENT_ROOT_MOVE: Final = UID("1.2.840.10008.5.1.4.1.2.1.2")
PATIENT_ROOT_GET: Final = UID("1.2.840.10008.5.1.4.1.2.1.3")
STUDY_ROOT_FIND: Final = UID("1.2.840.10008.5.1.4.1.2.2.1")
STUDY_ROOT_MOVE: Final = UID("1.2.840.10008.5.1.4.1.2.2.2")
STUDY_ROOT_GET: Final = UID("1.2.840.10008.5.1.4.1.2.2.3")

MODALITY_WORKLIST_FIND: Final = UID("1.2.840.10008.5.1.4.31")
MODALITY_PERFORMED_PROCEDURE_STEP: Final = UID("1.2.840.10008.3.1.2.3.3")
MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE: Final = UID("1.2.840.10008.3.1.2.3.4")
MODALITY_PERFORMED_PROCEDURE_STEP_NOTIFICATION: Final = UID("1.2.840.10008.3.1.2.3.5")
STORAGE_COMMITMENT_PUSH: Final = UID("1.2.840.10008.1.20.1")
STORAGE_COMMITMENT_PUSH_INSTANCE: Final = UID("1.2.840.10008.1.20.1.1")

BASIC_FILM_SESSION: Final = UID("1.2.840.10008.5.1.1.1")
BASIC_FILM_BOX: Final = UID("1.2.840.10008.5.1.1.2")
BASIC_GRAYSCALE_IMAGE_BOX: Final = UID("1.2.840.10008.5.1.1.4")
BASIC_COLOR_IMAGE_BOX: Final = UID("1.2.840.10008.5.1.1.4.1")
BASIC_ANNOTATION_BOX: Final = UID("1.2.840.10008.5.1.1.15")
PRINT_JOB: Final = UID("1.2.840.10008.5.1.1.14")
PRINTER: Final = UID("1.2.840.10008.5.1.1.16")
PRINTER_INSTANCE: Final = UID("1.2.840.10008.5.1.1.17")
PRINTER_CONFIGURATION_RETRIEVAL: Final = UID("1.2.840.10008.5.1.1.16.376")
VOI_LUT_BOX: Final = UID("1.2.840.10008.5.1.1.22")
PRESENTATION_LUT: Final = UID("1.2.840.10008.5.1.1.23")
BASIC_GRAYSCALE_PRINT_META: Final = UID("1.2.840.10008.5.1.1.9")
BASIC_COLOR_PRINT_META: Final = UID("1.2.840.10008.5.1.1.18")


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """How the bytes of a data set are to be read (PS3.5 Section 10, Annex A).

    ``encapsulated``: Pixel Data comes as fragments. ``deflated``: the whole data set is a deflate stream.
    ``data_set`` is False for the few that are no encoding of a data set of its own (retired media encodings,
    flows of real-time video), and hence can be received by no storage service.
    """

    uid: UID
    keyword: str
    name: str
    explicit_vr: bool = True
    little_endian: bool = True
    encapsulated: bool = False
    deflated: bool = False
    retired: bool = False
    data_set: bool = True


def _native(uid: str, keyword: str, name: str, **how: bool) -> TransferSyntax:
    return TransferSyntax(UID(uid), keyword, name, **how)


def _fragments(uid: str, keyword: str, name: str, *, retired: bool = False) -> TransferSyntax:
    return TransferSyntax(UID("1.2.840.10008.1.2." + uid), keyword, name, encapsulated=True, retired=retired)


_R: Final = True
_TABLE: Final = (
    _native("1.2.840.10008.1.2", "ImplicitVRLittleEndian", "Implicit VR Little Endian", explicit_vr=False),
    _native("1.2.840.10008.1.2.1", "ExplicitVRLittleEndian", "Explicit VR Little Endian"),
    _fragments(
        "1.98",
        "EncapsulatedUncompressedExplicitVRLittleEndian",
        "Encapsulated Uncompressed Explicit VR Little Endian",
    ),
    _native(
        "1.2.840.10008.1.2.1.99",
        "DeflatedExplicitVRLittleEndian",
        "Deflated Explicit VR Little Endian",
        deflated=True,
    ),
    _native(
        "1.2.840.10008.1.2.2", "ExplicitVRBigEndian", "Explicit VR Big Endian", little_endian=False, retired=True
    ),
    _fragments("4.50", "JPEGBaseline8Bit", "JPEG Baseline (Process 1)"),
    _fragments("4.51", "JPEGExtended12Bit", "JPEG Extended (Process 2 and 4)"),
    _fragments("4.52", "JPEGExtended35", "JPEG Extended (Process 3 and 5)", retired=_R),
    _fragments(
        "4.53",
        "JPEGSpectralSelectionNonHierarchical68",
        "JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)",
        retired=_R,
    ),
    _fragments(
        "4.54",
        "JPEGSpectralSelectionNonHierarchical79",
        "JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)",
        retired=_R,
    ),
    _fragments(
        "4.55",
        "JPEGFullProgressionNonHierarchical1012",
        "JPEG Full Progression, Non-Hierarchical (Process 10 and 12)",
        retired=_R,
    ),
    _fragments(
        "4.56",
        "JPEGFullProgressionNonHierarchical1113",
        "JPEG Full Progression, Non-Hierarchical (Process 11 and 13)",
        retired=_R,
    ),
    _fragments("4.57", "JPEGLossless", "JPEG Lossless, Non-Hierarchical (Process 14)"),
    _fragments("4.58", "JPEGLosslessNonHierarchical15", "JPEG Lossless, Non-Hierarchical (Process 15)", retired=_R),
    _fragments("4.59", "JPEGExtendedHierarchical1618", "JPEG Extended, Hierarchical (Process 16 and 18)", retired=_R),
    _fragments("4.60", "JPEGExtendedHierarchical1719", "JPEG Extended, Hierarchical (Process 17 and 19)", retired=_R),
    _fragments(
        "4.61",
        "JPEGSpectralSelectionHierarchical2022",
        "JPEG Spectral Selection, Hierarchical (Process 20 and 22)",
        retired=_R,
    ),
    _fragments(
        "4.62",
        "JPEGSpectralSelectionHierarchical2123",
        "JPEG Spectral Selection, Hierarchical (Process 21 and 23)",
        retired=_R,
    ),
    _fragments(
        "4.63",
        "JPEGFullProgressionHierarchical2426",
        "JPEG Full Progression, Hierarchical (Process 24 and 26)",
        retired=_R,
    ),
    _fragments(
        "4.64",
        "JPEGFullProgressionHierarchical2527",
        "JPEG Full Progression, Hierarchical (Process 25 and 27)",
        retired=_R,
    ),
    _fragments("4.65", "JPEGLosslessHierarchical28", "JPEG Lossless, Hierarchical (Process 28)", retired=_R),
    _fragments("4.66", "JPEGLosslessHierarchical29", "JPEG Lossless, Hierarchical (Process 29)", retired=_R),
    _fragments(
        "4.70",
        "JPEGLosslessSV1",
        "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])",
    ),
    _fragments("4.80", "JPEGLSLossless", "JPEG-LS Lossless Image Compression"),
    _fragments("4.81", "JPEGLSNearLossless", "JPEG-LS Lossy (Near-Lossless) Image Compression"),
    _fragments("4.90", "JPEG2000Lossless", "JPEG 2000 Image Compression (Lossless Only)"),
    _fragments("4.91", "JPEG2000", "JPEG 2000 Image Compression"),
    _fragments("4.92", "JPEG2000MCLossless", "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)"),
    _fragments("4.93", "JPEG2000MC", "JPEG 2000 Part 2 Multi-component Image Compression"),
    # JPIP: Pixel Data Provider URL (0028,7FE0) stands in the place of Pixel Data, so there is nothing to unwrap.
    _native("1.2.840.10008.1.2.4.94", "JPIPReferenced", "JPIP Referenced"),
    _native("1.2.840.10008.1.2.4.95", "JPIPReferencedDeflate", "JPIP Referenced Deflate", deflated=True),
    _fragments("4.100", "MPEG2MPML", "MPEG2 Main Profile / Main Level"),
    _fragments("4.100.1", "MPEG2MPMLF", "Fragmentable MPEG2 Main Profile / Main Level"),
    _fragments("4.101", "MPEG2MPHL", "MPEG2 Main Profile / High Level"),
    _fragments("4.101.1", "MPEG2MPHLF", "Fragmentable MPEG2 Main Profile / High Level"),
    _fragments("4.102", "MPEG4HP41", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    _fragments("4.102.1", "MPEG4HP41F", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    _fragments("4.103", "MPEG4HP41BD", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
    _fragments("4.103.1", "MPEG4HP41BDF", "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
    _fragments("4.104", "MPEG4HP422D", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
    _fragments("4.104.1", "MPEG4HP422DF", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
    _fragments("4.105", "MPEG4HP423D", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
    _fragments("4.105.1", "MPEG4HP423DF", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
    _fragments("4.106", "MPEG4HP42STEREO", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
    _fragments("4.106.1", "MPEG4HP42STEREOF", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
    _fragments("4.107", "HEVCMP51", "HEVC/H.265 Main Profile / Level 5.1"),
    _fragments("4.108", "HEVCM10P51", "HEVC/H.265 Main 10 Profile / Level 5.1"),
    _fragments("4.110", "JPEGXLLossless", "JPEG XL Lossless"),
    _fragments("4.111", "JPEGXLJPEGRecompression", "JPEG XL JPEG Recompression"),
    _fragments("4.112", "JPEGXL", "JPEG XL"),
    _fragments("4.201", "HTJ2KLossless", "High-Throughput JPEG 2000 Image Compression (Lossless Only)"),
    _fragments(
        "4.202",
        "HTJ2KLosslessRPCL",
        "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)",
    ),
    _fragments("4.203", "HTJ2K", "High-Throughput JPEG 2000 Image Compression"),
    _native("1.2.840.10008.1.2.4.204", "JPIPHTJ2KReferenced", "JPIP HTJ2K Referenced"),
    _native("1.2.840.10008.1.2.4.205", "JPIPHTJ2KReferencedDeflate", "JPIP HTJ2K Referenced Deflate", deflated=True),
    _fragments("5", "RLELossless", "RLE Lossless"),
    _native(
        "1.2.840.10008.1.2.6.1",
        "RFC2557MIMEEncapsulation",
        "RFC 2557 MIME encapsulation",
        retired=True,
        data_set=False,
    ),
    _native("1.2.840.10008.1.2.6.2", "XMLEncoding", "XML Encoding", retired=True, data_set=False),
    _native(
        "1.2.840.10008.1.2.7.1",
        "SMPTEST211020UncompressedProgressiveActiveVideo",
        "SMPTE ST 2110-20 Uncompressed Progressive Active Video",
        data_set=False,
    ),
    _native(
        "1.2.840.10008.1.2.7.2",
        "SMPTEST211020UncompressedInterlacedActiveVideo",
        "SMPTE ST 2110-20 Uncompressed Interlaced Active Video",
        data_set=False,
    ),
    _native(
        "1.2.840.10008.1.2.7.3",
        "SMPTEST211030PCMDigitalAudio",
        "SMPTE ST 2110-30 PCM Digital Audio",
        data_set=False,
    ),
    _fragments("8.1", "DeflatedImageFrameCompression", "Deflated Image Frame Compression"),
    _native(
        "1.2.840.10008.1.20",
        "Papyrus3ImplicitVRLittleEndian",
        "Papyrus 3 Implicit VR Little Endian",
        explicit_vr=False,
        retired=True,
    ),
)

TRANSFER_SYNTAXES: Final = {syntax.uid: syntax for syntax in _TABLE}
"""Every transfer syntax of PS3.6 Table A-1 by UID, retired ones included."""

STORABLE_TRANSFER_SYNTAXES: Final = tuple(syntax.uid for syntax in _TABLE if syntax.data_set)
"""Every transfer syntax that a stored data set can have, in the order of the Standard's table."""

IMPLICIT_VR_LITTLE_ENDIAN: Final = UID("1.2.840.10008.1.2")
EXPLICIT_VR_LITTLE_ENDIAN: Final = UID("1.2.840.10008.1.2.1")
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = UID("1.2.840.10008.1.2.1.99")
EXPLICIT_VR_BIG_ENDIAN: Final = UID("1.2.840.10008.1.2.2")
JPEG_BASELINE: Final = UID("1.2.840.10008.1.2.4.50")
JPEG_LOSSLESS_SV1: Final = UID("1.2.840.10008.1.2.4.70")
JPEG_LS_LOSSLESS: Final = UID("1.2.840.10008.1.2.4.80")
JPEG_2000_LOSSLESS: Final = UID("1.2.840.10008.1.2.4.90")
JPEG_2000: Final = UID("1.2.840.10008.1.2.4.91")
HTJ2K_LOSSLESS: Final = UID("1.2.840.10008.1.2.4.201")
RLE_LOSSLESS: Final = UID("1.2.840.10008.1.2.5")


def transfer_syntax(uid: UID) -> TransferSyntax:
    """Return what is known of a transfer syntax.

    One that is in no table (private, or newer than we are) is read as every compressed one is: explicit VR
    little endian (PS3.5 A.4), its Pixel Data as fragments when its length is undefined.
    """
    known = TRANSFER_SYNTAXES.get(uid)
    return known if known is not None else TransferSyntax(uid, "", f"Unknown ({uid})", encapsulated=True)
