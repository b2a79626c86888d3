"""Objects on their way through child processes: one errand for each, and the child that has some of them.

Who gets what, and what becomes of errands whose child has ended, is for ``fleet``.
"""

from __future__ import annotations

import array
import os
import socket
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Protocol, Self

from calotype import errors
from calotype.dicom.hierarchy import UID
from calotype.dicom.sources import CHUNK_BYTES
from calotype.errors import CalotypeError, DamagedPixels, OutOfResources
from calotype.services.archive.children import MIB, Child
from calotype.services.archive.converter import ANSWERED, ASKED, MAX_TOLD_BYTES, NO_ROOM, TOO_LARGE, Order
from calotype.services.archive.isolated import NO_MEMORY, READY

MAX_RESULT_BYTES: Final = 64 * MIB
"""What children make of an object is no longer than this."""

_RAISED: Final = ("DamagedPixels", "InvalidRequest", "Unsupported", "OutOfResources")
"""What a child may say in our words."""


class Keeper(Protocol):
    """What looks after errands."""

    def wait_for(self, errand: Errand) -> None:
        """Wait until an errand is done."""
        ...

    def leave(self, errand: Errand) -> None:
        """Free what an errand holds, as soon as no child works on it."""
        ...


class NotHere(OutOfResources):
    """An object is for threads after all: what it becomes is too long, or all children are gone."""


class Errand:
    """One object on its way through a child. Used by one thread; close it (it is a context manager)."""

    def __init__(self, keeper: Keeper, order: Order, source: int) -> None:
        self._keeper = keeper
        told = order.to_json()
        self.message = ASKED.pack(len(told)) + told
        self.source = os.dup(source)
        self.spool = -1
        self.held_bytes = order.stop - order.start
        self.deaths = 0
        self.is_left = False
        self.is_done = False
        self.error: CalotypeError | None = None
        self.size_bytes = 0
        self.sop_instance: UID | None = None
        """Which object it is now, where that is another one than before."""
        self.pid = 0
        """Which process has it, or had it last."""

    def wait(self) -> int:
        """Wait until it is done and return how many bytes it became.

        Raises what ``transcode.convert`` does; DamagedPixels when children died of it, OutOfResources when it came
        to a limit or there are no children (NotHere when threads can do it), Unavailable when the fleet is stopped.
        """
        self._keeper.wait_for(self)
        if self.error is not None:
            raise self.error
        return self.size_bytes

    def chunks(self) -> Iterator[bytes]:
        """Wait until it is done, and return the data set in pieces of at most 1 MiB. Raises as :meth:`wait` does."""
        size_bytes, at = self.wait(), 0
        while at < size_bytes:
            piece = os.pread(self.spool, min(CHUNK_BYTES, size_bytes - at), at)
            if not piece:
                raise OutOfResources("what a child has written cannot be read")
            at += len(piece)
            yield piece

    def close(self) -> None:
        """Let go of it, done or not. Idempotent."""
        self._keeper.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


class Vessel:
    """A child, what it was asked in this order, and what it has said so far. Guarded by the fleet's lock."""

    def __init__(self, child: Child) -> None:
        child.channel.setblocking(False)
        self.child = child
        self.errands: deque[Errand] = deque()
        self.is_ready = False
        self.since_s = time.monotonic()
        """Since when it has been starting, or at the first of its errands."""
        self._heard = bytearray()

    def give(self, errand: Errand) -> None:
        """Ask for one more. OSError when it is gone."""
        descriptors = array.array("i", (errand.source, errand.spool))
        self.child.channel.sendmsg([errand.message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        if not self.errands:
            self.since_s = time.monotonic()
        errand.pid = self.child.pid
        self.errands.append(errand)

    def hear(self) -> bool:
        """Take in what it says; tell whether it is still there."""
        try:
            said = self.child.channel.recv(MAX_TOLD_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._heard += said
        if said and not self.is_ready:
            if self._heard[:1] != READY:
                return False
            self.is_ready = True
            del self._heard[:1]
        return bool(said)

    def answers(self) -> Iterator[tuple[Errand, int, bytes]]:
        """Return what it has answered in full. ValueError when that is nonsense."""
        while len(self._heard) >= ANSWERED.size:
            size_bytes, told_bytes = ANSWERED.unpack_from(self._heard)
            if not self.errands or size_bytes > MAX_RESULT_BYTES or told_bytes > MAX_TOLD_BYTES:
                raise ValueError
            end = ANSWERED.size + told_bytes
            if len(self._heard) < end:
                return
            told = bytes(self._heard[ANSWERED.size : end])
            del self._heard[:end]
            self.since_s = time.monotonic()
            yield self.errands.popleft(), size_bytes, told


def new_spool() -> int:
    """Return the descriptor of a file without a name: in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("calotype")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def refusal(answer: Mapping[str, Any], memory_bytes: int) -> CalotypeError | None:
    """Return in our words why a child made nothing, ``None`` when it did."""
    error, detail = answer.get("error"), str(answer.get("detail", ""))
    if error is None:
        return None
    if error == TOO_LARGE:
        return NotHere(f"it becomes longer than {MAX_RESULT_BYTES // MIB} MiB")
    if error == NO_MEMORY:
        return OutOfResources(f"converting it takes more than {memory_bytes // MIB} MiB")
    if error == NO_ROOM:
        return OutOfResources(f"there is no room for what it becomes: {detail}")
    raised: CalotypeError = getattr(errors, error)(detail) if error in _RAISED else DamagedPixels(detail)
    return raised
