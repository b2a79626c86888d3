"""What an administrator may decide, as frozen dataclasses with the defaults; nothing here reads a file.

Each class is one section of the settings file. A field's ``metadata`` holds its one-line explanation (``help``),
printed by ``calotype init`` and the documents, and ``secret`` where ``config show`` must mask it. How values get
here is in ``loading``; what rooms make of them is in ``compose``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from calotype.services.archive.layout import DEFAULT_LAYOUT


def _is(default: Any, help_text: str, *, secret: bool = False) -> Any:
    metadata = {"help": help_text, "secret": secret}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


ServiceName = Literal["storage", "find", "move", "get", "worklist", "mpps", "commitment", "print"]
RightName = Literal["store", "find", "move", "get", "worklist", "mpps", "commitment", "print"]
ALL_RIGHTS: tuple[RightName, ...] = ("store", "find", "move", "get", "worklist", "mpps", "commitment", "print")
RoleName = Literal["store", "query", "worklist", "print", "commitment"]
ALL_ROLES: tuple[RoleName, ...] = ("store", "query", "worklist", "print", "commitment")
Whom = Literal["all", "known"]
ALL_SERVICES: tuple[ServiceName, ...] = (
    "storage",
    "find",
    "move",
    "get",
    "worklist",
    "mpps",
    "commitment",
    "print",
)


@dataclass(frozen=True, slots=True)
class Storage:
    """Where images are kept, and under which policy."""

    path: Path = _is(Path("data"), "Folder of objects and index; relative to the settings file or the working folder")
    layout: str = _is(
        DEFAULT_LAYOUT,
        "Path of an object: keywords of indexed attributes in braces; a date takes %Y %m %d, and is the"
        " day received when the object has none",
    )
    durable: bool = _is(
        True, "Success means synced to the disk; false is faster and may lose the last seconds at a power cut"
    )
    duplicates: Literal["keep-if-identical", "keep", "overwrite", "refuse"] = _is(
        "keep-if-identical", "When a SOP Instance UID comes again: keep-if-identical | keep | overwrite | refuse"
    )
    min_free_mib: int = _is(1024, "Refuse new objects (out of resources) when less than this is free, in MiB")


@dataclass(frozen=True, slots=True)
class Tls:
    """A listener's TLS; all paths are PEM files."""

    certificate: Path | None = _is(None, "Certificate chain; TLS is on when it is set")
    key: Path | None = _is(None, "Private key; in the certificate's file when not set")
    key_password: str = _is("", "Password of the private key", secret=True)
    client_ca: Path | None = _is(None, "When set, clients must show a certificate signed by this CA")
    client_certificate: Literal["required", "optional"] = _is(
        "required", "With client_ca: required | optional; optional lets in those that show none"
    )
    profile: Literal["bcp195", "bcp195-non-downgrading", "bcp195-modified"] = _is(
        "bcp195", "PS3.15 B.12, B.10 or B.13: bcp195 | bcp195-non-downgrading | bcp195-modified"
    )
    min_version: Literal["1.2", "1.3"] = _is("1.2", "Oldest TLS version taken: 1.2 | 1.3")


@dataclass(frozen=True, slots=True)
class Listener:
    """One DICOM port."""

    name: str = _is("", "Its name in logs")
    bind: str = _is("0.0.0.0", "Address to listen on; 0.0.0.0 is every IPv4 interface, :: also IPv6")
    port: int = _is(11112, "TCP port")
    ae_titles: tuple[str, ...] = _is(("CALOTYPE",), "AE titles that it answers to; the first is its own name")
    services: tuple[ServiceName, ...] = _is(
        ALL_SERVICES, "storage | find | move | get | worklist | mpps | commitment | print; echo is always there"
    )
    check_called_ae_title: bool = _is(True, "Reject associations that call another AE title")
    calling_ae_titles: tuple[str, ...] = _is((), "Calling AE titles let in; empty: all")
    peers: tuple[str, ...] = _is((), "Addresses or networks (10.1.0.0/16) let in; empty: all")
    max_associations: int = _is(100, "Associations at one time")
    max_associations_per_peer: int = _is(50, "Associations at one time from one address")
    tls: Tls = _is(Tls, "TLS of this port")


