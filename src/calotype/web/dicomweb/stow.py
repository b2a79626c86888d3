"""STOW-RS: one store request, its parts taken in as they arrive (PS3.18 10.5).

Here is the session and its answer; bytes come from ``stow_resource``, objects go to ``archive.ingest``. A part is
stored on its own: it is durable once its end has been seen and counts from then on, whatever becomes of the parts
after it. What was being received when a message broke off is discarded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta
from calotype.dicom.statuses import WARNING_CLASS_MISMATCH, Service, status_of
from calotype.errors import CalotypeError, InvalidRequest, OutOfResources, Reason, Unsupported
from calotype.services.archive.ingest import Incoming, Ingest, Receipt
from calotype.services.archive.ports import Flag, Origin
from calotype.web.accept import parse_media_type
from calotype.web.addresses import instance_url, study_url

log = logging.getLogger(__name__)

_META_BYTES: Final = 4096
"""How much of a part is kept to name it in the answer if it fails: file meta is some hundred bytes."""

_COMMENT_CHARS: Final = 64
"""Error Comment (0000,0902) is LO."""

_WARNING_OF_FLAG: Final[Mapping[Flag, int]] = {Flag.HEADER_DAMAGED: WARNING_CLASS_MISMATCH}
"""Kept, and the sender should know: Warning Reason (0008,1196). Other oddities are the archive's own business."""

