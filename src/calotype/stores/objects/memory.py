"""Objects in memory: the simplest store that keeps the promises of ``ports.ObjectStore``, for tests and trials."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from calotype.closing import Closing
from calotype.errors import NotFound, OutOfResources, Unavailable
from calotype.services.archive.ports import ObjectReader, ReadableBuffer, Spool
from calotype.stores.objects.keys import candidates, check_key


class MemorySpool:
    """A private file being written, in memory."""

    def __init__(self, store: MemoryObjectStore) -> None:
        self._store = store
        self._content: bytearray | None = bytearray()
        self.size_bytes = 0

    def write(self, parts: Sequence[ReadableBuffer]) -> None:
        """Append all of ``parts``. OutOfResources beyond the store's capacity."""
        if self._content is None:
            raise Unavailable("the spool file is closed")
        added = sum(map(len, parts))
        self._store.reserve(added)
        # A new bytearray each time: views given out before may still be held.
        self._content = bytearray(b"").join((self._content, *parts))
        self.size_bytes += added

    def view(self) -> memoryview:
        """Return all bytes written so far."""
        if self._content is None:
            raise Unavailable("the spool file is closed")
        return memoryview(self._content).toreadonly()

    def discard(self) -> None:
        """Forget the bytes unless they were put. Idempotent."""
        if self._content is not None:
            self._store.reserve(-self.size_bytes)
            self._content = None

    def take(self) -> bytes:
        """Hand the bytes over to the store."""
        if self._content is None:
            raise Unavailable("the spool file is gone")
        content, self._content = bytes(self._content), None
        return content


class MemoryObjectStore:
    """An object store in memory. ``capacity_bytes`` makes it full where a disk would be. Thread-safe."""

    def __init__(self, capacity_bytes: int | None = None) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._capacity_bytes = capacity_bytes
        self._used_bytes = 0

    def spool(self) -> Spool:
        """Start a private file."""
        return MemorySpool(self)

    def put(self, spool: Spool, key: str) -> str:
        """Keep the spooled bytes under ``key``, or the next free name after it; return which."""
        check_key(key)
        if not isinstance(spool, MemorySpool):
            raise TypeError("a spool belongs to the store that made it")
        content = spool.take()
        with self._lock:
            kept = next(candidate for candidate in candidates(key) if candidate not in self._objects)
            self._objects[kept] = content
        return kept

    def open(self, key: str) -> ObjectReader:
        """Open an object for reading."""
        check_key(key)
        try:
            return MemoryObjectReader(self._objects[key])
        except KeyError:
            raise NotFound(f"opening {key}: no such object") from None

    def delete(self, key: str) -> None:
        """Remove an object."""
        check_key(key)
        with self._lock:
            content = self._objects.pop(key, None)
            if content is None:
                raise NotFound(f"removing {key}: no such object")
            self._used_bytes -= len(content)

    def keys(self, folder: str = "") -> Iterator[str]:
        """Walk over the keys there are now, or those in and below a folder."""
        within = f"{folder}/" if folder else ""
        with self._lock:
            keys = sorted(key for key in self._objects if key.startswith(within))
        yield from keys

    def reserve(self, size_bytes: int) -> None:
        """Count bytes in (or out, when negative). OutOfResources when that exceeds the capacity."""
        with self._lock:
            if self._capacity_bytes is not None and self._used_bytes + size_bytes > self._capacity_bytes:
                raise OutOfResources("the store is full; make room and send again")
            self._used_bytes += size_bytes


class MemoryObjectReader(Closing):
    """An open object in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size_bytes = len(content)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``."""
        return self._content[offset : offset + size_bytes]

    def fileno(self) -> int | None:
        """Return ``None``: memory has no descriptor."""
        return None

    def close(self) -> None:
        """Do nothing: there is nothing to free."""
