"""STOW-RS of DICOM files: the parts of one request, taken in as they arrive (PS3.18 10.5).

Bytes come from ``stow_resource``, objects go to ``archive.ingest``, what became of them to ``stow_answer``. A part is
stored on its own, while the next one is read: once its end has been seen it counts, whatever becomes of the parts
after it, and the answer waits until it is durable. What was being received when a message broke off is discarded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta
from calotype.errors import CalotypeError, InvalidRequest, OutOfResources, Unsupported
from calotype.services.archive.ingest import Incoming, Ingest
from calotype.services.archive.opening import NotAnObject
from calotype.services.archive.ports import Origin
from calotype.web.accept import parse_media_type
from calotype.web.dicomweb.stow_answer import NAMELESS, StoreAnswer
from calotype.web.in_turn import InTurn
from calotype.web.problems import speakable

log = logging.getLogger(__name__)

_META_BYTES: Final = 4096
"""How much of a part is kept to name it in the answer if it fails: file meta is some hundred bytes."""


class StowSession:
    """Receives the parts of one request (a ``PartSink``). One thread at a time.

    ``passes_over_others`` says nothing of parts that are no DICOM files.
    """

    def __init__(
        self,
        ingest: Ingest,
        origin: Origin,
        answer: StoreAnswer,
        *,
        study: UID | None,
        max_part_bytes: int,
        passes_over_others: bool = False,
    ) -> None:
        self._ingest = ingest
        self._origin = origin
        self._answer = answer
        self._study = study
        self._max_part_bytes = max_part_bytes
        self._passes_over_others = passes_over_others
        self._in_turn = InTurn()
        self._incoming: Incoming | None = None
        self._error: Exception | None = None
        self._head = bytearray()
        self._part_bytes = 0

    def begin(self, headers: Mapping[str, str]) -> None:
        """Start a part; one that is not a DICOM file is passed over and fails by itself."""
        self._head = bytearray()
        self._part_bytes = 0
        self._error = _objection(headers)
        if self._error is None:
            self._incoming = self._ingest.begin_part10(self._origin, study=self._study)

    def data(self, piece: memoryview) -> None:
        """Take the next bytes of the part. After a failure the rest is read and dropped, for the parts behind it."""
        if self._incoming is None:
            return
        self._part_bytes += len(piece)
        if len(self._head) < _META_BYTES:
            self._head += piece[: _META_BYTES - len(self._head)]
        try:
            self._check_size()
            self._incoming.write((piece,))
        except Exception as error:  # noqa: BLE001 - as in _settle
            self._error = error
            self._drop()

    def end(self) -> None:
        """Have the part committed, after those before it."""
        incoming, self._incoming = self._incoming, None
        self._in_turn.add(partial(self._settle, incoming, self._error, self._head))
        self._error = None

    def abandon(self, error: CalotypeError) -> None:
        """Finish a part whose rest cannot be had."""
        self._drop()
        self._error = error
        self.end()

    def finish(self) -> None:
        """Return when every part is stored, or known not to be."""
        self._in_turn.wait()

    def close(self) -> None:
        """Discard what has not come to its end, and wait for what has. Idempotent."""
        self._drop()
        self._in_turn.close()

    def _settle(self, incoming: Incoming | None, error: Exception | None, head: bytearray) -> None:
        """Commit a part, or take note of why there is none. Parts are settled one at a time, in their order."""
        if incoming is not None:
            try:
                self._answer.add(incoming.commit())
            except Exception as failure:  # noqa: BLE001 - one object that we stumble over must not take the others down
                error = failure
            finally:
                incoming.discard()
        if error is not None:
            self._fail(error, head)

    def _check_size(self) -> None:
        if self._max_part_bytes and self._part_bytes > self._max_part_bytes:
            raise OutOfResources(f"the object is larger than the {self._max_part_bytes} bytes taken here")

    def _fail(self, error: Exception, head: bytearray) -> None:
        if self._passes_over_others and isinstance(error, NotAnObject):
            return
        sop_class, sop_instance = _names(bytes(head))
        self._answer.fail(error, sop_class, sop_instance)
        what = speakable(sop_instance) or "a part"
        log.warning("STOW-RS from %s: %s refused: %s", self._origin.address, what, speakable(str(error)))

    def _drop(self) -> None:
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None


def _objection(headers: Mapping[str, str]) -> CalotypeError | None:
    """Return what speaks against a part's headers. One without Content-Type is what the whole message says it is."""
    if not _is_file(headers.get("content-type", "application/dicom")):
        return Unsupported("the part is not application/dicom")
    return transfer_encoding_objection(headers)


@lru_cache(maxsize=16)
def _is_file(content_type: str) -> bool:
    """Tell whether a part is a DICOM file; a message says the same of all its parts."""
    media = parse_media_type(content_type)
    return media is not None and media.essence == "application/dicom"


def transfer_encoding_objection(headers: Mapping[str, str]) -> CalotypeError | None:
    """Return what speaks against a part's encoding."""
    if headers.get("content-transfer-encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
        # PS3.18 8.6.1.2: HTTP is binary; an encoded part would be archived as nonsense.
        return Unsupported("the part has a Content-Transfer-Encoding; send it binary")
    return None


def _names(head: bytes) -> tuple[UID, UID]:
    """Return SOP Class and Instance UID that a part's file meta says, empty when it says none."""
    try:
        meta = read_file_meta(head)
    except InvalidRequest:
        meta = None
    return (meta.sop_class, meta.sop_instance) if meta else (NAMELESS, NAMELESS)
