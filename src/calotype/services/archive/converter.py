"""A process that brings whole objects into other transfer syntaxes for another one.

Started by ``fleet`` with one end of a socket. What comes over it are open files of objects, files to write to (each
of them once: both ends keep it mapped), and where, from what and to what; what goes back is how much was written, or
why nothing was. No pixel goes over the socket. It holds itself to limits as ``isolated`` does, and ends when the
other end is gone.

Short work is answered for together: a message for each half of a millisecond would wake the other end as often, on
processors that it shares with those who work.
"""

from __future__ import annotations

import fcntl
import importlib
import mmap
import os
import socket
import struct
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Final, Self, TypeAlias

import orjson

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.pixel_data import Offsets
from calotype.dicom.pixels.transcode import Converted, Transcoded
from calotype.errors import CalotypeError
from calotype.services.archive.isolated import NO_MEMORY, READY, limit_memory, limit_time

MODULE: Final = __name__
CONVERT: Final = "calotype.dicom.pixels.transcode:convert"
ASKED: Final = struct.Struct("<LB?")
"""How long the JSON of a request is, the number of the spool, and whether that is new. The object's descriptor comes
with it, and then that of the spool where it is new."""
ANSWERED: Final = struct.Struct("<QL")
"""How many bytes were written, and how long the JSON is that tells more."""
SPOOL_BYTES: Final = 2 * 1024 * 1024
"""So much of a spool is mapped by both ends; what is longer is written behind that."""
KEPT_SPOOLS: Final = 8
"""Spools with numbers below this are kept for what comes next, unless nothing was made or it was longer than what is
mapped; others are for one object. Both ends know by that which are kept."""
MAX_TOLD_BYTES: Final = 64 * 1024
TOO_LARGE: Final = "too-large"
NO_ROOM: Final = "no-room"

IS_SHARED: Final = hasattr(os, "memfd_create")
"""Whether spools are memory. A file on a disk that is full must not be written to as such: that ends the process."""
_FRONT_BYTES: Final = 64
_HEARD_BYTES: Final = 64 * 1024
_EXTRAS_BYTES: Final = socket.CMSG_SPACE(64 * array("i").itemsize)
_TOGETHER_S: Final = 0.002 if IS_SHARED else 0.0
"""No answer waits longer than this for the next one, but for an object that takes longer."""

Convert: TypeAlias = Callable[..., AbstractContextManager[Converted]]
"""What a child calls, see ``transcode.convert``."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made of an object: of the data set from byte ``start`` to ``stop`` of its file."""

    start: int
    stop: int
    stored: UID
    to: UID
    max_bytes: int
    """Longer than this it must not become."""
    lossy: EncodeOptions | None = None
    offsets: Offsets = Offsets.NONE

    def to_json(self) -> bytes:
        """Return what :meth:`from_json` reads."""
        loss = None if self.lossy is None else asdict(self.lossy)
        return orjson.dumps((self.start, self.stop, self.stored, self.to, self.max_bytes, loss, self.offsets.name))

    @classmethod
    def from_json(cls, told: bytes) -> Self:
        """Read what the other end wrote."""
        start, stop, stored, to, max_bytes, loss, offsets = orjson.loads(told)
        lossy = None if loss is None else EncodeOptions(**loss)
        return cls(start, stop, UID(stored), UID(to), max_bytes, lossy, Offsets[offsets])


class _TooLarge(Exception):
    """What is being made is longer than the order allows."""


@dataclass(frozen=True, slots=True)
class _Asked:
    order: Order
    source: int
    spool: int
    """Its number."""
    result: int | None
    """The spool's descriptor, where that is new."""


class _Requests:
    """What is asked, in order."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._heard = bytearray()
        self._descriptors: deque[int] = deque()

    def next(self, *, is_waiting: bool) -> _Asked | None:
        """Return what is to be done next, ``None`` when nobody has asked yet. EOFError when the other end is gone."""
        while (asked := self._asked()) is None:
            try:
                # ``socket.recv_fds`` takes flags and passes them over.
                flags = 0 if is_waiting else socket.MSG_DONTWAIT
                heard, extras, _, _ = self._channel.recvmsg(_HEARD_BYTES, _EXTRAS_BYTES, flags)
            except BlockingIOError:
                return None
            if not heard:
                raise EOFError
            self._heard += heard
            for level, kind, data in extras:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    self._descriptors.extend(array("i", data))
        return asked

    def _asked(self) -> _Asked | None:
        if len(self._heard) < ASKED.size:
            return None
        told_bytes, spool, is_new = ASKED.unpack_from(self._heard)
        end = ASKED.size + told_bytes
        if len(self._heard) < end:
            return None
        order = Order.from_json(bytes(self._heard[ASKED.size : end]))
        del self._heard[:end]
        source = self._descriptors.popleft()
        return _Asked(order, source, spool, self._descriptors.popleft() if is_new else None)


class Spool:
    """A file of its own that results are written to, one at a time. Its first bytes are there, and mapped.

    A mark says whether somebody has begun to write: of what was asked of a child that died, that tells what it was
    at. Only where :data:`IS_SHARED`.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _FRONT_BYTES + SPOOL_BYTES) if IS_SHARED else None

    @classmethod
    def new(cls, descriptor: int) -> Self:
        """Return one in an empty file."""
        os.truncate(descriptor, _FRONT_BYTES + SPOOL_BYTES)
        if IS_SHARED:
            # Who has it mapped would die where somebody else made it shorter.
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return cls(descriptor)

    @property
    def is_begun(self) -> bool:
        """Whether the mark is set."""
        return self._memory is not None and self._memory[0] != 0

    def mark(self, *, is_begun: bool) -> None:
        """Set the mark, or take it away."""
        if self._memory is not None:
            self._memory[0] = is_begun

    def write(self, data: bytes, at: int) -> None:
        """Write all of ``data`` at byte ``at``. OSError when there is no room."""
        start, end = _FRONT_BYTES + at, _FRONT_BYTES + at + len(data)
        if self._memory is not None and end <= len(self._memory):
            self._memory[start:end] = data
            return
        left = memoryview(data)
        while left:
            written = os.pwrite(self.descriptor, left, start)
            start += written
            left = left[written:]

    def read(self, at: int, size_bytes: int) -> bytes:
        """Return ``size_bytes`` from byte ``at``; fewer where it ends."""
        start, end = _FRONT_BYTES + at, _FRONT_BYTES + at + size_bytes
        if self._memory is not None and end <= len(self._memory):
            return self._memory[start:end]
        return os.pread(self.descriptor, size_bytes, start)

    def close(self) -> None:
        """Free it."""
        if self._memory is not None:
            self._memory.close()
        os.close(self.descriptor)


