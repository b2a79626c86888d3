"""Codecs that die, hang, take everything or lie: what children of ``isolation`` and ``fleet`` are given in tests."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

# Here, and not when it is asked for: a frame has seconds, and on a busy machine loading it takes them.
import numpy as np

from calotype.errors import Unsupported


def decode(data, description, uid, /, *, levels, is_forced):
    """Do what the frame says."""
    return {
        b"crash": lambda: ctypes.string_at(0),
        b"abort": os.abort,
        b"leave": lambda: sys.exit(3),
        b"killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
        b"loop": _loop,
        b"sleep": lambda: time.sleep(600),
        b"bomb": lambda: bytearray(1 << 34),
        b"many": lambda: [bytearray(1 << 24) for _ in range(1024)],
        b"shape": lambda: _array(description)[1:],
        b"type": lambda: _array(description).astype("float64"),
        b"refuse": _refuse,
        b"error": lambda: 1 // 0,
        b"who": lambda: _array(description) * 0 + os.getpid() % 60_000,
    }[data]()


@contextmanager
def convert(data, stored, to, *, lossy, offsets):
    """Do what the object says: ``what`` or ``what:argument``."""
    what, _, argument = bytes(data).decode().partition(":")
    made = {
        "who": lambda: [str(os.getpid()).encode()],
        "crash": lambda: ctypes.string_at(0),
        "leave": lambda: sys.exit(3),
        "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "killed-once": lambda: _killed_once(Path(argument)),
        "loop": _loop,
        "sleep": lambda: _sleep(Path(argument)),
        "bomb": lambda: [bytearray(1 << 34)],
        "huge": lambda: iter(lambda: bytes(1 << 20), None),
        "refuse": _refuse,
        "pieces": lambda: [bytes([number]) * 700_000 for number in range(4)],
    }[what]()
    yield SimpleNamespace(chunks=lambda: made)


def _killed_once(mark):
    """Die as by ``kill -9`` in the midst of the work, the first time."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return [str(os.getpid()).encode()]
    return os.kill(os.getpid(), signal.SIGKILL)


def _sleep(mark):
    """Say so, and do nothing until somebody ends it."""
    mark.write_text(str(os.getpid()))
    time.sleep(600)


def _array(description):
    return np.zeros(description.shape, description.dtype)


def _loop():
    while True:
        pass


def _refuse():
    raise Unsupported("not this one")
