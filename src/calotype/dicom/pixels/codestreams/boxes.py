"""The boxes of files that wrap a codestream: JP2 (ISO 15444-1 I.4) and the container of JPEG XL (ISO 18181-2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

_BOX: Final = struct.Struct(">L4s")
_LONG_BOX: Final = struct.Struct(">L4sQ")


def boxes(stream: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Return the type of each box, and where its content starts and ends, which may be beyond the stream.

    There is no next one behind a box that is shorter than its own header, or that reaches to the end.
    """
    at = 0
    while at + _BOX.size <= len(stream):
        length, kind = _BOX.unpack_from(stream, at)
        head = _BOX.size
        if length == 1:
            head = _LONG_BOX.size
            if at + head <= len(stream):
                _, _, length = _LONG_BOX.unpack_from(stream, at)
        end = at + length if length else len(stream)
        yield kind, at + head, end
        if end < at + head:
            return
        at = end
