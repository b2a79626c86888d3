"""Which files a DICOMDIR refers to (PS3.3 F, PS3.10 8), found on whatever file system the medium was copied to.

File IDs are up to eight components in upper case; copies come in lower case, with ``;1`` behind the name, or with a
dot at its end. Every component is checked: a DICOMDIR never leads out of its own folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from calotype.dicom import datasets
from calotype.dicom.part10 import read_file_meta
from calotype.dicom.uids import MEDIA_STORAGE_DIRECTORY
from calotype.errors import InvalidRequest, NotFound

_MAX_BYTES: Final = 64 << 20
_LIMITS: Final = datasets.Limits(max_bytes=_MAX_BYTES, max_elements=4_000_000)
_DIRECTORY_RECORD_SEQUENCE: Final = 0x00041220
_RECORD_IN_USE_FLAG: Final = 0x00041410
_REFERENCED_FILE_ID: Final = 0x00041500


def referenced_file_ids(file: bytes) -> Iterator[tuple[str, ...]]:
    """Return the components of every File ID in a DICOMDIR, once each. InvalidRequest when it is none."""
    meta = read_file_meta(file)
    if meta is None or meta.sop_class != MEDIA_STORAGE_DIRECTORY:
        raise InvalidRequest("this file is no DICOMDIR")
    seen: set[tuple[str, ...]] = set()
    for element in datasets.decode(memoryview(file)[meta.data_offset :], meta.transfer_syntax, _LIMITS):
        if element.tag != _DIRECTORY_RECORD_SEQUENCE:
            continue
        for item in element.items:
            record = {part.tag: part.raw for part in item}
            # PS3.3 F.3.2.2: 0000H is a record that was deleted in place.
            if record.get(_RECORD_IN_USE_FLAG) == b"\x00\x00":
                continue
            text = record.get(_REFERENCED_FILE_ID, b"").decode("ascii", "replace")
            file_id = tuple(component.strip(" \0") for component in text.split("\\"))
            if any(file_id) and file_id not in seen:
                seen.add(file_id)
                yield file_id


def read_dicomdir(path: Path) -> list[tuple[str, ...]]:
    """Read the File IDs of the DICOMDIR at ``path``. InvalidRequest when it is none or too large; OSError."""
    if path.stat().st_size > _MAX_BYTES:
        raise InvalidRequest(f"{path.name} is larger than any DICOMDIR: {path.stat().st_size} bytes")
    return list(referenced_file_ids(path.read_bytes()))


def find_file(root: Path, file_id: tuple[str, ...]) -> Path:
    """Return the file below ``root`` that a File ID means. NotFound, or InvalidRequest when it leads out."""
    found = root
    for component in file_id:
        if component in {"", ".", ".."} or any(char in component for char in "/\\\0:"):
            raise InvalidRequest(f"the File ID {'/'.join(file_id)!r} is not one")
        found = _entry(found, component, file_id)
    if not found.resolve().is_relative_to(root.resolve()):
        raise InvalidRequest(f"the File ID {'/'.join(file_id)!r} leads out of the medium")
    return found


def _entry(folder: Path, component: str, file_id: tuple[str, ...]) -> Path:
    exact = folder / component
    if exact.exists():
        return exact
    wanted = _plain(component)
    if folder.is_dir():
        for entry in sorted(folder.iterdir()):
            if _plain(entry.name) == wanted:
                return entry
    raise NotFound(f"the DICOMDIR refers to {'/'.join(file_id)}, which is not there")


def _plain(name: str) -> str:
    """Return a name as ISO 9660 means it, whatever a copy made of it."""
    return name.partition(";")[0].rstrip(".").upper()