_TRY_AGAIN: Final = frozenset({Reason.OUT_OF_RESOURCES, Reason.UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Stored:
    """One part that is in the archive now."""

    receipt: Receipt
    warning: int | None


@dataclass(frozen=True, slots=True)
class Failed:
    """One part that is not; its UIDs are empty when it never said them."""

    sop_class: UID
    sop_instance: UID
    status: int
    error: CalotypeError


class StowSession:
    """Receives the parts of one request (a ``PartSink``) and keeps what became of each. One thread at a time."""

    def __init__(self, ingest: Ingest, origin: Origin, *, study: UID | None, max_part_bytes: int) -> None:
        self._ingest = ingest
        self._origin = origin
        self._study = study
        self._max_part_bytes = max_part_bytes
        self._incoming: Incoming | None = None
        self._error: CalotypeError | None = None
        self._head = bytearray()
        self._part_bytes = 0
        self._stored: list[Stored] = []
        self._failed: list[Failed] = []

    @property
    def stored(self) -> int:
        """How many parts are in the archive now."""
        return len(self._stored)

    @property
    def failed(self) -> int:
        """How many parts are not."""
        return len(self._failed)

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
            self._error = _told(error)
            self._drop()

    def end(self) -> None:
        """Commit the part."""
        if self._incoming is not None:
            try:
                receipt = self._incoming.commit()
            except Exception as error:  # noqa: BLE001 - as above
                self._error = _told(error)
            else:
                self._stored.append(Stored(receipt, _warning(receipt)))
            finally:
                self._drop()
        if self._error is not None:
            self._fail(self._error)
            self._error = None

    def broken(self, error: CalotypeError) -> None:
        """Take note that the message broke off; the part under way is discarded.

        PS3.18 Table 10.5.3-1 keeps 400 for requests of which nothing was stored: ``error`` is raised then. With
        something stored it becomes one more failure in an answer that says what was.
        """
        self._drop()
        if not self._stored:
            raise error
        self._failed.append(Failed(UID(""), UID(""), status_of(error, Service.STORE), error))

    def close(self) -> None:
        """Discard what has not come to its end. Idempotent."""
        self._drop()

    def answer(self, service: str) -> tuple[int, bytes]:
        """Return the HTTP status and the Store Instances Response Module (PS3.18 Annex I) as DICOM JSON.

        InvalidRequest when the request held no part at all.
        """
        if not self._stored and not self._failed:
            raise InvalidRequest("the request holds no object: a multipart message with at least one part is needed")
        return self._http_status(), orjson.dumps(self._module(service))

    def _http_status(self) -> int:
        if not self._failed and all(stored.warning is None for stored in self._stored):
            return HTTPStatus.OK
        if self._stored:
            return HTTPStatus.ACCEPTED
        if all(failed.error.reason in _TRY_AGAIN for failed in self._failed):
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.CONFLICT

    def _module(self, service: str) -> dict[str, Any]:
        module: dict[str, Any] = {}
        studies = {stored.receipt.ref.study for stored in self._stored}
        if len(studies) == 1:
            module["00081190"] = _element("UR", study_url(service, studies.pop()))
        named = [_failed_item(failed) for failed in self._failed if failed.sop_instance]
        nameless = [_failed_item(failed) for failed in self._failed if not failed.sop_instance]
        for tag, items in (
            ("00081198", named),
            ("00081199", [_stored_item(stored, service) for stored in self._stored]),
            ("0008119A", nameless),
        ):
            if items:
                module[tag] = {"vr": "SQ", "Value": items}
        return module

    def _check_size(self) -> None:
        if self._max_part_bytes and self._part_bytes > self._max_part_bytes:
            raise OutOfResources(f"the object is larger than the {self._max_part_bytes} bytes taken here")

    def _fail(self, error: CalotypeError) -> None:
        sop_class, sop_instance = _names(bytes(self._head))
        failed = Failed(sop_class, sop_instance, status_of(error, Service.STORE), error)
        self._failed.append(failed)
        log.warning("STOW-RS from %s: %s refused: %s", self._origin.address, sop_instance or "a part", error)

    def _drop(self) -> None:
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None


def _told(error: Exception) -> CalotypeError:
    """Return an error that a client may read; what is our bug goes to the log, with its trace."""
    if isinstance(error, CalotypeError):
        return error
    log.error("an object could not be stored because of an error in the server", exc_info=error)
    return CalotypeError("an error in the server; its log tells more")


def _objection(headers: Mapping[str, str]) -> CalotypeError | None:
    """Return what speaks against a part's headers. One without Content-Type is what the whole message says it is."""
    media = parse_media_type(headers.get("content-type", "application/dicom"))
    if media is None or media.essence != "application/dicom":
        return Unsupported("the part is not application/dicom")
    if headers.get("content-transfer-encoding", "binary").lower() not in ("binary", "8bit"):
        # PS3.18 8.6.1.2: HTTP is binary; an encoded part would be archived as nonsense.
        return Unsupported("the part has a Content-Transfer-Encoding; send it binary")
    return None


def _names(head: bytes) -> tuple[UID, UID]:
    """Return SOP Class and Instance UID that a part's file meta says, empty when it says none."""
    try:
        meta = read_file_meta(head)
    except InvalidRequest:
        meta = None
    return (meta.sop_class, meta.sop_instance) if meta else (UID(""), UID(""))


def _warning(receipt: Receipt) -> int | None:
    return next((_WARNING_OF_FLAG[flag] for flag in sorted(receipt.flags) if flag in _WARNING_OF_FLAG), None)


def _element(vr: str, value: object) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]}


def _references(sop_class: UID, sop_instance: UID) -> dict[str, Any]:
    return {"00081150": _element("UI", sop_class), "00081155": _element("UI", sop_instance)}


def _stored_item(stored: Stored, service: str) -> dict[str, Any]:
    """One item of Referenced SOP Sequence (0008,1199)."""
    receipt = stored.receipt
    item = _references(receipt.sop_class, receipt.ref.instance)
    item["00081190"] = _element("UR", instance_url(service, receipt.ref))
    if stored.warning is not None:
        item["00081196"] = _element("US", stored.warning)
    return item


def _failed_item(failed: Failed) -> dict[str, Any]:
    """One item of Failed SOP Sequence (0008,1198) or Other Failures Sequence (0008,119A), with Error Comment."""
    item = _references(failed.sop_class, failed.sop_instance) if failed.sop_instance else {}
    item["00081197"] = _element("US", failed.status)
    item["00000902"] = _element("LO", str(failed.error)[:_COMMENT_CHARS].encode("utf-8", "replace").decode("utf-8"))
    return item
