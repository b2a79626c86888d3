"""Prints the parts of ``docs/`` that derive from code; with ``--check`` fails when they are stale.

Hand-copied status and SOP class tables drift; these cannot.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path

import click

from calotype.app.listening import EXTENSIONS, SERVED
from calotype.app.settings import DEFAULT_LISTENERS
from calotype.app.showing import template
from calotype.cli import COMMANDS, calotype
from calotype.dicom import charsets, uids
from calotype.dicom.assembly.media import MEDIA
from calotype.dicom.commitment import FailureReason, describe_reason
from calotype.dicom.deidentify.deidentify import BASIC_PROFILE, CODES
from calotype.dicom.deidentify.options import Option
from calotype.dicom.deidentify.table import Action, rules, safe_private
from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.pixels.codec_table import CODECS, Codec
from calotype.dicom.query import attributes, qido, worklist
from calotype.dicom.query.negotiated import SUPPORTED
from calotype.dicom.statuses import Service, http_status, status_for
from calotype.errors import Reason
from calotype.network.rejections import Rejections
from calotype.network.tls import PROFILES
from calotype.services.archive.archive import Archive
from calotype.services.archive.compression.rules import DICOMSCP_NAMES, targets
from calotype.services.archive.documents import ENCAPSULATED_TYPES, REPORT_TYPES
from calotype.services.archive.pictures import MP4, STILLS, Pictures
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web import wado_uri_parameters
from calotype.web.app import create_app
from calotype.web.dicomweb import capabilities
from calotype.web.dicomweb.rendering_parameters import RENDERED_PARAMETERS, THUMBNAIL_PARAMETERS
from calotype.web.dicomweb.ways import MEDIA_TYPES
from calotype.web.openapi import meaning_of
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings

DOCS = Path(__file__).parent.parent / "docs"


def rows(header: tuple[str, ...], body: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in body)])


def services() -> str:
    return rows(
        ("Service", "SOP class", "UID"),
        (
            (name, uids.SOP_CLASSES[uid].name, uid)
            for name, served in SERVED.items()
            if name != "storage"
            for uid in served
        ),
    )


def listeners() -> str:
    return rows(
        ("Port", "AE titles", "Services"),
        (
            (str(item.port), ", ".join(item.ae_titles), ", ".join(["echo", *(s for s in item.services if SERVED[s])]))
            for item in DEFAULT_LISTENERS
        ),
    )


def implementation() -> str:
    return rows(
        ("Implementation Class UID", "Implementation Version Name"),
        [(uids.IMPLEMENTATION_CLASS_UID, uids.IMPLEMENTATION_VERSION_NAME)],
    )


def storage() -> str:
    classes = [uids.SOP_CLASSES[uid] for uid in sorted(uids.STORAGE_CLASSES, key=_components)]
    syntaxes = [uids.TRANSFER_SYNTAXES[uid] for uid in uids.STORABLE_TRANSFER_SYNTAXES]
    return "\n\n".join(
        [
            rows(("SOP class", "UID"), ((c.name + (" (retired)" if c.retired else ""), c.uid) for c in classes)),
            rows(
                ("Transfer syntax", "UID"), ((s.name + (" (retired)" if s.retired else ""), s.uid) for s in syntaxes)
            ),
        ]
    )


def codecs() -> str:
    return rows(
        ("Transfer syntax", "Read", "Written", "From", "By", "Judged by", "On Python 3.11"),
        (
            (
                uids.TRANSFER_SYNTAXES[codec.uid].name,
                "yes" if codec.decoder else f"passes through: {codec.note}",
                codec.fidelity.value if codec.encoder else codec.note if codec.decoder else "no",
                _taken(codec),
                codec.provider,
                (codec.judge or "nobody found") if codec.encoder else codec.judge,
                codec.takes.older.value if codec.takes else "",
            )
            for codec in CODECS.values()
        ),
    )


def compression() -> str:
    names: dict[str, list[str]] = {}
    for name, uid in DICOMSCP_NAMES.items():
        names.setdefault(uid, []).append(name)
    offered = [uids.TRANSFER_SYNTAXES[uid] for uid in targets()]
    return rows(
        ("`transfer_syntax`", "Also", "UID", "Pixels"),
        (
            (
                f"`{target.keyword}`",
                ", ".join(f"`{name}`" for name in names.get(target.uid, []) if name != target.keyword),
                target.uid,
                CODECS[target.uid].fidelity.value,
            )
            for target in offered
        ),
    )


def bulk_data() -> str:
    names: dict[tuple[str, frozenset[str]], list[str]] = {}
    for name, media in MEDIA.items():
        names.setdefault((media.kind.name.lower(), media.syntaxes), []).append(name)
    return rows(
        ("Media type", "Taken as", "Transfer syntaxes"),
        (
            (
                ", ".join(f"`{name}`" for name in group),
                kind,
                "any"
                if len(syntaxes) == len(uids.STORABLE_TRANSFER_SYNTAXES)
                else ", ".join(sorted(syntaxes, key=_components)),
            )
            for (kind, syntaxes), group in names.items()
        ),
    )


def _taken(codec: Codec) -> str:
    takes = codec.takes
    if takes is None:
        return ""
    if takes.is_float:
        return "anything"
    packed = ", packed single bits" if 1 in takes.allocated else ""
    signs = "" if takes.is_signed else ", unsigned"
    named = (*sorted(takes.greys), *sorted(takes.colours))
    colours = f", {' or '.join(named)}" if named else ""
    palette = "" if takes.is_palette else ", no palette"
    return f"up to {takes.max_stored} bits{packed}{signs}{colours}{palette}"


def query() -> str:
    return rows(
        ("Level", "Attribute", "Tag", "VR", "Key", "Matching"),
        (
            (
                a.level.value,
                a.keyword,
                f"({a.tag >> 16:04X},{a.tag & 0xFFFF:04X})",
                a.vr,
                a.key.value,
                a.matching.name.lower().replace("_", " "),
            )
            for a in attributes.INDEXED
        ),
    )


def renderings() -> str:
    def listed(types: Iterable[str]) -> str:
        return ", ".join(f"`{each}`" for each in types)

    return rows(
        ("What", "Media types, the default first"),
        (
            ("One frame, thumbnails", listed(STILLS)),
            (
                "Several frames",
                f"{listed((*STILLS, MP4))}; GIF and MP4 show all of them, MP4 where `ffmpeg` is on PATH",
            ),
            ("Structured reports", listed(REPORT_TYPES)),
            ("Encapsulated documents", f"as declared, of {listed(dict.fromkeys(ENCAPSULATED_TYPES.values()))}"),
        ),
    )


def frames() -> str:
    by_type: dict[str, list[UID]] = {}
    for uid, media_type in MEDIA_TYPES.items():
        by_type.setdefault(media_type, []).append(uid)
    return rows(
        ("Media type", "Transfer syntaxes"),
        (
            (f"`{name}`", ", ".join(uids.transfer_syntax(uid).name for uid in of_it))
            for name, of_it in by_type.items()
        ),
    )


def rendering_parameters() -> str:
    asked = {
        "rendered": RENDERED_PARAMETERS,
        "thumbnail": THUMBNAIL_PARAMETERS,
        "WADO-URI": (*wado_uri_parameters.REQUIRED, *wado_uri_parameters.OPTIONAL),
    }
    names = sorted({name for group in asked.values() for name in group}, key=str.lower)
    return rows(
        ("Parameter", *asked, "Meaning"),
        (
            (f"`{name}`", *("yes" if name in group else "" for group in asked.values()), meaning_of(name))
            for name in names
        ),
    )


def search() -> str:
    return rows(
        ("Resource", "Attributes"),
        (
            (name, ", ".join(f"*{keyword}*" for keyword in qido.RETURNED[level]))
            for level, name in ((Level.STUDY, "studies"), (Level.SERIES, "series"), (Level.IMAGE, "instances"))
        ),
    )


def statuses() -> str:
    columns = list(Service)
    return rows(
        ("Cause", *(service.name.replace("_", "-") for service in columns), "HTTP"),
        (
            (reason.value, *(f"{status_for(reason, service):04X}" for service in columns), str(http_status(reason)))
            for reason in Reason
        ),
    )


def extended() -> str:
    offered = {"storage": "level, level of digital signatures, element coercion"} | dict.fromkeys(
        ("move", "get"), "relational retrieval, enhanced multi-frame conversion"
    )
    offered["find"] = ", ".join(field.name.replace("_", " ") for field in fields(SUPPORTED))
    return rows(
        ("Service", "Bytes answered", "Meaning of each byte in turn"),
        ((name, EXTENSIONS[name].information.hex(" "), offered[name]) for name in EXTENSIONS),
    )


def worklist_keys() -> str:
    return rows(
        ("Module", "Attribute", "Key", "Return type"),
        ((row.module, row.keyword, row.key.value, row.returned) for row in worklist.MODEL),
    )


def commitment() -> str:
    return rows(("Failure Reason", "Meaning"), ((f"{r:04X}", describe_reason(r)[5:]) for r in FailureReason))


def dicomweb() -> str:
    index, objects = MemoryIndex(), MemoryObjectStore()
    archive = Archive.over(objects, index)
    rooms = Rooms(
        archive,
        Rejections(),
        pictures=Pictures(archive.retrieve, index),
        recycling=archive.recycling,
        changes=archive.changes,
    )
    told = capabilities.services(create_app(rooms, WebSettings()))
    return rows(
        ("Resource", "Method", "Transaction", "Parameters", "Answers"),
        (
            (
                f"`{path or '/'}`",
                method.name,
                method.service,
                ", ".join(f"`{name}`" for name in method.parameters),
                ", ".join(f"`{media_type}`" for media_type in method.media_types),
            )
            for path, methods in told.items()
            for method in methods
        ),
    )


def tls() -> str:
    return rows(
        ("`profile`", "PS3.15", "Cipher suites of TLS 1.2"),
        ((f"`{key}`", f"{row.section} {row.name}", ", ".join(row.suites)) for key, row in PROFILES.items()),
    )


def deidentification() -> str:
    def actions(option: Option) -> str:
        counted = Counter(rule.options[option] for rule in rules().values() if option in rule.options)
        words = {Action.KEEP: "kept", Action.CLEAN: "cleaned"}
        return ", ".join(f"{count} attributes {words[action]}" for action, count in sorted(counted.items()))

    options = ((f"`{option}`", *CODES[option], actions(option) or "see below") for option in Option)
    basic = Counter(rule.basic for rule in rules().values())
    profile = ", ".join(f"{action} {count}" for action, count in sorted(basic.items()))
    private: dict[tuple[str, int], list[str]] = {}
    for creator, group, element in sorted(safe_private()):
        private.setdefault((creator, group), []).append(f"{element:02X}")
    safe = ((creator, f"({group:04X},xx..)", " ".join(numbers)) for (creator, group), numbers in private.items())
    return "\n\n".join(
        (
            rows(
                ("Profile or option", "Code (DCM)", "Meaning", "Rows of Table E.1-1"),
                [("the Basic Profile", *BASIC_PROFILE, profile), *options],
            ),
            rows(("Safe private: creator", "Group", "Elements"), safe),
        )
    )


def character_sets() -> str:
    return rows(
        ("Defined term", "Code extensions (escape sequences)"),
        (
            (term, ", ".join(g.escape.decode("ascii").replace("\x1b", "ESC ") for g in row.graphic) or "none")
            for term, row in charsets.BY_TERM.items()
        ),
    )


def commands() -> str:
    parts = ["# Commands\n\nPrinted by `make docs` from the commands themselves."]
    context = click.Context(calotype, info_name="calotype", max_content_width=100, terminal_width=100)
    parts.append(f"```text\n{calotype.get_help(context)}\n```")
    for name in COMMANDS:
        command = calotype.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context, max_content_width=100, terminal_width=100)
        parts.append(f"## calotype {name}\n\n```text\n{command.get_help(inner)}\n```")
    return "\n\n".join(parts) + "\n"


def settings() -> str:
    return f"# Settings\n\nWhat `calotype init` writes. Printed by `make docs`.\n\n```toml\n{template()}```\n"


def _components(uid: str) -> list[int]:
    return [int(part) for part in uid.split(".")]


BLOCKS: dict[str, Callable[[], str]] = {
    "services": services,
    "listeners": listeners,
    "implementation": implementation,
    "storage": storage,
    "codecs": codecs,
    "compression": compression,
    "query": query,
    "statuses": statuses,
    "extended": extended,
    "worklist": worklist_keys,
    "commitment": commitment,
    "bulk data": bulk_data,
    "search": search,
    "frames": frames,
    "renderings": renderings,
    "rendering parameters": rendering_parameters,
    "dicomweb": dicomweb,
    "tls": tls,
    "de-identification": deidentification,
    "character sets": character_sets,
}


def conformance() -> str:
    text = (DOCS / "conformance.md").read_text(encoding="utf-8")
    for name, make in BLOCKS.items():
        block = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, count = block.subn(lambda found: f"{found[1]}{make()}\n{found[2]}", text)  # noqa: B023 - called at once
        if count != 1:
            raise SystemExit(f"docs/conformance.md must have one block {name!r}, it has {count}")
    return text


PAGES: dict[str, Callable[[], str]] = {
    "conformance.md": conformance,
    "commands.md": commands,
    "settings.md": settings,
}


def main() -> None:
    """Write the pages, or check them."""
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        raise SystemExit(f"stale: {', '.join(stale)}; run `make docs` and commit what it writes")


if __name__ == "__main__":
    main()
