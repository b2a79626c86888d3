"""Addresses that programs on the reader's machine answer to, as templates: ours, and an administrator's.

A template is an address with names in braces, each replaced by its value, encoded. What may stand in a template and
where it may lead is checked when the settings are read: never to a script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from calotype.errors import InvalidRequest

NAMES: Final = ("study_uid", "patient_id", "accession", "dicomweb", "wado", "token", "aet", "host", "port")
"""What a template may have in braces. ``token`` opens the study for hours; the others say who, where and what."""

MAX_TEMPLATES: Final = 30
MAX_CHARS: Final = 2000

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{1,30}:", re.ASCII)
_SCRIPTS: Final = frozenset({"javascript:", "data:", "vbscript:", "blob:", "file:", "about:"})
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_TITLE: Final = re.compile(r"[^\x00-\x1f=]{1,60}")


@dataclass(frozen=True, slots=True)
class Template:
    """One program."""

    name: str
    title: str
    address: str

    @property
    def needs_token(self) -> bool:
        """Whether it asks over HTTP, in the reader's name."""
        return "{token}" in self.address


KNOWN: Final[Mapping[str, Template]] = {
    each.name: each
    for each in (
        # Asks by DICOM: we must be set up there by our AE title, and it in our nodes.
        Template("radiant", "RadiAnt", "radiant://?n=paet&v={aet}&n=pstv&v=0020000D&v=%22{study_uid}%22"),
        Template(
            "microdicom",
            "MicroDicom",
            "microdicom://?param=pacsServer&value={aet}:{host}:{port}"
            "&param=pacsTagValue&value=0020000D&value={study_uid}",
        ),
        Template(
            "horos",
            "Horos",
            "horos://?methodName=retrieve&serverName={aet}&filterKey=StudyInstanceUID&filterValue={study_uid}",
        ),
        Template(
            "osirix",
            "OsiriX",
            "osirix://?methodName=retrieve&serverName={aet}&filterKey=StudyInstanceUID&filterValue={study_uid}",
        ),
        Template(
            "slicer",
            "3D Slicer",
            "slicer://viewer/?studyUID={study_uid}&access_token={token}&dicomweb_endpoint={dicomweb}",
        ),
    )
}
"""By name, what the makers of each write of its addresses."""


def read(entries: Iterable[str]) -> Sequence[Template]:
    """Understand the settings: names of what is known, or ``Title=address``. InvalidRequest, saying what is wrong."""
    found: dict[str, Template] = {}
    for number, entry in enumerate(entries):
        template = KNOWN.get(entry) or _own(number, entry)
        if template.name in found:
            raise InvalidRequest(f"{entry!r} is there twice")
        found[template.name] = template
    if len(found) > MAX_TEMPLATES:
        raise InvalidRequest(f"{len(found)} viewers, at most {MAX_TEMPLATES} are shown")
    return tuple(found.values())


def _own(number: int, entry: str) -> Template:
    title, equals, address = entry.partition("=")
    if not equals:
        known = ", ".join(sorted(KNOWN))
        raise InvalidRequest(f"{entry!r} is no viewer that is known ({known}); give Title=address for another")
    if not _TITLE.fullmatch(title) or not title.isprintable():
        raise InvalidRequest(f"{title!r} is no title: give 1 to 60 characters before the first =")
    scheme = _SCHEME.match(address)
    is_plain = address.isascii() and address.isprintable() and not any(char in address for char in ' "<>\\^`')
    if scheme is None or scheme[0] in _SCRIPTS or len(address) > MAX_CHARS or not is_plain:
        raise InvalidRequest(f"{address!r} is no address of a program (name://...), or one that would run a script")
    unknown = sorted({name for name in _FIELD.findall(address) if name not in NAMES})
    if unknown or "{" in _FIELD.sub("", address) or "}" in _FIELD.sub("", address):
        raise InvalidRequest(f"{address!r}: in braces may stand {', '.join(NAMES)}")
    return Template(f"own-{number}", title, address)


def fill(template: Template, values: Mapping[str, str]) -> str:
    """Return the address with every value in its place, encoded, so that none is more than a value."""
    return _FIELD.sub(lambda found: quote(values.get(found[1], ""), safe=""), template.address)