DEFAULT_LISTENERS = (
    Listener(name="all", port=11112, ae_titles=("CALOTYPE", "STORESCP")),
    Listener(name="worklist", port=11113, ae_titles=("WORKLISTSCP",), services=("worklist", "mpps")),
    Listener(name="query", port=11114, ae_titles=("QRSCP",), services=("find", "move", "get")),
    Listener(name="print", port=11115, ae_titles=("PRINTSCP",), services=("print",)),
)


@dataclass(frozen=True, slots=True)
class Dicom:
    """How we speak DICOM on every port."""

    ae_title: str = _is("CALOTYPE", "Our AE title when we call others")
    max_pdu_bytes: int = _is(262_144, "Largest PDU that we receive")
    unknown_classes_as_storage: bool = _is(True, "Take SOP classes that stand in no table as storage")
    transfer_syntaxes: tuple[str, ...] = _is(
        (), "Our order of preference (UIDs) when a peer offers several; empty: the peer's"
    )
    artim_s: float = _is(30.0, "Wait for an association request, or for the end of a connection")
    idle_s: float = _is(600.0, "Abort an association on which nothing was asked for so long")
    dimse_s: float = _is(60.0, "Wait for a peer's answer")
    network_s: float = _is(
        60.0, "Wait for a peer to take or give bytes in the middle of a message; also for connecting"
    )
    drain_s: float = _is(30.0, "On shutdown, let associations finish for so long")


IsolationName = Literal["none", "suspects", "all"]
DamagedName = Literal["refuse", "show"]
StepStatusName = Literal["scheduled", "arrived", "started", "completed", "discontinued"]
StrictnessName = Literal["tolerant", "strict"]


@dataclass(frozen=True, slots=True)
class Worklist:
    """What modalities see of the worklist."""

    statuses: tuple[StepStatusName, ...] = _is(
        ("scheduled", "arrived"),
        "Steps that answer a query which names no status: scheduled | arrived | started | completed | discontinued",
    )
    performed_steps: StrictnessName = _is(
        "tolerant",
        "MPPS: tolerant wants all of type 1 when a step begins; strict all that PS3.4 Table F.7.2-1 does, to its end",
    )


@dataclass(frozen=True, slots=True)
class HttpAccess:
    """Who may use HTTP: users with roles (`calotype users`), programs with tokens (`calotype tokens`)."""

    login: Literal["required", "off"] = _is(
        "required",
        "required | off: whoever is at this machine may do everything, and nobody else reaches us",
    )
    admin_password: str = _is(
        "",
        "Password of `admin`, who is made at the first start; empty: `admin`, which counts at this machine only and"
        " must be changed first",
        secret=True,
    )
    idle_minutes: float = _is(30.0, "A session ends so long after its last use; what pages ask by themselves is none")
    session_hours: float = _is(12.0, "A session ends so long after its login in any case")


