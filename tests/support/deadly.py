"""Decoders that die, hang, take everything or lie: what a child of ``isolation`` is given in tests."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

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


def _array(description):
    import numpy as np

    return np.zeros(description.shape, description.dtype)


def _loop():
    while True:
        pass


def _refuse():
    raise Unsupported("not this one")
