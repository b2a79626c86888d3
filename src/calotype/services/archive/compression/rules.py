"""Which objects are compressed, and to what: an administrator's rules, the first that fits decides.

Data only; how names become transfer syntaxes, and which of them can be written at all, is here too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codec_table import CODECS, Fidelity, Older
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.versions import has_current_codecs
from calotype.dicom.uids import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TRANSFER_SYNTAXES,
    transfer_syntax,
)
from calotype.errors import InvalidRequest, Unsupported
from calotype.services.archive.ports import InstanceRecord, Origin

COMPRESSIBLE: Final = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN})
"""What is not compressed yet."""

DICOMSCP_NAMES: Final[Mapping[str, UID]] = {
    name: UID("1.2.840.10008.1.2." + row)
    for name, row in {
        "JPEG2000Lossless": "4.90",
        "JPEG2000Lossy": "4.91",
        "JPEGLSLossless": "4.80",
        "RLELossless": "5",
        # Process 14 alone is .57; this is what DicomSCP means by it.
        "JPEGProcess14": "4.70",
    }.items()
}
"""How DicomSCP calls transfer syntaxes in its settings."""

_NOT_SMALLER: Final = UID("1.2.840.10008.1.2.1.98")
"""Encapsulated Uncompressed: fragments of pixels as they are."""

_BY_NAME: Final = {each.keyword.lower(): uid for uid, each in TRANSFER_SYNTAXES.items()} | {
    name.lower(): uid for name, uid in DICOMSCP_NAMES.items()
}


def target_of(name: str) -> UID:
    """Return the transfer syntax meant by a UID, its keyword (PS3.6 Table A-1) or DicomSCP's name for it.

    InvalidRequest for one that is unknown or no compression, Unsupported for one that cannot be written here.
    """
    text = name.strip()
    uid = _BY_NAME.get(text.lower(), UID(text))
    codec = CODECS.get(uid)
    if codec is None or not transfer_syntax(uid).encapsulated or uid == _NOT_SMALLER:
        raise InvalidRequest(f"{name!r} names no compressed transfer syntax; give one of {', '.join(target_names())}")
    if codec.encoder is None or codec.takes is None:
        raise Unsupported(f"{transfer_syntax(uid).name} is not written: {codec.note}")
    if codec.takes.older is Older.NOTHING and not has_current_codecs():
        raise Unsupported(f"{transfer_syntax(uid).name} is not written on Python 3.11; run Python 3.12 or later")
    return uid


def targets() -> tuple[UID, ...]:
    """Return all transfer syntaxes that can be compressed to."""
    written = (uid for uid, codec in CODECS.items() if codec.encoder is not None and uid != _NOT_SMALLER)
    return tuple(uid for uid in written if transfer_syntax(uid).encapsulated)


def target_names() -> tuple[str, ...]:
    """Return the keywords of :func:`targets`."""
    return tuple(transfer_syntax(uid).keyword for uid in targets())


def is_lossy(target: UID) -> bool:
    """Tell whether a transfer syntax that can be compressed to loses."""
    return CODECS[target].fidelity is Fidelity.LOSSY


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of objects from some senders and of some modalities; what is empty fits all.

    ``target``: ``None`` leaves them as they came. ``lossy`` says how much may be lost, where ``target`` loses;
    ``keeps_original`` whether the original stays beside what was made of it then.
    """

    target: UID | None
    calling_ae_titles: frozenset[str] = frozenset()
    peers: tuple[IPv4Network | IPv6Network, ...] = ()
    modalities: frozenset[str] = frozenset()
    lossy: EncodeOptions | None = None
    keeps_original: bool = True

    def __post_init__(self) -> None:
        if self.target is not None and is_lossy(self.target) and self.lossy is None:
            raise InvalidRequest(
                f"{transfer_syntax(self.target).name} loses, which must be allowed on purpose: set lossy = true"
            )

    def fits(self, origin: Origin, modality: str) -> bool:
        """Tell whether the rule is for an object that came so."""
        return (
            (not self.calling_ae_titles or origin.calling_ae_title.strip(" ") in self.calling_ae_titles)
            and (not self.modalities or modality in self.modalities)
            and (not self.peers or _is_in(origin.address, self.peers))
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, in order."""

    rules: tuple[Rule, ...] = ()

    def rule_for(self, origin: Origin, modality: str) -> Rule | None:
        """Return the rule by which an object is to be compressed, ``None`` when it is to stay as it came."""
        rule = next((rule for rule in self.rules if rule.fits(origin, modality)), None)
        return rule if rule is not None and rule.target is not None else None

    def wants(self, record: InstanceRecord) -> bool:
        """Tell whether a new object is to be compressed: it is an image, uncompressed, and a rule says so."""
        return (
            record.location.transfer_syntax in COMPRESSIBLE
            and "Rows" in record.attributes
            and self.rule_for(record.origin, record.attributes.get("Modality", "")) is not None
        )


NO_RULES: Final = Rules()


def _is_in(address: str, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if found.version == 6 else None
    return any((mapped or found) in network for network in networks)
