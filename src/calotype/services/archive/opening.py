"""The first bytes of a Part 10 stream: finds the file meta information and where the data set begins.

Used where an object arrives as a file (STOW-RS, import). The meta is read for what it says and not kept: the archive
writes its own. Nothing here writes or decides about an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta
from calotype.dicom.uids import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    MEDIA_STORAGE_DIRECTORY,
)
from calotype.errors import InvalidRequest
from calotype.services.archive.ports import ReadableBuffer

MAX_META_BYTES: Final = 1 << 20
"""File meta is some hundred bytes; with private information (0002,0102) rarely thousands."""

_PREAMBLE: Final = bytes(128) + b"DICM"
_LEAST_BYTES: Final = len(_PREAMBLE) + 8
_VRS: Final = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)


class NotAnObject(InvalidRequest):
    """The stream is no DICOM object: another kind of file, or a DICOMDIR."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a stream's beginning says; empty UIDs where it does not. ``rest`` is the data set as far as it is here."""

    sop_class: UID
    sop_instance: UID
    transfer_syntax: UID
    source_ae_title: str
    rest: bytes


class Opening:
    """Collects a stream until its meta is complete.

    ``tolerant`` also takes what old media hold: meta without preamble, and a bare data set, whose transfer syntax is
    then recognised by its first element. Such a data set must begin in group 0008, or it is not taken for one.
    """

    def __init__(self, *, tolerant: bool) -> None:
        self.tolerant = tolerant
        self._collected = bytearray()

    def receive(self, parts: Sequence[ReadableBuffer]) -> Opened | None:
        """Add bytes; ``None`` while more are needed. NotAnObject when this is none."""
        for part in parts:
            self._collected += part
        if len(self._collected) < _LEAST_BYTES:
            return None
        opened = self._open()
        if opened is None and len(self._collected) > MAX_META_BYTES:
            raise NotAnObject(f"not a DICOM file: its meta information exceeds {MAX_META_BYTES} bytes")
        return opened

    def end(self) -> NotAnObject:
        """Return the error for a stream that ended before its meta did."""
        return NotAnObject(f"not a DICOM file: it ends after {len(self._collected)} bytes")

    def _open(self) -> Opened | None:
        collected = bytes(self._collected)
        if collected[128:132] == b"DICM":
            return _with_meta(collected)
        if self.tolerant and collected[:2] == b"\x02\x00":
            return _with_meta(_PREAMBLE + collected)
        if self.tolerant and (syntax := _recognise(collected)):
            return Opened(UID(""), UID(""), syntax, "", collected)
        raise NotAnObject("not a DICOM file: no 'DICM' at byte 128")


def _with_meta(file: bytes) -> Opened | None:
    meta = read_file_meta(file)
    if meta is None:
        return None
    if meta.sop_class == MEDIA_STORAGE_DIRECTORY:
        raise NotAnObject("a DICOMDIR: it lists objects and is none")
    return Opened(
        meta.sop_class, meta.sop_instance, meta.transfer_syntax, meta.source_ae_title, file[meta.data_offset :]
    )


def _recognise(data: bytes) -> UID | None:
    """Tell the transfer syntax of a bare data set by its first element, of group 0008 (PS3.5 7.1, Annex A)."""
    explicit = data[4:6] in _VRS
    if data[:2] == b"\x08\x00":
        if explicit:
            return EXPLICIT_VR_LITTLE_ENDIAN
        # Implicit: a first element of group 0008 is short, or this is no data set.
        return IMPLICIT_VR_LITTLE_ENDIAN if int.from_bytes(data[4:8], "little") <= 1024 else None
    return EXPLICIT_VR_BIG_ENDIAN if data[:2] == b"\x00\x08" and explicit else None
