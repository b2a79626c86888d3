"""A process that decodes frames for another one, so that a decoder that dies takes nobody along.

Started by ``isolation`` with one end of a socket; it holds itself to limits of memory and processor time, decodes
frame after frame, and ends when the other end is gone. Nothing of the archive is known here.
"""

from __future__ import annotations

import importlib
import socket
import struct
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import orjson

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.errors import CalotypeError

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array


class Decoder(Protocol):
    """What a child calls."""

    def __call__(
        self, data: bytes, description: PixelDescription, uid: UID, /, *, levels: int, is_forced: bool
    ) -> Array:
        """Return the stored values of a frame, see ``codecs.decode_anyhow``."""
        ...


MODULE: Final = __name__
HEAD: Final = struct.Struct("<LQ")
"""How long the JSON of a message is, and how long the bytes after it."""
MAX_TOLD_BYTES: Final = 64 * 1024
READY: Final = b"\1"
NO_MEMORY: Final = "no-memory"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be decoded."""

    description: PixelDescription
    syntax: UID
    levels: int
    is_forced: bool

    def to_json(self) -> bytes:
        """Return what :meth:`from_json` reads."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, told: bytes) -> Self:
        """Read what the other end wrote."""
        values: dict[str, Any] = orjson.loads(told)
        description = values["description"]
        described = PixelDescription(**{**description, "kind": PixelKind(description["kind"])})
        return cls(described, UID(values["syntax"]), values["levels"], values["is_forced"])


def receive(channel: socket.socket, size_bytes: int) -> bytearray:
    """Return exactly so many bytes. EOFError when the other end is gone."""
    got = bytearray(size_bytes)
    view = memoryview(got)
    while view:
        count = channel.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return got


def serve(channel: socket.socket, decode: Decoder, cpu_s: int) -> None:
    """Decode what is asked for until nobody asks any more."""
    channel.sendall(READY)
    while True:
        try:
            told_bytes, data_bytes = HEAD.unpack(receive(channel, HEAD.size))
            asked = Asked.from_json(bytes(receive(channel, told_bytes)))
            data = bytes(receive(channel, data_bytes))
        except EOFError:
            return
        limit_time(cpu_s)
        told, values = _answer(decode, data, asked)
        channel.sendall(HEAD.pack(len(told), len(values)) + told)
        channel.sendall(values)


def _answer(decode: Decoder, data: bytes, asked: Asked) -> tuple[bytes, memoryview]:
    try:
        values = decode(data, asked.description, asked.syntax, levels=asked.levels, is_forced=asked.is_forced)
        import numpy as np  # decode has loaded it

        values = np.ascontiguousarray(values)
        told = {"shape": values.shape, "dtype": values.dtype.name}
        return orjson.dumps(told), memoryview(values).cast("B")
    except CalotypeError as error:
        told = {"error": type(error).__name__, "detail": str(error)[:1000]}
    except MemoryError:
        told = {"error": NO_MEMORY}
    return orjson.dumps(told), memoryview(b"")


def limit_memory(max_bytes: int) -> None:
    """Hold this process to so much memory, and leave no image of it behind."""
    if find_spec("resource") and sys.platform == "linux":
        import resource

        # What is mapped for reading (libraries) does not count; what is allocated does.
        resource.setrlimit(resource.RLIMIT_DATA, (max_bytes, max_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time(cpu_s: int) -> None:
    """Hold this process to so many seconds of processor time from now on."""
    if find_spec("resource"):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main(arguments: list[str]) -> None:
    """Serve at the socket with the number ``arguments[0]``; then decoder, bytes of memory, seconds of processor."""
    descriptor, decoder, memory_bytes, cpu_s = arguments
    limit_memory(int(memory_bytes))
    module, _, name = decoder.partition(":")
    with socket.socket(fileno=int(descriptor)) as channel:
        serve(channel, getattr(importlib.import_module(module), name), int(cpu_s))


if __name__ == "__main__":
    main(sys.argv[1:])
