"""Puts a stored object on the wire without ever holding it whole: blocks are read and leave with their PDV prefixes.

Nothing here knows what the object is.

Why not ``os.sendfile``: measured on Linux over loopback, 0.5 MB objects in PDUs of 16, 128 and 256 KB, a whole block
in one ``sendmsg`` takes 0.15, 0.13 and 0.12 ms where a prefix and a ``sendfile`` for each PDU take 0.32, 0.22 and
0.16 ms. Objects of 20 KB (0.06 ms) and of 50 MB (14 to 40 ms, whichever way) show no difference. Half-sized blocks
cost a quarter more, mapping the file half as much again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from calotype.dicom.wire.dimse import fragment_bytes
from calotype.dicom.wire.pdu import pdv_prefix
from calotype.network.sockets import Buffer, ObjectSource, Stream

_BLOCK_BYTES = 1024 * 1024
_PAD = b"\0"


@dataclass(frozen=True, slots=True)
class Slice:
    """Which bytes of an object go out, in which presentation context, in PDUs of what length."""

    context_id: int
    offset: int
    size_bytes: int
    max_pdu_bytes: int


def send_object(stream: Stream, head: bytes, source: ObjectSource, part: Slice, timeout_s: float) -> None:
    """Send ``head`` (the command's PDUs) and then ``part`` of ``source`` as data set PDUs, a NUL after an odd one.

    EOFError when the object is shorter than announced; OSError and TimeoutError as the socket raises them. After
    any of these the stream is in the middle of a message and only good for closing.
    """
    longest = fragment_bytes(part.max_pdu_bytes)
    block_bytes = max(_BLOCK_BYTES // longest, 1) * longest
    offset, left = part.offset, part.size_bytes
    parts: list[Buffer] = [head]
    while True:
        wanted_bytes = min(block_bytes, left)
        block = memoryview(source.read_at(offset, wanted_bytes))
        if len(block) < wanted_bytes:
            message = f"the object ends {left - len(block)} bytes early"
            raise EOFError(message)
        offset += wanted_bytes
        left -= wanted_bytes
        _append_pdus(parts, block, part.context_id, longest, is_end=left == 0)
        stream.send_parts(parts, timeout_s)
        if left == 0:
            return
        parts = []


def send_chunks(
    stream: Stream, head: bytes, chunks: Iterator[bytes], where: tuple[int, int], timeout_s: float
) -> int:
    """Send ``head`` and then all ``chunks`` as one data set; return its bytes. ``where``: context, longest PDU.

    Raises what :func:`send_object` does and what ``chunks`` raise.
    """
    context_id, max_pdu_bytes = where
    longest = fragment_bytes(max_pdu_bytes)
    block_bytes = max(_BLOCK_BYTES // longest, 1) * longest
    size_bytes = 0
    parts: list[Buffer] = [head]
    block = bytearray()
    for chunk in chunks:
        block += chunk
        # The last fragment must be known as such, so one byte at least is kept back.
        while len(block) > block_bytes:
            _append_pdus(parts, memoryview(bytes(block[:block_bytes])), context_id, longest, is_end=False)
            stream.send_parts(parts, timeout_s)
            size_bytes += block_bytes
            del block[:block_bytes]
            parts = []
    _append_pdus(parts, memoryview(block), context_id, longest, is_end=True)
    stream.send_parts(parts, timeout_s)
    return size_bytes + len(block)


def _append_pdus(parts: list[Buffer], block: memoryview, context_id: int, longest: int, *, is_end: bool) -> None:
    """Cut a block into fragments, each behind its PDV prefix; whole ones, but for the last of a data set."""
    size_bytes = len(block)
    for start in range(0, size_bytes or 1, longest):
        fragment = block[start : start + longest]
        is_last = is_end and start + longest >= size_bytes
        # PS3.8 Annex E: "each Fragment shall contain an even number of bytes". All but the last of an object do.
        # A deflated stream ends itself and is padded so by PS3.5 A.5; of other objects odd ones are broken, but a
        # byte after their last element does less harm than peers that abort over an odd fragment.
        is_odd = len(fragment) % 2
        parts.append(pdv_prefix(context_id, len(fragment) + is_odd, is_command=False, is_last=is_last))
        parts.append(fragment)
        if is_odd:
            parts.append(_PAD)
