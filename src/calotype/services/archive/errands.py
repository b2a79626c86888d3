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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from calotype.closing import Closing
from calotype.dicom.hierarchy import UID
from calotype.dicom.sources import CHUNK_BYTES
from calotype.errors import CalotypeError, OutOfResources
from calotype.services.archive.children import MIB, Child, said
from calotype.services.archive.converter import (
    ANSWERED,
    ASKED,
    IS_SHARED,
    KEPT_SPOOLS,
    MAX_TOLD_BYTES,
    NO_ROOM,
    SPOOL_BYTES,
    TOO_LARGE,
    Order,
    Spool,
)
from calotype.services.archive.isolated import NO_MEMORY, READY

MAX_RESULT_BYTES: Final = 64 * MIB
"""What children make of an object is no longer than this."""


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


class Errand(Closing):
    """One object on its way through a child. Used by one thread; close it (it is a context manager)."""

    def __init__(self, keeper: Keeper, order: Order, source: int) -> None:
        self._keeper = keeper
        self._told = order.to_json()
        self.source = os.dup(source)
        self.vessel: Vessel | None = None
        """Which child has it, or had it last."""
        self.spool: Spool | None = None
        self.spool_number = 0
        self.descriptors: tuple[int, ...] = ()
        self.held_bytes = order.stop - order.start
        self.deaths = 0
        """How many children ended while they were at it."""
        self.losses = 0
        """How many ended before they had begun with it: were gone when it was given to them, for one."""
        self.is_left = False
        self.is_done = False
        self.error: CalotypeError | None = None
        self.size_bytes = 0
        self.sop_instance: UID | None = None
        """Which object it is now, where that is another one than before."""

    @property
    def pid(self) -> int:
        """Which process has it, or had it last."""
        return 0 if self.vessel is None else self.vessel.child.pid

    @property
    def is_begun(self) -> bool:
        """Whether the child that has it may have looked at it; where nothing tells, it may."""
        return self.spool is not None and (self.spool.is_begun or not IS_SHARED)

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
        spool = self.spool
        while at < size_bytes:
            piece = b"" if spool is None else spool.read(at, min(CHUNK_BYTES, size_bytes - at))
            if not piece:
                raise OutOfResources("what a child has written cannot be read")
            at += len(piece)
            yield piece

    def message(self) -> bytes:
        """Return what a child is told, beside the descriptors."""
        return ASKED.pack(len(self._told), self.spool_number, len(self.descriptors) > 1) + self._told

    def give_back(self) -> None:
        """Free what it was to be written to. No child may be working on it; guarded by the fleet's lock."""
        if self.vessel is not None and self.spool is not None:
            is_kept = self.is_done and self.error is None and self.size_bytes <= SPOOL_BYTES
            self.vessel.spools.put_back(self.spool, self.spool_number, is_kept=is_kept)
        self.spool = None

    def close(self) -> None:
        """Let go of it, done or not. Idempotent."""
        self._keeper.leave(self)


class Spools:
    """The files that one child writes to, which has those mapped that are kept. Guarded by the fleet's lock."""

    def __init__(self) -> None:
        self._free: list[tuple[Spool, int]] = []
        self._numbers = list(range(KEPT_SPOOLS))
        self._is_closed = False

    def take(self) -> tuple[Spool, int, bool]:
        """Return one that is free, its number, and whether it is new to the child. OSError when there is none."""
        if self._free:
            return *self._free.pop(), False
        spool = new_spool()
        return spool, self._numbers.pop() if self._numbers else KEPT_SPOOLS, True

    def put_back(self, spool: Spool, number: int, *, is_kept: bool) -> None:
        """Keep one for the next object, or free it."""
        if is_kept and number < KEPT_SPOOLS and not self._is_closed:
            spool.mark(is_begun=False)
            self._free.append((spool, number))
            return
        spool.close()
        if number < KEPT_SPOOLS:
            self._numbers.append(number)

    def close(self) -> None:
        """Free those that are not in use, and the others as soon as they are put back. Idempotent."""
        self._is_closed = True
        while self._free:
            self._free.pop()[0].close()


class Vessel:
    """A child, what it was asked in this order, and what it has said so far. Guarded by the fleet's lock."""

    def __init__(self, child: Child) -> None:
        child.channel.setblocking(False)
        self.child = child
        self.errands: deque[Errand] = deque()
        self.spools = Spools()
        self.is_ready = False
        self.since_s = time.monotonic()
        """Since when it has been starting, or at the first of its errands."""
        self.pace_s = 1.0
        """How long it took for each of its last errands, roughly."""
        self._heard = bytearray()

    def allot(self, errand: Errand) -> None:
        """Give an errand a file to write to. OSError when there is none."""
        spool, number, is_new = self.spools.take()
        errand.vessel, errand.spool, errand.spool_number = self, spool, number
        errand.descriptors = (errand.source, spool.descriptor) if is_new else (errand.source,)

    def give(self, errands: Sequence[Errand]) -> None:
        """Ask for some more that have files to write to, all at once. OSError when it is gone."""
        if not self.errands:
            self.since_s = time.monotonic()
        self.errands.extend(errands)
        descriptors = array.array("i", [each for errand in errands for each in errand.descriptors])
        message = b"".join(errand.message() for errand in errands)
        self.child.channel.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])

    def at_work(self) -> Errand | None:
        """Return what it is at, or was when it ended; ``None`` when it has nothing to do."""
        begun = [errand for errand in self.errands if errand.spool is not None and errand.spool.is_begun]
        return begun[-1] if begun else self.errands[0] if self.errands else None

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
        now_s, count = time.monotonic(), 0
        while len(self._heard) >= ANSWERED.size:
            size_bytes, told_bytes = ANSWERED.unpack_from(self._heard)
            if not self.errands or size_bytes > MAX_RESULT_BYTES or told_bytes > MAX_TOLD_BYTES:
                raise ValueError
            end = ANSWERED.size + told_bytes
            if len(self._heard) < end:
                break
            told = bytes(self._heard[ANSWERED.size : end])
            del self._heard[:end]
            count += 1
            yield self.errands.popleft(), size_bytes, told
        if count:
            # Half of what it was: one that takes long among many that do not changes little for long.
            self.pace_s = (self.pace_s + (now_s - self.since_s) / count) / 2
            self.since_s = now_s


def new_spool() -> Spool:
    """Return a file without a name: in memory where the system has such files. OSError when there is none."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("calotype", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        return Spool.new(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


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
    return said(error, detail)
