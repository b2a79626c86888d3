"""Writes the Standard's tables (PS3.6) into ``src/calotype/dicom/tables`` from pydicom's dictionaries.

Run by hand when the Standard moves on; what it writes is reviewed and kept under version control, so that the
package itself depends on nothing but its own data.
"""

from __future__ import annotations

from pathlib import Path

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._uid_dict import UID_dictionary

TABLES = Path(__file__).parents[1] / "src" / "calotype" / "dicom" / "tables"

SERVICE_BY_UID = {
    "1.2.840.10008.1.1": "verification",
    "1.2.840.10008.1.3.10": "media",
    "1.2.840.10008.1.20.1": "storage-commitment",
    "1.2.840.10008.1.20.2": "storage-commitment",
    "1.2.840.10008.5.1.1.33": "media",
    "1.2.840.10008.5.1.1.40": "display-system",
    "1.2.840.10008.5.1.4.31": "worklist",
    "1.2.840.10008.5.1.4.33": "instance-availability",
    "1.2.840.10008.5.1.4.1.1.201.5": "inventory",
    "1.2.840.10008.5.1.4.1.1.201.6": "inventory",
    "1.2.840.10008.5.1.4.34.8": "rt-machine-verification",
    "1.2.840.10008.5.1.4.34.9": "rt-machine-verification",
    "1.2.840.10008.5.1.4.34.2": "rt-machine-verification",
    "1.2.840.10008.5.1.4.34.3": "rt-machine-verification",
}
SERVICE_BY_PREFIX = (
    ("1.2.840.10008.3.1.2.3.3", "performed-step"),
    ("1.2.840.10008.3.1.2.3.4", "performed-step"),
    ("1.2.840.10008.3.1.2.3.5", "performed-step"),
    ("1.2.840.10008.3.1.2.", "management"),
    ("1.2.840.10008.1.9", "management"),
    ("1.2.840.10008.1.4", "logging"),
    ("1.2.840.10008.10.", "real-time"),
    ("1.2.840.10008.5.1.1.", "print"),
    ("1.2.840.10008.5.1.4.32", "general-purpose-worklist"),
    ("1.2.840.10008.5.1.4.34.4.", "unified-procedure-step"),
    ("1.2.840.10008.5.1.4.34.6.", "unified-procedure-step"),
    ("1.2.840.10008.5.1.4.37.", "relevant-patient-information"),
    ("1.2.840.10008.5.1.4.4", "substance"),
)
NAMES = {
    # PS3.6 keeps the number and dropped the name of these two when it retired them.
    "1.2.840.10008.5.1.4.1.1.12.77": ("Retired Storage 12.77", "RetiredStorage1277"),
    "1.2.840.10008.5.1.4.1.1.40": ("Retired Storage 40", "RetiredStorage40"),
}


def service_of(uid: str, name: str) -> str:
    """Return the service that a SOP class belongs to; the first rule that knows it decides."""
    if uid in SERVICE_BY_UID:
        return SERVICE_BY_UID[uid]
    for verb in ("find", "move", "get"):
        if name.upper().endswith(f"- {verb.upper()}"):
            if uid.startswith("1.2.840.10008.5.1.4.32"):
                break
            return f"query-retrieve-{verb}" if uid.startswith("1.2.840.10008.5.1.4.1.2.") else f"other-{verb}"
    if uid.startswith("1.2.840.10008.5.1.4.1.1.") or "Storage" in name:
        return "storage"
    for prefix, service in SERVICE_BY_PREFIX:
        if uid.startswith(prefix):
            return service
    raise SystemExit(f"no service known for {uid} {name}; add it to the tables above")


def numeric(uid: str) -> list[int]:
    """Sort key: components as numbers."""
    return [int(part) for part in uid.split(".")]


def write_sop_classes() -> None:
    """Write one line per SOP class: UID, service, keyword, retired or not, name."""
    lines = ["# uid\tservice\tkeyword\tretired\tname (PS3.6 Table A-1)"]
    for uid in sorted(UID_dictionary, key=numeric):
        name, kind, _, retired, keyword = UID_dictionary[uid]
        if kind not in {"SOP Class", "Meta SOP Class"}:
            continue
        if uid in NAMES:
            name, keyword = NAMES[uid]
        service = "print" if kind == "Meta SOP Class" and ".5.1.1." in uid else ""
        if kind == "Meta SOP Class" and not service:
            service = "management" if ".3.1.2." in uid else "general-purpose-worklist"
        lines.append("\t".join((uid, service or service_of(uid, name), keyword, "R" if retired else "", name)))
    (TABLES / "sop_classes.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_dictionary() -> None:
    """Write one line per attribute: tag (``x`` any digit), VRs (``/`` between), keyword."""
    rows = [(f"{tag:08X}", entry) for tag, entry in DicomDictionary.items()]
    rows += list(RepeatersDictionary.items())
    lines = ["# tag\tvr\tvm\tkeyword (PS3.6 Tables 6-1, 7-1, 8-1; PS3.7 Table E.1-1)"]
    lines += [
        f"{tag}\t{vr.replace(' or ', '/')}\t{vm}\t{keyword}"
        for tag, (vr, vm, _, _, keyword) in sorted(rows)
        if keyword
    ]
    (TABLES / "dictionary.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    TABLES.mkdir(exist_ok=True)
    write_sop_classes()
    write_dictionary()