class _Desk:
    """What a process keeps between two objects: memory is costly the first time that it is touched."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self._spools: dict[int, Spool] = {}
        self._source = bytearray()

    def answer(self, asked: _Asked) -> bytes:
        """Do what is asked; return what the other end is told."""
        told: dict[str, Any]
        spool, is_kept = self._spools.pop(asked.spool, None), False
        try:
            spool = spool if asked.result is None else Spool(asked.result)
            if spool is None:
                return _failed({"error": NO_ROOM, "detail": "nothing to write to"})
            spool.mark(is_begun=True)
            size_bytes, sop_instance = self._made(asked.order, asked.source, spool)
        except CalotypeError as error:
            told = {"error": type(error).__name__, "detail": str(error)[:1000]}
        except _TooLarge:
            told = {"error": TOO_LARGE}
        except MemoryError:
            told = {"error": NO_MEMORY}
        except OSError as error:
            told = {"error": NO_ROOM, "detail": str(error)}
        else:
            is_kept = asked.spool < KEPT_SPOOLS and size_bytes <= SPOOL_BYTES
            text = b"" if sop_instance is None else orjson.dumps({"sop_instance": sop_instance})
            return ANSWERED.pack(size_bytes, len(text)) + text
        finally:
            os.close(asked.source)
            if is_kept and spool is not None:
                self._spools[asked.spool] = spool
            elif spool is not None:
                spool.close()
        return _failed(told)

    def _made(self, order: Order, source: int, spool: Spool) -> tuple[int, UID | None]:
        at = 0
        with (
            self._read(source, order.start, order.stop - order.start) as data,
            self._convert(data, order.stored, order.to, lossy=order.lossy, offsets=order.offsets) as new,
        ):
            for chunk in new.chunks():
                if at + len(chunk) > order.max_bytes:
                    raise _TooLarge
                spool.write(chunk, at)
                at += len(chunk)
            return at, new.sop_instance if isinstance(new, Transcoded) else None

    def _read(self, source: int, start: int, size_bytes: int) -> memoryview:
        """Return a stretch of a file, up to its end, until the next one is read."""
        if len(self._source) < size_bytes:
            self._source = bytearray(size_bytes)
        whole, at = memoryview(self._source), 0
        while at < size_bytes and (count := os.preadv(source, [whole[at:size_bytes]], start + at)):
            at += count
        return whole[:at]


def _failed(told: Mapping[str, Any]) -> bytes:
    text = orjson.dumps(told)
    return ANSWERED.pack(0, len(text)) + text


def serve(channel: socket.socket, convert: Convert, cpu_s: int) -> None:
    """Convert what is asked for until nobody asks any more."""
    channel.sendall(READY)
    requests, desk = _Requests(channel), _Desk(convert)
    answers, since_s, limited_s = b"", 0.0, -1
    while True:
        try:
            asked = requests.next(is_waiting=not answers)
            if asked is not None:
                # Limits are whole seconds: within one nothing changes.
                if limited_s != (limited_s := int(time.process_time())):
                    limit_time(cpu_s)
                since_s = since_s if answers else time.monotonic()
                answers += desk.answer(asked)
            if asked is None or time.monotonic() - since_s > _TOGETHER_S:
                channel.sendall(answers)
                answers = b""
        except (EOFError, BrokenPipeError):
            return


def main(arguments: list[str]) -> None:
    """Serve at the socket with the number ``arguments[0]``; then converter, bytes of memory, seconds of processor."""
    descriptor, converter, memory_bytes, cpu_s = arguments
    limit_memory(int(memory_bytes))
    module, _, name = converter.partition(":")
    convert: Convert = getattr(importlib.import_module(module), name)
    # Loaded before anybody waits.
    importlib.import_module("imagecodecs")
    with socket.socket(fileno=int(descriptor)) as channel:
        serve(channel, convert, int(cpu_s))


if __name__ == "__main__":
    main(sys.argv[1:])
