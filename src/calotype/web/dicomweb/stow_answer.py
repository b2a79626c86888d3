"""What became of each object of one store request, and the answer that says so (PS3.18 10.5.3, Annex I)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from calotype.dicom.hierarchy import UID
from calotype.dicom.statuses import (
    TRANSFER_SYNTAX_NOT_SUPPORTED,
    WARNING_CLASS_MISMATCH,
    WARNING_COERCION,
    Service,
    status_of,
)
from calotype.errors import CalotypeError, InvalidRequest, Reason
from calotype.services.archive.incoming import Outcome
from calotype.services.archive.ingest import Receipt
from calotype.services.archive.ports import Flag
from calotype.web.addresses import instance_url, study_url

log = logging.getLogger(__name__)

_COMMENT_CHARS: Final = 64
"""Error Comment (0000,0902) is LO."""

_WARNING_OF_FLAG: Final[Mapping[Flag, int]] = {Flag.HEADER_DAMAGED: WARNING_CLASS_MISMATCH}
"""Kept, and the sender should know: Warning Reason (0008,1196). Other oddities are the archive's own business."""

_TRY_AGAIN: Final = frozenset({Reason.OUT_OF_RESOURCES, Reason.UNAVAILABLE})

_ANOTHER_STAYS: Final = "another object with this UID was here before, and stays"

NAMELESS: Final = UID("")


@dataclass(frozen=True, slots=True)
class Stored:
    """One object that is in the archive now."""

    receipt: Receipt
    warning: int | None


@dataclass(frozen=True, slots=True)
class Failed:
    """One that is not; its UIDs are empty when it never said them."""

    sop_class: UID
    sop_instance: UID
    status: int
    error: CalotypeError


class StoreAnswer:
    """Gathers the results of one request."""

    def __init__(self) -> None:
        self._stored: list[Stored] = []
        self._failed: list[Failed] = []

    @property
    def stored(self) -> int:
        """How many objects are in the archive now."""
        return len(self._stored)

    @property
    def failed(self) -> int:
        """How many objects are not."""
        return len(self._failed)

    def add(self, receipt: Receipt) -> None:
        """Take note of an object that was stored."""
        self._stored.append(Stored(receipt, _warning(receipt)))

    def fail(self, error: Exception, sop_class: UID = NAMELESS, sop_instance: UID = NAMELESS) -> None:
        """Take note of an object that was not. What is our bug goes to the log, with its trace."""
        told = _told(error)
        self._failed.append(Failed(sop_class, sop_instance, _status(told), told))

    def broken(self, error: CalotypeError) -> None:
        """Take note that the message broke off.

        PS3.18 Table 10.5.3-1 keeps 400 for requests of which nothing was stored: ``error`` is raised then. With
        something stored it becomes one more failure in an answer that says what was.
        """
        if not self._stored:
            raise error
        self.fail(error)

    def check(self) -> None:
        """Raise InvalidRequest when the request held nothing at all."""
        if not self._stored and not self._failed:
            raise InvalidRequest("the request holds no object: a multipart message with at least one part is needed")

    def http_status(self) -> int:
        """Return 200 when all was stored, 202 when some was, else 409; 503 when it may be later."""
        if not self._failed and all(stored.warning is None for stored in self._stored):
            return HTTPStatus.OK
        if self._stored:
            return HTTPStatus.ACCEPTED
        if all(failed.error.reason in _TRY_AGAIN for failed in self._failed):
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.CONFLICT

    def document(self, service: str) -> bytes:
        """Return the Store Instances Response Module (PS3.18 Annex I) as DICOM JSON."""
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
        return orjson.dumps(module)


def _told(error: Exception) -> CalotypeError:
    """Return an error that a client may read."""
    if isinstance(error, CalotypeError):
        return error
    log.error("an object could not be stored because of an error in the server", exc_info=error)
    return CalotypeError("an error in the server; its log tells more")


def _status(error: CalotypeError) -> int:
    """Return the Failure Reason. Every SOP class is kept here: what is unsupported is always a form of the data."""
    return TRANSFER_SYNTAX_NOT_SUPPORTED if error.reason is Reason.UNSUPPORTED else status_of(error, Service.STORE)


def _warning(receipt: Receipt) -> int | None:
    if receipt.outcome is Outcome.KEPT:
        # Success, but what is retrieved under this UID is not what was sent.
        return WARNING_COERCION
    return next((_WARNING_OF_FLAG[flag] for flag in sorted(receipt.flags) if flag in _WARNING_OF_FLAG), None)


def _element(vr: str, value: object) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]}


def _references(sop_class: UID, sop_instance: UID) -> dict[str, Any]:
    return {"00081150": _element("UI", _speakable(sop_class)), "00081155": _element("UI", _speakable(sop_instance))}


def _stored_item(stored: Stored, service: str) -> dict[str, Any]:
    """One item of Referenced SOP Sequence (0008,1199)."""
    receipt = stored.receipt
    item = _references(receipt.sop_class, receipt.ref.instance)
    item["00081190"] = _element("UR", instance_url(service, receipt.ref))
    if receipt.outcome is Outcome.KEPT:
        item["00000902"] = _element("LO", _ANOTHER_STAYS)
    if stored.warning is not None:
        item["00081196"] = _element("US", stored.warning)
    return item


def _failed_item(failed: Failed) -> dict[str, Any]:
    """One item of Failed SOP Sequence (0008,1198) or Other Failures Sequence (0008,119A), with Error Comment."""
    item = _references(failed.sop_class, failed.sop_instance) if failed.sop_instance else {}
    item["00081197"] = _element("US", failed.status)
    item["00000902"] = _element("LO", _speakable(str(failed.error)))
    return item


def _speakable(text: str) -> str:
    """Return text of a stranger as an answer may hold it: short, on one line, without lone surrogates."""
    line = text[:_COMMENT_CHARS]
    if not line.isprintable():
        line = "".join(char if char.isprintable() else " " for char in line)
    return line.encode("utf-8", "replace").decode("utf-8")
