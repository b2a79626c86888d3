"""One object on its way in: its bytes to the spool, its digest, its head; then the check of what it says it is.

What becomes of a checked object (:class:`Received`) is decided in ``ingest``. The data set's bytes are never changed;
the Part 10 beginning before them is written here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import Final, Self

from blake3 import blake3

from calotype.clock import Clock
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.dicom.part10 import Header, NeedMore, scan, write_file_meta
from calotype.dicom.repair import Reading
from calotype.dicom.sources import cut
from calotype.dicom.uids import STORABLE_TRANSFER_SYNTAXES
from calotype.errors import CalotypeError, ClassMismatch, InvalidRequest, Unsupported
from calotype.services.archive.headers import compress_header
from calotype.services.archive.inspection import HEAD_BYTES, flags_of
from calotype.services.archive.layout import Layout
from calotype.services.archive.opening import Beginning, Opening
from calotype.services.archive.ports import (
    Flag,
    InstanceRecord,
    ObjectLocation,
    ObjectStore,
    Origin,
    ReadableBuffer,
    Spool,
)
from calotype.services.archive.texts import Settled, Texts

_log = logging.getLogger(__name__)

_NO_TEXT: Final = re.compile(r"[^!-~]+")

_REQUIRED: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


class Outcome(StrEnum):
    """What became of an object."""

    STORED = "stored"
    """New, and kept."""
    IDENTICAL = "identical"
    """The same content is kept already; nothing was written."""
    KEPT = "kept"
    """Dropped by policy: the first, with other content, stays."""
    REPLACED = "replaced"
    """It took the place of the one before."""
    VERSION = "version"
    """Kept beside the first as a further version."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What whoever sends says an object is; the data set must agree. An empty UID says nothing."""

    sop_class: UID
    sop_instance: UID
    transfer_syntax: UID


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an object turned out to be, and what became of it."""

    ref: InstanceRef
    sop_class: UID
    outcome: Outcome
    flags: frozenset[Flag]


@dataclass(slots=True)  # not frozen: it leaves this module in no hands, and freezing each field costs
class Description:
    """What a data set says, and what was found out while it came: a record but for its place."""

    ref: InstanceRef
    sop_class: UID
    attributes: Mapping[str, str]
    data_offset: int
    data_bytes: int
    digest: bytes
    transfer_syntax: UID
    header: bytes
    origin: Origin
    received_us: int
    flags: frozenset[Flag]

    def at(self, key: str) -> InstanceRecord:
        """Return the record of the object when it is kept under ``key``."""
        location = ObjectLocation(
            key=key,
            size_bytes=self.data_offset + self.data_bytes,
            data_offset=self.data_offset,
            data_bytes=self.data_bytes,
            digest=self.digest,
            transfer_syntax=self.transfer_syntax,
        )
        return InstanceRecord(
            ref=self.ref,
            sop_class=self.sop_class,
            attributes=self.attributes,
            location=location,
            header=self.header,
            origin=self.origin,
            received_us=self.received_us,
            flags=self.flags,
        )


class Received:
    """A checked object that waits for its place: in the spool until :meth:`place`, then under its key."""

    def __init__(self, objects: ObjectStore, spool: Spool, description: Description) -> None:
        self._objects = objects
        self._spool = spool
        self._description = description
        self._record: InstanceRecord | None = None

    @property
    def ref(self) -> InstanceRef:
        """What the object is."""
        return self._description.ref

    @property
    def digest(self) -> bytes:
        """BLAKE3 of its data set."""
        return self._description.digest

    def place(self, layout: Layout) -> InstanceRecord:
        """Put the object in its place, durably, unless it is there; return what the index should say of it."""
        if self._record is None:
            told = self._description
            self._record = told.at(self._objects.put(self._spool, layout.key(told.attributes, told.received_us)))
        return self._record

    def withdraw(self) -> None:
        """Take the object out of its place again. Only for when the index surely has no row of it. Never raises."""
        record, self._record = self._record, None
        if record is not None:
            try:
                self._objects.delete(record.location.key)
            except CalotypeError as error:
                _log.warning("%s is an orphan until verify removes it: %s", record.location.key, error)

    def dropped(self, outcome: Outcome) -> Receipt:
        """Withdraw the object and say why."""
        self.withdraw()
        return Receipt(self._description.ref, self._description.sop_class, outcome, self._description.flags)


class Incoming:
    """One object being received. Use as a context manager: what is not committed is discarded. For one thread."""

    def __init__(  # noqa: PLR0917 - made in one place only, by what takes objects in
        self,
        objects: ObjectStore,
        origin: Origin,
        beginning: Declared | Opening,
        texts: Texts,
        keep: Callable[[Received], Receipt],
        clock: Clock,
    ) -> None:
        self._objects = objects
        self._origin = origin
        self._declared = beginning if isinstance(beginning, Declared) else None
        self._opening = beginning if isinstance(beginning, Opening) else None
        self._tolerant = isinstance(beginning, Opening) and beginning.tolerant
        self._texts = texts
        self._keep = keep
        self._clock = clock
        self._source_ae_title = origin.calling_ae_title
        self._spool: Spool | None = None
        self._digest = blake3()
        self._head = bytearray()
        self._data_offset = 0
        self._data_bytes = 0

    @property
    def data_bytes(self) -> int:
        """How much of the data set has come."""
        return self._data_bytes

    def write(self, parts: Sequence[ReadableBuffer]) -> None:
        """Take the next bytes; the buffers may be reused after the call.

        OutOfResources when there is no space; InvalidRequest when a Part 10 stream turns out to be none.
        """
        if self._opening is not None:
            beginning = self._opening.receive(parts)
            if beginning is None:
                return
            parts = self._begin_data_set(beginning)
        if self._spool is None:
            self._spool = self._new_spool(parts)
        else:
            self._spool.write(parts)
        # In one call: in pieces of a PDU BLAKE3 takes a third longer, the copy counted, and threads that store at
        # once fight for the interpreter after each.
        self._digest.update(parts[0] if len(parts) == 1 else b"".join(parts))
        for part in parts:
            self._data_bytes += len(part)
            if (wanted := HEAD_BYTES - len(self._head)) > 0:
                self._head += part if len(part) <= wanted else memoryview(part)[:wanted]

    def commit(self) -> Receipt:
        """Check the object, keep it as policy says, and return when that is durable.

        What is left to be tidied up is so by :meth:`discard`, for which whoever sends need not wait.

        InvalidRequest for a data set that is truncated or lacks a Study, Series or SOP Instance UID; ClassMismatch
        when it is not what was declared; Conflict when policy refuses a duplicate; OutOfResources, Unavailable.
        """
        if self._opening is not None:
            self.write(self._begin_data_set(self._opening.end()))
        declared, spool = self._declared, self._spool
        if declared is None or spool is None or not self._data_bytes:
            raise InvalidRequest("the data set is empty")
        header = self._scan(declared, spool)
        # While the scanned buffer is surely there, and before the duplicate claim.
        document = header.json()
        settled: Settled | None = None
        if not document.isascii():
            settled = self._texts.settle(header, document, partial(self._scan, declared, spool))
            header, document = settled.header, settled.document
        compressed = compress_header(document)
        ref, sop_class = self._check(declared, header.attributes)
        if self._tolerant and (declared.sop_class, declared.sop_instance) != (sop_class, ref.instance):
            declared = Declared(sop_class, ref.instance, declared.transfer_syntax)
            spool = self._spool = self._rewritten(declared, spool)
        description = Description(
            ref=ref,
            sop_class=sop_class,
            attributes=header.attributes,
            data_offset=self._data_offset,
            data_bytes=self._data_bytes,
            digest=self._digest.digest(),
            transfer_syntax=declared.transfer_syntax,
            header=compressed,
            origin=self._origin,
            received_us=self._clock(),
            flags=flags_of(header) if settled is None else flags_of(header) | settled.flags,
        )
        receipt = self._keep(Received(self._objects, spool, description))
        if settled is not None:
            self._texts.follow(ref.study, settled)
        return receipt

    def discard(self) -> None:
        """Forget the object unless it was kept. Idempotent, never raises."""
        if self._spool is not None:
            self._spool.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.discard()

    def _begin_data_set(self, beginning: Beginning) -> Sequence[ReadableBuffer]:
        """Go on as if the stream's meta had been declared by the sender; return the data set as far as it came."""
        self._opening = None
        if not self._tolerant and beginning.transfer_syntax not in STORABLE_TRANSFER_SYNTAXES:
            # What cannot be named cannot be offered to anybody either; whoever imports old media knows why.
            raise Unsupported(f"transfer syntax {beginning.transfer_syntax[:64]} is not known here")
        self._declared = Declared(beginning.sop_class, beginning.sop_instance, beginning.transfer_syntax)
        self._source_ae_title = self._source_ae_title or beginning.source_ae_title
        return beginning.rest

    def _new_spool(self, parts: Sequence[ReadableBuffer]) -> Spool:
        """Start the file; its Part 10 beginning travels with the first bytes in one write."""
        declared = self._declared
        if declared is None:
            raise InvalidRequest("the data set has no transfer syntax")
        spool = self._objects.spool()
        prefix = write_file_meta(
            declared.sop_class,
            declared.sop_instance,
            declared.transfer_syntax,
            source_ae_title=self._source_ae_title,
        )
        self._data_offset = len(prefix)
        spool.write((prefix, *parts))
        return spool

    def _rewritten(self, declared: Declared, spool: Spool) -> Spool:
        """Copy the spool under a new Part 10 beginning: the one written at first names another object."""
        self._declared = declared
        with spool.view() as view:
            data = view[self._data_offset :]
            copy = self._new_spool(())
            for piece in cut(data):
                copy.write((piece,))
            data.release()
        spool.discard()
        return copy

    def _scan(self, declared: Declared, spool: Spool, reading: Reading | None = None) -> Header:
        size, syntax = self._data_bytes, declared.transfer_syntax
        try:
            return scan(bytes(self._head), syntax, data_bytes=size, reading=reading)
        except NeedMore:
            return scan(spool.view()[self._data_offset :], syntax, data_bytes=size, reading=reading)

    def _check(self, declared: Declared, found: Mapping[str, str]) -> tuple[InstanceRef, UID]:
        """Refuse what cannot be kept or is not what was declared; return what it is."""
        ref, sop_class = identify(found)
        sop_class = sop_class or declared.sop_class
        if not sop_class:
            raise InvalidRequest("the data set has no SOPClassUID")
        if not self._tolerant:
            # PS3.4 B.2.3: the data set's SOP Class and Instance are those of the C-STORE request, else A900.
            _agree("SOP Class UID", declared.sop_class, sop_class)
            _agree("SOP Instance UID", declared.sop_instance, ref.instance)
        return ref, sop_class


def identify(found: Mapping[str, str]) -> tuple[InstanceRef, UID]:
    """Return what an object is, its SOP Class UID possibly empty. InvalidRequest when a unique key is missing."""
    missing = [keyword for keyword in _REQUIRED if keyword not in found]
    if missing:
        # Senders see the first 64 characters of this (Error Comment, LO): all three names fit.
        raise InvalidRequest(f"missing: {', '.join(missing)}")
    ref = InstanceRef(UID(found["StudyInstanceUID"]), UID(found["SeriesInstanceUID"]), UID(found["SOPInstanceUID"]))
    return ref, UID(found.get("SOPClassUID", ""))


def _agree(name: str, declared: UID, found: UID) -> None:
    # What no UID may hold is read in one way in a command and in another in a data set: it tells nothing apart.
    if declared and declared != found and _NO_TEXT.sub("?", declared) != _NO_TEXT.sub("?", found):
        raise ClassMismatch(f"{name} is not the one announced: {found} in the data set, {declared} announced")
