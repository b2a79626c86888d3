"""A key that only this archive knows, in a file of its own: made when first needed, readable by its owner alone."""

from __future__ import annotations

import logging
import os
import secrets
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from calotype.errors import Unavailable

log = logging.getLogger(__name__)

KEY_BYTES: Final = 32


class FileSecret:
    """The key in one file, as 64 hexadecimal digits. Thread-safe; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._key: bytes | None = None

    def __call__(self) -> bytes:
        """Return the key, made now if there is none. Unavailable when it cannot be read or kept."""
        with self._lock:
            if self._key is None:
                try:
                    self._key = self._read()
                except OSError as error:
                    raise Unavailable(f"the secret key {self._path} cannot be used: {error.strerror}") from error
            return self._key

    def _read(self) -> bytes:
        if not self._path.exists():
            self._make()
        mode = stat.S_IMODE(self._path.stat().st_mode)
        if mode & 0o077:
            log.warning("the secret key %s can be read by others (mode %o): make it 600", self._path, mode)
        try:
            key = bytes.fromhex(self._path.read_text(encoding="ascii").strip())
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise Unavailable(
                f"{self._path} holds no key ({KEY_BYTES} bytes in hexadecimal digits). Restore it from a copy: with"
                " another key the same patients get other pseudonyms"
            )
        return key

    def _make(self) -> None:
        """Write a new key whole and durable, unless another process is faster."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}-{threading.get_ident()}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(part, self._path)
        finally:
            part.unlink()
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
