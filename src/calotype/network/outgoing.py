"""Puts a stored object on the wire without ever holding it whole.

Two ways, the same bytes: the kernel copies from file to socket and only the PDV prefixes pass through us, or
blocks are read and leave together with their prefixes. Nothing here knows what the object is.
"""

from __future__ import annotations

from dataclasses import dataclass

from calotype.dicom.wire.dimse import fragment_bytes
from calotype.dicom.wire.pdu import pdv_prefix
from calotype.network.sockets import SENDFILE_FLOOR_BYTES, Buffer, ObjectSource, Stream

_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Slice:
    """Which bytes of an object go out, in which presentation context, in PDUs of what length."""

    context_id: int
    offset: int
    size_bytes: int
    max_pdu_bytes: int


def send_object(stream: Stream, head: bytes, source: ObjectSource, part: Slice, timeout_s: float) -> None:
    """Send ``head`` (the command's PDUs) and then ``part`` of ``source`` as data set PDUs.

    EOFError when the object is shorter than announced; OSError and TimeoutError as the socket raises them. After
    any of these the stream is in the middle of a PDU and only good for closing.
    """
    descriptor = None
    if stream.capabilities.sendfile and part.max_pdu_bytes >= SENDFILE_FLOOR_BYTES:
        descriptor = source.fileno()
    if descriptor is None:
        _send_blocks(stream, head, source, part, timeout_s)
    else:
        _send_file(stream, head, descriptor, part, timeout_s)


def _send_file(stream: Stream, head: bytes, descriptor: int, part: Slice, timeout_s: float) -> None:
    offset, left, longest = part.offset, part.size_bytes, fragment_bytes(part.max_pdu_bytes)
    while True:
        count = min(longest, left)
        left -= count
        prefix = pdv_prefix(part.context_id, count, is_command=False, is_last=left == 0)
        stream.send(head + prefix, timeout_s, more_follows=count > 0)
        stream.send_file(descriptor, offset, count, timeout_s)
        if left == 0:
            return
        offset += count
        head = b""


def _send_blocks(stream: Stream, head: bytes, source: ObjectSource, part: Slice, timeout_s: float) -> None:
    longest = fragment_bytes(part.max_pdu_bytes)
    block_bytes = max(_BLOCK_BYTES // longest, 1) * longest
    offset, left = part.offset, part.size_bytes
    parts: list[Buffer] = [head]
    while True:
        block = memoryview(source.read_at(offset, min(block_bytes, left)))
        if len(block) < min(block_bytes, left):
            message = f"the object ends {left - len(block)} bytes early"
            raise EOFError(message)
        offset += len(block)
        left -= len(block)
        for start in range(0, len(block) or 1, longest):
            fragment = block[start : start + longest]
            is_last = left == 0 and start + longest >= len(block)
            parts.append(pdv_prefix(part.context_id, len(fragment), is_command=False, is_last=is_last))
            parts.append(fragment)
        stream.send_parts(parts, timeout_s)
        if left == 0:
            return
        parts = []
