"""The first bytes of a Part 10 stream: finds the file meta information and where the data set begins.

Used where an object arrives as a file (STOW-RS, import). The meta is read for what it says and not kept: the archive
writes its own. Nothing here writes or decides about an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import guess_transfer_syntax, read_file_meta
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, MEDIA_STORAGE_DIRECTORY
from calotype.errors import InvalidRequest
from calotype.services.archive.ports import ReadableBuffer

_PREAMBLE: Final = bytes(128) + b"DICM"
_LEAST_BYTES: Final = len(_PREAMBLE)
_MAX_FIRST_VALUE_BYTES: Final = 1024
_LOOK_BYTES: Final = 4096
"""How much is looked at first: a meta has some hundred bytes."""


class NotAnObject(InvalidRequest):
    """The stream is no DICOM object: another kind of file, or a DICOMDIR."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a stream's beginning says; empty UIDs where it does not. ``rest`` is the data set as far as it is here.

    The pieces of ``rest`` are views of what the stream came in.
    """

    sop_class: UID
    sop_instance: UID
    transfer_syntax: UID
    source_ae_title: str
    rest: tuple[ReadableBuffer, ...]


class Opening:
    """Collects a stream until its meta is complete; how long that may be is bounded by ``dicom.part10``.

    ``tolerant`` also takes what old media hold: meta without preamble, and a bare data set, whose transfer syntax is
    then recognised by its first element. Such a data set must begin in group 0008, or it is not taken for one.
    """

    def __init__(self, *, tolerant: bool) -> None:
        self.tolerant = tolerant
        self._collected = bytearray()
        self._wanted_bytes = _LEAST_BYTES

    def receive(self, parts: Sequence[ReadableBuffer]) -> Beginning | None:
        """Add bytes; ``None`` while more are needed. InvalidRequest (NotAnObject) when this is no DICOM object."""
        for number, part in enumerate(parts):
            at = 0
            while at < len(part):
                # No more than is looked at: a large part is mostly data set, and that is not copied here.
                taken = memoryview(part)[at : at + max(_LOOK_BYTES, self._wanted_bytes - len(self._collected))]
                self._collected += taken
                at += len(taken)
                if len(self._collected) >= self._wanted_bytes:
                    # Looking again only after so much more keeps a stream of single bytes from costing their square.
                    self._wanted_bytes = 2 * len(self._collected)
                    if (beginning := self._open()) is not None:
                        rest = (*beginning.rest, memoryview(part)[at:], *parts[number + 1 :])
                        return replace(beginning, rest=rest)
        return None

    def end(self) -> Beginning:
        """Return what a short stream held. InvalidRequest (NotAnObject) when its meta is not complete."""
        beginning = self._open() if len(self._collected) >= _LEAST_BYTES else None
        if beginning is None:
            raise NotAnObject(f"not a DICOM file: it ends after {len(self._collected)} bytes")
        return beginning

    def _open(self) -> Beginning | None:
        collected = bytes(self._collected)
        if collected[128:132] == b"DICM":
            return _with_meta(collected)
        if self.tolerant:
            if collected[:4] == b"DICM":
                return _with_meta(_PREAMBLE + collected[4:])
            if collected[:2] == b"\x02\x00":
                return _with_meta(_PREAMBLE + collected)
            if (syntax := _recognise(collected[:8])) is not None:
                return Beginning(UID(""), UID(""), syntax, "", (collected,))
        raise NotAnObject("not a DICOM file: no 'DICM' at byte 128")


def _with_meta(file: bytes) -> Beginning | None:
    meta = read_file_meta(file)
    if meta is None:
        return None
    if meta.sop_class == MEDIA_STORAGE_DIRECTORY:
        raise NotAnObject("a DICOMDIR: it lists objects and is none")
    return Beginning(
        meta.sop_class, meta.sop_instance, meta.transfer_syntax, meta.source_ae_title, (file[meta.data_offset :],)
    )


def _recognise(start: bytes) -> UID | None:
    """Tell the transfer syntax of a bare data set by its first element, of group 0008 (PS3.5 7.1, Annex A)."""
    if start[:2] not in {b"\x08\x00", b"\x00\x08"}:
        return None
    syntax = guess_transfer_syntax(start)
    if syntax == IMPLICIT_VR_LITTLE_ENDIAN:
        # Nothing but two bytes speaks for a data set so far; the first elements of group 0008 are short.
        plausible = start[0] == 8 and int.from_bytes(start[4:], "little") <= _MAX_FIRST_VALUE_BYTES
        return syntax if plausible else None
    return syntax
