"""Opening stored objects to look into them: header read once and remembered, frames by offset, nothing read whole.

What was much work to find out outlives the process (``findings``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from calotype.dicom.pixels.frames import ReadAt
from calotype.dicom.pixels.subject import Decode, Subject, decode_here, read_subject
from calotype.dicom.uids import transfer_syntax
from calotype.errors import DamagedPixels, InvalidRequest, Unsupported
from calotype.services.archive.findings import Findings
from calotype.services.archive.inspection import mapped
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.retrieve import Retrieve

if TYPE_CHECKING:
    from calotype.dicom.pixels.render import Frame

REMEMBERED_BYTES: Final = 32 * 1024 * 1024
"""What all remembered headers and frame indexes may take."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open object: what can be looked at in it, and its bytes by offset in the data set.

    ``reader`` has the data set as it is read here, from ``data_offset`` on; ``None`` where it was inflated.
    """

    stored: StoredInstance
    subject: Subject
    read_at: ReadAt
    decode: Decode = decode_here
    reader: ObjectReader | None = None
    data_offset: int = 0

    def frame(self, number: int, *, levels: int = 0) -> Frame:
        """Decode a frame, see ``Subject.frame``."""
        return self.subject.frame(number, self.read_at, levels=levels, decode=self.decode)


class Looking:
    """Opens objects. Thread-safe."""

    def __init__(
        self,
        retrieve: Retrieve,
        findings: Findings | None = None,
        remembered_bytes: int = REMEMBERED_BYTES,
        *,
        decode: Decode = decode_here,
    ) -> None:
        self._retrieve = retrieve
        self._findings = findings
        self._decode = decode
        self._remembered: OrderedDict[tuple[str, bytes], Subject] = OrderedDict()
        self._budget_bytes = remembered_bytes
        self._used_bytes = 0
        self._lock = threading.Lock()

    @contextmanager
    def open(self, stored: StoredInstance) -> Iterator[Opened]:
        """Lend an object, or what took its place since it was located.

        NotFound when it is gone, Unsupported when it is too damaged to look into.
        """
        current, reader = self._retrieve.open_current(stored)
        with reader:
            location = current.location
            key = (location.key, location.digest)
            with self._lock:
                subject = self._remembered.get(key)
                if subject is not None:
                    self._remembered.move_to_end(key)
            if subject is None and self._findings is not None:
                subject = self._findings.subject(current)
                if subject is not None:
                    self._remember(key, subject)
            if subject is not None:
                yield self._opened(current, subject, reader)
                return
            is_plain = not transfer_syntax(location.transfer_syntax).deflated
            with mapped(reader, slice(location.data_offset, reader.size_bytes), sparsely=is_plain) as data:
                try:
                    subject, read_at = read_subject(data, location.transfer_syntax)
                except InvalidRequest as error:
                    if isinstance(error, DamagedPixels) and self._findings is not None:
                        self._findings.note_damage(current.ref.instance, location.digest, error)
                    raise Unsupported(f"the object is damaged and cannot be looked into: {error}") from error
                if not is_plain:
                    # Its offsets are those of the inflated data set, which must be inflated anew each time.
                    yield Opened(current, subject, read_at, self._decode)
                    return
            self._remember(key, subject)
            if self._findings is not None:
                self._findings.keep(current, subject)
            yield self._opened(current, subject, reader)

    def _opened(self, stored: StoredInstance, subject: Subject, reader: ObjectReader) -> Opened:
        at = stored.location.data_offset
        return Opened(stored, subject, _reading(reader, at), self._decode, reader, at)

    def _remember(self, key: tuple[str, bytes], subject: Subject) -> None:
        with self._lock:
            if key in self._remembered or subject.cost_bytes > self._budget_bytes // 4:
                return
            self._remembered[key] = subject
            self._used_bytes += subject.cost_bytes
            while self._used_bytes > self._budget_bytes:
                _, oldest = self._remembered.popitem(last=False)
                self._used_bytes -= oldest.cost_bytes


def _reading(reader: ObjectReader, data_offset: int) -> ReadAt:
    return lambda offset, size_bytes: reader.read_at(data_offset + offset, size_bytes)
