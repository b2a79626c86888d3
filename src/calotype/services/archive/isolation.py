"""Decoding in processes of their own: whatever a frame does to its decoder, the archive goes on.

A few children, started when they are first needed and again after their death, each held to limits of memory and
processor time by itself and of time by us. For what the header guard refuses and somebody wants to see all the same,
and for every frame where senders are not trusted. The child's program is ``isolated``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final, NoReturn

import orjson

from calotype.closing import Stopping
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.guard import check_size
from calotype.errors import CalotypeError, DamagedPixels, OutOfResources, Unavailable, Unsupported
from calotype.services.archive.children import HAS_CHILDREN, MIB, Child, in_words, said
from calotype.services.archive.isolated import HEAD, MAX_TOLD_BYTES, MODULE, NO_MEMORY, READY, Asked

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

DECODER: Final = "calotype.dicom.pixels.codecs:decode_anyhow"
_START_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class IsolationSettings:
    """How many children there may be, and what each may take for one frame."""

    processes: int = 2
    memory_bytes: int = 2048 * MIB
    """Enforced on Linux."""
    cpu_s: int = 20
    wall_s: float = 60.0


class Isolation(Stopping):
    """Decodes frames in children. Thread-safe. Nothing is started before it is needed.

    ``decoder`` is what the children call, ``module:function``. As a context manager it is stopped at the end.
    """

    def __init__(self, settings: IsolationSettings | None = None, decoder: str = DECODER) -> None:
        self._settings = settings or IsolationSettings()
        self._decoder = decoder
        self._places = threading.BoundedSemaphore(self._settings.processes)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        self._is_stopped = False

    def decode(
        self, data: bytes, description: PixelDescription, uid: UID, /, *, levels: int = 0, is_forced: bool = False
    ) -> Array:
        """Return the stored values of one frame, as ``codecs.decode`` does, or reduced where that is cheaper.

        ``is_forced`` passes over the guard. Raises what ``codecs.decode`` does; DamagedPixels when the child died of
        the frame or came to a limit, OutOfResources when there is no child to be had, Unavailable when stopped,
        Unsupported on a system that cannot have any.
        """
        if not HAS_CHILDREN:
            raise Unsupported("frames are decoded in other processes on Linux, macOS and other POSIX systems only")
        check_size(description)
        with self._places:
            child = self._take()
            try:
                answer = child.decode(data, Asked(description, uid, levels, is_forced))
            except BaseException:
                self._drop(child)
                raise
            self._put_back(child)
        return answer()

    def stop(self) -> None:
        """End all children; who waits for one is told. Idempotent."""
        with self._lock:
            self._is_stopped = True
            children = list(self._children)
            self._idle.clear()
        for child in children:
            child.kill()

    def _take(self) -> _Child:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if self._was_stopped():
                raise Unavailable("the archive is being stopped")
            if child is None:
                child = _Child(self._settings, self._decoder)
                with self._lock:
                    self._children.add(child)
            if child.is_alive() and not self._was_stopped():
                return child
            self._drop(child)

    def _was_stopped(self) -> bool:
        with self._lock:
            return self._is_stopped

    def _put_back(self, child: _Child) -> None:
        with self._lock:
            if not self._is_stopped:
                self._idle.append(child)
                return
        self._drop(child)

    def _drop(self, child: _Child) -> None:
        with self._lock:
            self._children.discard(child)
        child.kill()


class _Child:
    """One process, asked by one thread at a time."""

    def __init__(self, settings: IsolationSettings, decoder: str) -> None:
        self._settings = settings
        self._child = Child(MODULE, (decoder, str(settings.memory_bytes), str(settings.cpu_s)))
        self._channel = self._child.channel
        self._until_s = time.monotonic() + _START_S
        try:
            ready = bytes(self._receive(len(READY)))
        except (OSError, EOFError):
            ready = b""
        if ready != READY:
            status = self._child.status()
            self.kill()
            raise OutOfResources(f"the process to decode in did not start: {status}")

    def decode(self, data: bytes, asked: Asked) -> Callable[[], Array]:
        """Have a frame decoded; return what returns it or raises what the child said. Any error here is its end."""
        told = asked.to_json()
        self._until_s = time.monotonic() + self._settings.wall_s
        try:
            self._send(HEAD.pack(len(told), len(data)) + told)
            self._send(data)
            told_bytes, value_bytes = HEAD.unpack(self._receive(HEAD.size))
            if told_bytes > MAX_TOLD_BYTES:
                raise DamagedPixels("the decoder answered nonsense")
            answer: dict[str, Any] = orjson.loads(self._receive(told_bytes))
            if "error" in answer:
                return lambda: self._refused(answer)
            shape, dtype = _checked(answer, asked, value_bytes)
            values = self._receive(value_bytes)
        except TimeoutError:
            raise DamagedPixels(f"decoding a frame took longer than {self._settings.wall_s:g} s") from None
        except (OSError, EOFError):
            raise self._death() from None
        except (ValueError, KeyError, TypeError):
            raise DamagedPixels("the decoder answered nonsense") from None

        def array() -> Array:
            import numpy as np  # loaded with the first frame

            return np.frombuffer(values, dtype).reshape(shape)

        return array

    def is_alive(self) -> bool:
        """Tell whether it can be asked."""
        return self._child.is_alive()

    def kill(self) -> None:
        """End it. Idempotent; whoever waits for its answer is told."""
        self._child.kill()

    def _death(self) -> CalotypeError:
        """Return what its end means."""
        if self._child.is_killed:
            return Unavailable("the archive is being stopped")
        status = self._child.status()
        if status is None:
            return DamagedPixels("the decoder hung up")
        if status == -signal.SIGXCPU:
            return DamagedPixels(f"decoding a frame took more than {self._settings.cpu_s} s of processor time")
        if status == -signal.SIGKILL:
            return OutOfResources("the system ended the process that decoded a frame")
        return DamagedPixels(f"the decoder died of a frame: {in_words(status)}")

    def _refused(self, answer: dict[str, Any]) -> NoReturn:
        if answer["error"] == NO_MEMORY:
            raise DamagedPixels(f"decoding a frame takes more than {self._settings.memory_bytes // MIB} MiB")
        raise said(answer["error"], str(answer.get("detail", "")))

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self._channel.settimeout(self._left_s())
            left = left[self._channel.send(left) :]

    def _receive(self, size_bytes: int) -> bytearray:
        got = bytearray(size_bytes)
        left = memoryview(got)
        while left:
            self._channel.settimeout(self._left_s())
            count = self._channel.recv_into(left)
            if not count:
                raise EOFError
            left = left[count:]
        return got

    def _left_s(self) -> float:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s


def _checked(answer: dict[str, Any], asked: Asked, value_bytes: int) -> tuple[tuple[int, ...], str]:
    """Return shape and type of what comes. ValueError unless they are those of the frame that was asked for."""
    description = asked.description
    shape = tuple(int(side) for side in answer["shape"])
    dtype = str(answer["dtype"])
    fits = len(shape) == len(description.shape) and all(
        0 < side <= whole for side, whole in zip(shape, description.shape, strict=True)
    )
    item_bytes = max(8, description.bits_allocated) // 8
    if not fits or dtype != description.dtype or value_bytes != prod(shape) * item_bytes:
        raise ValueError
    if not asked.levels and shape != description.shape:
        raise ValueError
    return shape, dtype