@dataclass(frozen=True, slots=True)
class Http:
    """DICOMweb and the interface for people."""

    enabled: bool = _is(True, "Serve HTTP")
    bind: str = _is(
        "127.0.0.1", "Address to listen on; 0.0.0.0 or :: for all. Put a TLS proxy before it: here is none"
    )
    port: int = _is(5000, "TCP port")
    threads: int = _is(16, "Requests worked on at one time")
    no_match_is_204: bool = _is(
        False,
        "Answer a DICOMweb search that finds nothing by 204 without a body, for clients of old; else by 200 and []",
    )
    max_part_mib: int = _is(0, "Largest object taken by STOW-RS, in MiB; 0: no limit but the disk")
    max_parts: int = _is(100_000, "Objects taken by one STOW-RS request")
    max_metadata_mib: int = _is(
        16, "All metadata of one STOW-RS request that sends them apart from bulk data, in MiB"
    )
    public_url: str = _is(
        "",
        "Our address in answers (https://pacs.example/x), without /dicomweb; empty: the one a request was sent to",
    )
    root_path: str = _is("", "Path below which we are reached (/pacs), whether a proxy cuts it off or not")
    trusted_proxies: tuple[str, ...] = _is(
        (),
        "Addresses or networks of proxies whose Forwarded and X-Forwarded-For, -Proto, -Host, -Port and -Prefix are"
        " believed; they must set or remove what clients send of these",
    )
    cors_origins: tuple[str, ...] = _is(
        (), "Origins of web pages that may read our answers (https://viewer.example), or *; empty: none but our own"
    )
    viewers: tuple[str, ...] = _is(
        ("radiant",),
        "Programs to open studies in, besides Weasis: radiant, microdicom, horos, osirix, slicer, or Title=address"
        " with {study_uid} {patient_id} {accession} {dicomweb} {wado} {token} {aet} {host} {port} in it",
    )
    cors_credentials: bool = _is(False, "Let pages of cors_origins send cookies and logins along; not with *")
    access: HttpAccess = _is(HttpAccess, HttpAccess.__doc__ or "")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use which service: all, or known (nodes of the address book, as far as their rights go)."""

    store: Whom = _is("all", "C-STORE: all | known")
    find: Whom = _is("known", "C-FIND: all | known")
    move: Whom = _is("known", "C-MOVE: all | known")
    get: Whom = _is("known", "C-GET: all | known")
    worklist: Whom = _is("known", "C-FIND of the modality worklist: all | known")
    mpps: Whom = _is("known", "Modality performed procedure steps: all | known")
    commitment: Whom = _is("known", "Storage commitment: all | known")
    print: Whom = _is("known", "Print: all | known")


@dataclass(frozen=True, slots=True)
class NodeTls:
    """How to call a node over TLS; all paths are PEM files."""

    enabled: bool = _is(False, "Call it over TLS")
    verify: bool = _is(True, "Check the authority that signed its certificate; false trusts anybody")
    check_hostname: bool = _is(True, "Check that its certificate bears its host's name; many devices' bear none")
    ca: Path | None = _is(None, "Authority to trust; the system's when not set")
    certificate: Path | None = _is(None, "Certificate that we show, when it asks for one")
    key: Path | None = _is(None, "Its private key; in the certificate's file when not set")


@dataclass(frozen=True, slots=True)
class Node:
    """A neighbour that we may send to (C-MOVE) and that may call us; `calotype nodes` adds others live."""

    ae_title: str = _is("", "Its AE title")
    host: str = _is("", "Its host name or address")
    port: int = _is(104, "Its TCP port")
    rights: tuple[RightName, ...] = _is(
        ALL_RIGHTS, "What it may do here: store | find | move | get | worklist | mpps | commitment | print"
    )
    destinations: tuple[str, ...] = _is((), "AE titles that it may have images moved to; empty: every node")
    bound_to_host: bool = _is(False, "Its AE title counts only when called from its host")
    roles: tuple[RoleName, ...] = _is(ALL_ROLES, "What it serves: store | query | worklist | print | commitment")
    transfer_syntaxes: tuple[str, ...] = _is((), "What it likes best of what we send (UIDs)")
    incoming_transfer_syntaxes: tuple[str, ...] = _is((), "What we like best of what it sends (UIDs)")
    character_set: str = _is("", "Character set to speak to it in when it does not say (ISO_IR 192)")
    connect_s: float = _is(0.0, "Wait for its connection; 0: as for all")
    dimse_s: float = _is(0.0, "Wait for its answer; 0: as for all")
    network_s: float = _is(0.0, "Wait for its next bytes; 0: as for all")
    note: str = _is("", "For people")
    anonymise: bool = _is(False, "What is sent to it (C-MOVE too) leaves without its patient, as [anonymise] says")
    tls: NodeTls = _is(NodeTls, "TLS towards it")


@dataclass(frozen=True, slots=True)
class Jobs:
    """Work that outlives a request: sending and retrieving."""

    workers: int = _is(4, "Jobs that run at one time")
    max_attempts: int = _is(10, "Give a job up after so many attempts that came no further")
    retry_first_s: float = _is(10.0, "Wait before the second attempt; each further wait is twice as long")
    retry_max_s: float = _is(3600.0, "Longest wait between attempts")
    keep_days: float = _is(30.0, "Forget jobs that ended so long ago; 0: never")
    folders: tuple[Path, ...] = _is((), "Files of this machine may be sent from below these; empty: none")


@dataclass(frozen=True, slots=True)
class Pixels:
    """Work on pixels: pictures, and other transfer syntaxes for those who do not take the stored one."""

    threads: int = _is(0, "Frames worked on at one time, whoever asked; 0: as many as there are processors")
    processes: int = _is(
        -1,
        "Processes that bring whole objects into other transfer syntaxes, started while there is work for several; "
        "0: none, threads do it; -1: as many as there are processors, up to 8 (none where there is one)",
    )
    cache_mib: int = _is(
        1024, "Pictures kept on disk beside the objects, in MiB, so as not to make them twice; 0: none"
    )
    transcoded_mib: int = _is(
        2048, "The same for objects in transfer syntaxes that cost much (JPEG 2000, JPEG XL), in MiB; 0: none"
    )
    isolation: IsolationName = _is(
        "suspects",
        "Decode in other processes: all frames | suspects, damaged and shown all the same | none",
    )
    isolation_memory_mib: int = _is(2048, "What such a process may take for a frame, in MiB (Linux)")
    isolation_s: int = _is(20, "Processor time that it may take for a frame; three times as long in all")
    damaged: DamagedName = _is(
        "refuse",
        "Pictures of damaged frames: refuse, unless damaged=show is asked for | show what is left, to all",
    )


@dataclass(frozen=True, slots=True)
class CompressionRule:
    """What becomes of some objects; the first rule that fits decides, what a rule leaves empty fits all."""

    calling_ae_titles: tuple[str, ...] = _is((), "AE titles of those who sent them")
    peers: tuple[str, ...] = _is((), "Addresses or networks (10.1.0.0/16) that they came from")
    modalities: tuple[str, ...] = _is((), "Their modalities: CT, MR, ...")
    transfer_syntax: str = _is("", "What to compress them to, as above; empty: they stay as they came")
    lossy: bool = _is(
        False, "Allow a transfer syntax that loses: a further object is made then, and says what was lost"
    )
    keep_original: bool = _is(True, "Keep the original beside what was made of it with loss")
    jpeg_quality: int = _is(90, "Loss of JPEG: quality, 1 to 100")
    near: int = _is(2, "Loss of JPEG-LS: largest difference of a stored value, 1 to 255")
    psnr_db: float = _is(50.0, "Loss of JPEG 2000 and HTJ2K: peak signal to noise ratio, 20 to 120")
    distance: float = _is(1.0, "Loss of JPEG XL: Butteraugli distance, 0.05 to 15")


@dataclass(frozen=True, slots=True)
class Compression:
    """Compressing what was received, later and in the background; replaced is only what was proved to be the same."""

    enabled: bool = _is(False, "Compress what is received from now on; `calotype compress` does it for what is here")
    transfer_syntax: str = _is(
        "JPEGLosslessSV1",
        "What to compress to where no rule says otherwise: a UID or its keyword (JPEGLosslessSV1, also JPEGProcess14;"
        " JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless, RLELossless, ...); empty: only what a rule names",
    )
    delay_s: float = _is(10.0, "Begin with an object so long after it came")
    workers: int = _is(1, "Objects compressed at one time; requests go first in any case")
    rules: tuple[CompressionRule, ...] = _is((), CompressionRule.__doc__ or "")


@dataclass(frozen=True, slots=True)
class Recycling:
    """What becomes of what is deleted."""

    keep_days: float = _is(30.0, "Purge what was deleted so long ago; 0: only by hand (`calotype recycled`)")
    purge_promised: bool = _is(
        False, "Purge by time what we committed to keep (storage commitment), too; else that waits for a person"
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """The feed of changes."""

    stable_s: float = _is(60.0, "A study is stable when nothing came for so long")
    keep: int = _is(200_000, "Changes that are kept, the newest; about 200 bytes each")


OptionName = Literal[
    "clean-pixel-data",
    "clean-visual-features",
    "clean-graphics",
    "clean-structured-content",
    "clean-descriptors",
    "retain-full-dates",
    "retain-modified-dates",
    "retain-patient-characteristics",
    "retain-device-identity",
    "retain-institution-identity",
    "retain-uids",
    "retain-safe-private",
]


@dataclass(frozen=True, slots=True)
class Regions:
    """Pictures of one kind of device, and where text is burned into them; what is empty or 0 matches any."""

    areas: tuple[str, ...] = _is((), "Rectangles that are blackened: left,top,width,height in pixels; empty: no text")
    sop_class: str = _is("", "SOP Class UID")
    modality: str = _is("", "Modality")
    manufacturer: str = _is("", "Manufacturer, as the objects have it")
    model: str = _is("", "Manufacturer's Model Name")
    rows: int = _is(0, "Height of the pictures")
    columns: int = _is(0, "Width of the pictures")


@dataclass(frozen=True, slots=True)
class Anonymise:
    """De-identification (PS3.15 Annex E): what leaves without its patient, and what does not leave at all."""

    options: tuple[OptionName, ...] = _is(
        (),
        "Options of the Basic Profile where nobody says otherwise: clean-pixel-data | clean-visual-features |"
        " clean-graphics | clean-structured-content | clean-descriptors | retain-full-dates | retain-modified-dates |"
        " retain-patient-characteristics | retain-device-identity | retain-institution-identity | retain-uids |"
        " retain-safe-private",
    )
    documents: Literal["refuse", "empty"] = _is(
        "refuse", "PDF, reports and annotations, which may name anybody: refuse | empty (leave without their content)"
    )
    safe_private: tuple[str, ...] = _is(
        (), "Private attributes that retain-safe-private keeps besides the Standard's: creator|group|element"
    )
    regions: tuple[Regions, ...] = _is((), Regions.__doc__ or "")
    key_file: Path | None = _is(
        None, "The key of all pseudonyms; made when first needed, in the storage folder when not set. Keep a copy"
    )
    keep_zips_days: float = _is(
        7.0, "Remove zip files that jobs have packed after so long; 0: only when somebody removes them"
    )


@dataclass(frozen=True, slots=True)
class Logging:
    """What is written down."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _is("INFO", "DEBUG | INFO | WARNING | ERROR")
    file: Path | None = _is(None, "Also write to this file (rotated at 20 MiB, ten kept); else to stderr only")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything, gathered."""

    storage: Storage = _is(Storage, Storage.__doc__ or "")
    dicom: Dicom = _is(Dicom, Dicom.__doc__ or "")
    listeners: tuple[Listener, ...] = _is(DEFAULT_LISTENERS, Listener.__doc__ or "")
    access: Access = _is(Access, Access.__doc__ or "")
    worklist: Worklist = _is(Worklist, Worklist.__doc__ or "")
    http: Http = _is(Http, Http.__doc__ or "")
    jobs: Jobs = _is(Jobs, Jobs.__doc__ or "")
    pixels: Pixels = _is(Pixels, Pixels.__doc__ or "")
    compression: Compression = _is(Compression, Compression.__doc__ or "")
    recycling: Recycling = _is(Recycling, Recycling.__doc__ or "")
    changes: Changes = _is(Changes, Changes.__doc__ or "")
    anonymise: Anonymise = _is(Anonymise, Anonymise.__doc__ or "")
    nodes: tuple[Node, ...] = _is((), Node.__doc__ or "")
    logging: Logging = _is(Logging, Logging.__doc__ or "")
