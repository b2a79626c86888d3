"""A process that brings whole objects into other transfer syntaxes for another one.

Started by ``fleet`` with one end of a socket. What comes over it are an object's open file and the file to write to,
and where, from what and to what; what goes back is how much was written, or why nothing was. No pixel goes over the
socket. It holds itself to limits as ``isolated`` does, and ends when the other end is gone.
"""

from __future__ import annotations

import importlib
import mmap
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Final, Self, TypeAlias

import orjson

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.pixel_data import Offsets
from calotype.dicom.pixels.transcode import Converted, Transcoded
from calotype.errors import CalotypeError
from calotype.services.archive.isolated import NO_MEMORY, READY, limit_memory, limit_time, receive

MODULE: Final = __name__
CONVERT: Final = "calotype.dicom.pixels.transcode:convert"
ASKED: Final = struct.Struct("<L")
"""How long the JSON of a request is; with it come the two descriptors."""
ANSWERED: Final = struct.Struct("<QL")
"""How many bytes were written, and how long the JSON is that tells more."""
MAX_TOLD_BYTES: Final = 64 * 1024
TOO_LARGE: Final = "too-large"
NO_ROOM: Final = "no-room"

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


def serve(channel: socket.socket, convert: Convert, cpu_s: int) -> None:
    """Convert what is asked for until nobody asks any more."""
    channel.sendall(READY)
    while True:
        head, descriptors, _, _ = socket.recv_fds(channel, ASKED.size, 2, socket.MSG_WAITALL)
        try:
            if len(head) < ASKED.size:
                return
            source, result = descriptors
            try:
                order = Order.from_json(bytes(receive(channel, ASKED.unpack(head)[0])))
            except EOFError:
                return
            limit_time(cpu_s)
            size_bytes, told = _answer(convert, order, source, result)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        try:
            channel.sendall(ANSWERED.pack(size_bytes, len(told)) + told)
        except BrokenPipeError:
            return


def _answer(convert: Convert, order: Order, source: int, result: int) -> tuple[int, bytes]:
    told: dict[str, Any]
    try:
        size_bytes, sop_instance = _made(convert, order, source, result)
    except CalotypeError as error:
        told = {"error": type(error).__name__, "detail": str(error)[:1000]}
    except _TooLarge:
        told = {"error": TOO_LARGE}
    except MemoryError:
        told = {"error": NO_MEMORY}
    except OSError as error:
        told = {"error": NO_ROOM, "detail": str(error)}
    else:
        return size_bytes, b"" if sop_instance is None else orjson.dumps({"sop_instance": sop_instance})
    return 0, orjson.dumps(told)


def _made(convert: Convert, order: Order, source: int, result: int) -> tuple[int, UID | None]:
    at = 0
    with (
        mmap.mmap(source, 0, access=mmap.ACCESS_READ) as file,
        memoryview(file) as whole,
        whole[order.start : order.stop] as data,
        convert(data, order.stored, order.to, lossy=order.lossy, offsets=order.offsets) as new,
    ):
        for chunk in new.chunks():
            if at + len(chunk) > order.max_bytes:
                raise _TooLarge
            left = memoryview(chunk)
            while left:
                written = os.pwrite(result, left, at)
                at += written
                left = left[written:]
        return at, new.sop_instance if isinstance(new, Transcoded) else None


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
