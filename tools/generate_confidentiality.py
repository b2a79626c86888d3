"""Writes PS3.15 Table E.1-1 into ``src/calotype/dicom/tables/confidentiality.tsv``, and the Types that decide in it.

Run by hand when the Standard moves on: ``generate_confidentiality.py ATTRIBUTES STANDARD``. ``ATTRIBUTES`` is the
table as JSON (``confidentiality_profile_attributes.json`` of the Innolitics DICOM standard browser); ``STANDARD`` is
the folder ``highdicom/_standard``, which holds PS3.3's modules by IOD as JSON. What is written is reviewed and kept
under version control, so that the package itself depends on nothing but its own data.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pydicom.datadict import tag_for_keyword

from calotype.dicom import dictionary

TABLES = Path(__file__).parents[1] / "src" / "calotype" / "dicom" / "tables"

OPTIONS = {
    "rtnSafePrivOpt": "retain-safe-private",
    "rtnUIDsOpt": "retain-uids",
    "rtnDevIdOpt": "retain-device-identity",
    "rtnInstIdOpt": "retain-institution-identity",
    "rtnPatCharsOpt": "retain-patient-characteristics",
    "rtnLongFullDatesOpt": "retain-full-dates",
    "rtnLongModifDatesOpt": "retain-modified-dates",
    "cleanDescOpt": "clean-descriptors",
    "cleanStructContOpt": "clean-structured-content",
    "cleanGraphOpt": "clean-graphics",
}
"""Columns of the table, by the names of our options."""

TYPE_RANK = {"1": 1, "1C": 1, "2": 2, "2C": 2}
"""What a Type demands; 3 is everything else. Conditions are taken for met: what is not wanted can do no harm."""


def pattern_of(row: dict[str, str]) -> str:
    """Return a row's tag as eight digits, ``x`` for any; ``private`` for the row of all private attributes."""
    name = row["id"]
    return "private" if name.startswith("gggg") else name.upper().replace("X", "x")


def write_profile(rows: list[dict[str, str]]) -> list[int]:
    """Write one line per attribute; return the tags whose action depends on their Type."""
    lines = ["# tag\taction of the Basic Profile\toptions\tname (PS3.15 Table E.1-1)"]
    undecided = []
    for row in sorted(rows, key=pattern_of):
        options = ",".join(f"{OPTIONS[key]}={row[key]}" for key in OPTIONS if key in row)
        unknown = {key for key in row if key.endswith("Opt")} - OPTIONS.keys()
        if unknown:
            raise SystemExit(f"columns {unknown} are new: add them to the table above")
        lines.append("\t".join((pattern_of(row), row["basicProfile"], options, " ".join(row["name"].split()))))
        if "/" in row["basicProfile"]:
            undecided.append(int(row["id"], 16))
    (TABLES / "confidentiality.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return undecided


def write_types(standard: Path, undecided: list[int]) -> None:
    """Write which Type the attributes have: by SOP class in the data set itself, by sequence in items."""
    iods = json.loads((standard / "sop_class_iod_map.json").read_text(encoding="utf-8"))
    modules = json.loads((standard / "iod_module_map.json").read_text(encoding="utf-8"))
    attributes = json.loads((standard / "module_attribute_map.json").read_text(encoding="utf-8"))
    wanted = {dictionary.keyword_of(tag): tag for tag in undecided}
    top: dict[tuple[int, int], set[str]] = defaultdict(set)
    nested: dict[tuple[int, int], int] = {}
    for sop_class, iod in iods.items():
        strictest: dict[int, int] = {}
        for module in modules[iod]:
            for attribute in attributes.get(module["key"], ()):
                tag = wanted.get(attribute["keyword"])
                if tag is None:
                    continue
                rank = TYPE_RANK.get(str(attribute["type"]), 3)
                if attribute["path"]:
                    parent = tag_for_keyword(attribute["path"][-1])
                    if parent is not None:
                        nested[tag, parent] = min(nested.get((tag, parent), 3), rank)
                else:
                    strictest[tag] = min(strictest.get(tag, 3), rank)
        for tag, rank in strictest.items():
            top[tag, rank].add(sop_class)
    # An IOD is all that its modules say: an attribute that none of them has is an extension, hence of Type 3.
    lines = [
        "# tag\ttype\tin: SOP classes below 1.2.840.10008.5.1.4 (the data set itself), or @ and a sequence",
        "# (PS3.3; conditions are taken for met; the SOP classes of the next line are known, Type 3 is not listed)",
        f"*\t3\t{_names(iods)}",
    ]
    lines += [f"{tag:08X}\t{rank}\t{_names(classes)}" for (tag, rank), classes in sorted(top.items()) if rank < 3]
    lines += [f"{tag:08X}\t{rank}\t@{parent:08X}" for (tag, parent), rank in sorted(nested.items())]
    (TABLES / "confidentiality_types.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _names(sop_classes: Iterable[str]) -> str:
    below = "1.2.840.10008.5.1.4."
    return " ".join(sorted(uid.removeprefix(below) for uid in sop_classes if uid.startswith(below)))


if __name__ == "__main__":
    table, standard_folder = map(Path, sys.argv[1:3])
    write_types(standard_folder, write_profile(json.loads(table.read_text(encoding="utf-8"))))
