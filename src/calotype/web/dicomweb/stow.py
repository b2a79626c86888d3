"""STOW-RS of DICOM files: the parts of one request, taken in as they arrive (PS3.18 10.5).

Bytes come from ``stow_resource``, objects go to ``archive.ingest``, what became of them to ``stow_answer``. A part is
stored on its own: it is durable once its end has been seen and counts from then on, whatever becomes of the parts
after it. What was being received when a message broke off is discarded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta
from calotype.errors import CalotypeError, InvalidRequest, OutOfResources, Unsupported
from calotype.services.archive.ingest import Incoming, Ingest
from calotype.services.archive.opening import NotAnObject
from calotype.services.archive.ports import Origin
from calotype.web.accept import parse_media_type
from calotype.web.dicomweb.stow_answer import NAMELESS, StoreAnswer
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
        self._incoming: Incoming | None = None
        self._error: Exception | None = None
        self._head = bytearray()
        self._part_bytes = 0

    def begin(self, headers: Mapping[str, str]) -> None:
        """Start a part; one that is not a DICOM file is passed over and fails by itself."""
        self._head.clear()
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
        except Exception as error:  # noqa: BLE001 - one object that we stumble over must not take the others down
            self._error = error
            self._drop()

    def end(self) -> None:
        """Commit the part."""
        if self._incoming is not None:
            try:
                receipt = self._incoming.commit()
            except Exception as error:  # noqa: BLE001 - as above
                self._error = error
            else:
                self._answer.add(receipt)
            finally:
                self._drop()
        if self._error is not None:
            self._fail(self._error)
            self._error = None

    def abandon(self, error: CalotypeError) -> None:
        """Finish a part whose rest cannot be had."""
        self._drop()
        self._error = None
        self._fail(error)

    def finish(self) -> None:
        """Everything has come, and is stored already."""

    def close(self) -> None:
        """Discard what has not come to its end. Idempotent."""
        self._drop()

    def _check_size(self) -> None:
        if self._max_part_bytes and self._part_bytes > self._max_part_bytes:
            raise OutOfResources(f"the object is larger than the {self._max_part_bytes} bytes taken here")

    def _fail(self, error: Exception) -> None:
        if self._passes_over_others and isinstance(error, NotAnObject):
            return
        sop_class, sop_instance = _names(bytes(self._head))
        self._answer.fail(error, sop_class, sop_instance)
        what = speakable(sop_instance) or "a part"
        log.warning("STOW-RS from %s: %s refused: %s", self._origin.address, what, speakable(str(error)))

    def _drop(self) -> None:
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None


def _objection(headers: Mapping[str, str]) -> CalotypeError | None:
    """Return what speaks against a part's headers. One without Content-Type is what the whole message says it is."""
    media = parse_media_type(headers.get("content-type", "application/dicom"))
    if media is None or media.essence != "application/dicom":
        return Unsupported("the part is not application/dicom")
    return transfer_encoding_objection(headers)


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
