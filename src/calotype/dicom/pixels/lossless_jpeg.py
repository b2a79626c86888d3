"""Lossless JPEG, first-order prediction (ISO/IEC 10918-1 Annex H, Process 14, selection value 1), written by numpy.

libjpeg-turbo reads these faster than anybody, but writes them a sample at a time, twice over. Here a band of samples
goes through each step as one array: difference, code by a table, and codes put side by side into 64-bit words. The
Huffman code is made from a part of the rows, with room for every difference that the bits allow. Steps are few and
long, and write where others have written before: between two of them threads wait for each other.
"""

from __future__ import annotations

import heapq
import struct
import threading
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from calotype.dicom.pixels.native import Array

_BAND_SAMPLES: Final = 1 << 18
"""Samples that are worked on at a time: a slice of CT. They need 7 MiB."""

_SAMPLED_ROWS: Final = 64
"""Rows that the code is made from, spread over the picture."""

_LONGEST: Final = 16
"""Bits of the longest code (B.2.4.2)."""

_FIRST_ORDER: Final = 1
"""Selection value 1: the sample to the left (Table H.1), which .70 demands."""


def encode(samples: Array, precision: int) -> bytes:
    """Return the JPEG of one frame.

    ``samples``: (rows, columns) or (rows, columns, components), unsigned, below 2**precision; ``precision`` 2 to 16.
    Components are interleaved; what colours they are, the stream does not say.
    """
    import numpy as np  # loaded by the first frame, see the package

    rows, columns = samples.shape[:2]
    components = samples.shape[2] if samples.ndim == 3 else 1
    lines = np.ascontiguousarray(samples.reshape(rows, columns * components), np.uint16)
    differences = _differences(lines, components, precision)
    lengths = code_lengths(_frequencies(differences, precision))
    table = _codes(lengths)
    scan = b"".join(_packed(differences.reshape(-1), table))
    # B.1.1.5: in coded data a byte of ones is followed by one of zeros.
    stuffed = scan.replace(b"\xff", b"\xff\x00")
    return b"".join((_header(rows, columns, components, precision, lengths), stuffed, b"\xff\xd9"))


def _differences(lines: Array, components: int, precision: int) -> Array:
    """Return each sample's difference to what is predicted for it, modulo 2**16 (H.1.2.1), as uint16."""
    import numpy as np

    differences = np.empty_like(lines)
    np.subtract(lines[:, components:], lines[:, :-components], out=differences[:, components:])
    np.subtract(lines[1:, :components], lines[:-1, :components], out=differences[1:, :components])
    np.subtract(lines[0, :components], np.uint16(1 << (precision - 1)), out=differences[0, :components])
    return differences


@cache
def _categories() -> Array:
    """Return the number of bits that each difference needs (Table H.2): uint8, by the difference as uint16."""
    import numpy as np

    signed = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    return np.frexp(np.abs(signed))[1].astype(np.uint8)


def _frequencies(differences: Array, precision: int) -> list[int]:
    """Return how often each category comes, about; every one that may come at least once."""
    import numpy as np

    step = max(1, len(differences) // _SAMPLED_ROWS)
    found = np.bincount(_categories()[differences[::step]].reshape(-1), minlength=precision + 1)
    return [int(count) + 1 for count in found]


def code_lengths(frequencies: Sequence[int]) -> dict[int, int]:
    """Return the length of each category's code, by Huffman, none longer than 16 bits (K.2).

    A further symbol of the least weight takes the code of all ones, which must not be given away (B.2.4.2).
    """
    reserved = len(frequencies)
    leaves = ((count, symbol, (symbol,)) for symbol, count in enumerate(frequencies))
    heap: list[tuple[int, int, tuple[int, ...]]] = [*leaves, (0, -1, (reserved,))]
    heapq.heapify(heap)
    lengths = dict.fromkeys(range(reserved + 1), 0)
    while len(heap) > 1:
        (first, _, some), (second, order, others) = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in some + others:
            lengths[symbol] += 1
        heapq.heappush(heap, (first + second, order, some + others))
    counts = [0] * (max(lengths.values()) + 2)
    for length in lengths.values():
        counts[length] += 1
    _shorten(counts)
    longest = max(length for length, count in enumerate(counts) if count)
    counts[longest] -= 1  # the reserved one
    by_length = (length for length, count in enumerate(counts) for _ in range(count))
    by_weight = sorted(range(reserved), key=lambda symbol: lengths[symbol])
    return dict(zip(by_weight, by_length, strict=True))


def _shorten(counts: list[int]) -> None:
    """Move codes that are too long up the tree (Figure K.3)."""
    for length in range(len(counts) - 1, _LONGEST, -1):
        while counts[length]:
            shorter = length - 2
            while not counts[shorter]:
                shorter -= 1
            counts[length] -= 2
            counts[length - 1] += 1
            counts[shorter + 1] += 2
            counts[shorter] -= 1


def _codes(lengths: dict[int, int]) -> Array:
    """Return what stands for each difference: uint64 by the difference as uint16, bits below, their number above."""
    import numpy as np

    table = np.zeros(1 << 16, np.uint64)
    code, previous = 0, 0
    for category, length in lengths.items():  # by length, the order in which codes are given away (C.2)
        code <<= length - previous
        previous = length
        # H.1.2.2: a negative difference is coded as itself less one; 2**15 needs no bits beside its category.
        extra = category if category < 16 else 0
        half = 1 << category >> 1
        bits = np.arange(half, dtype=np.uint64)
        size = np.uint64((length + extra) << 32)
        prefix = np.uint64(code << extra)
        if not extra:
            table[half if category else 0] = prefix | size
        else:
            table[half : 2 * half] = (bits + np.uint64(half)) | prefix | size
            table[(1 << 16) - 2 * half + 1 : (1 << 16) - half + 1] = bits | prefix | size
        code += 1
    return table


def _packed(differences: Array, table: Array) -> Iterator[bytes]:
    """Yield the coded data: codes side by side, the highest bit first, the last byte filled with ones (F.1.2.3)."""
    begun, used_bits = 0, 0
    for start in range(0, len(differences), _BAND_SAMPLES):
        words, end = _room().side_by_side(differences[start : start + _BAND_SAMPLES], table, used_bits)
        words[0] |= begun
        whole, used_bits = divmod(end, 64)
        yield words[:whole].byteswap().tobytes()
        begun = words[whole]
    filled = int(begun) | ((1 << (64 - used_bits)) - 1)
    yield filled.to_bytes(8, "big")[: (used_bits + 7) // 8]


class _Room(threading.local):
    """Arrays to work in, for each thread its own: making them anew would take a quarter of the time."""

    def __init__(self) -> None:
        import numpy as np

        self._entries = np.empty(_BAND_SAMPLES, np.uint64)
        self._rows = np.empty((5, _BAND_SAMPLES // 2), np.uint64)
        self._is_first = np.empty(_BAND_SAMPLES // 2, bool)

    def side_by_side(self, differences: Array, table: Array, used_bits: int) -> tuple[Array, int]:
        """Return 64-bit words with the codes in them, from bit ``used_bits`` of the first on, and where they end.

        A code belongs to the word in which it starts; the last one of a word may spill into the next.
        """
        import numpy as np

        count = (len(differences) + 1) // 2
        codes, lengths, ends, free, other = self._rows[:, :count]
        self._pair(differences, table, codes, lengths, other)
        np.cumsum(lengths, out=ends)
        np.add(ends, np.uint64(used_bits), out=ends)
        starts, words = np.subtract(ends, lengths, out=free), other
        np.right_shift(starts, np.uint64(6), out=words)
        is_first = self._is_first[:count]
        is_first[0] = True
        np.not_equal(words[1:], words[:-1], out=is_first[1:])
        firsts = np.flatnonzero(is_first)
        np.bitwise_and(starts, np.uint64(63), out=free)
        np.subtract(np.uint64(64), free, out=free)
        np.subtract(free, lengths, out=free)
        # numpy shifts by 64 and more to nothing, and a negative shift is such a one: of two ways, one gives nothing.
        placed = np.left_shift(codes, free, out=other)
        end = int(ends[-1])
        np.right_shift(codes, np.negative(free, out=ends), out=ends)
        np.bitwise_or(placed, ends, out=placed)
        result = np.zeros(end // 64 + 1, np.uint64)
        result[: len(firsts)] = np.bitwise_or.reduceat(placed, firsts)
        lasts = np.append(firsts[1:], count) - 1
        beyond = free[lasts] + np.uint64(64)  # a negative number of free bits is one above 64 here
        spilled = np.where(free[lasts] > np.uint64(64), codes[lasts] << beyond, np.uint64(0))
        result[1:] |= spilled[: len(result) - 1]
        return result, end

    def _pair(self, differences: Array, table: Array, codes: Array, lengths: Array, other: Array) -> None:
        """Set every two entries of the table as one: bits, and how many. None has more than 31, so two fit a word."""
        import numpy as np

        entries = self._entries[: 2 * len(codes)]
        np.take(table, differences, out=entries[: len(differences)], mode="clip")
        entries[len(differences) :] = 0
        first, second = entries[0::2], entries[1::2]
        np.right_shift(second, np.uint64(32), out=lengths)
        np.bitwise_and(first, np.uint64(0xFFFFFFFF), out=codes)
        np.left_shift(codes, lengths, out=codes)
        np.bitwise_and(second, np.uint64(0xFFFFFFFF), out=other)
        np.bitwise_or(codes, other, out=codes)
        np.right_shift(first, np.uint64(32), out=other)
        np.add(lengths, other, out=lengths)


@cache
def _room() -> _Room:
    return _Room()


def _header(rows: int, columns: int, components: int, precision: int, lengths: dict[int, int]) -> bytes:
    """Return the markers before the coded data: one table for all components, one scan (B.2)."""
    counts = bytes(sum(1 for each in lengths.values() if each == length) for length in range(1, _LONGEST + 1))
    table = b"\x00" + counts + bytes(lengths)
    frame = struct.pack(">BHHB", precision, rows, columns, components)
    frame += b"".join(bytes((number + 1, 0x11, 0)) for number in range(components))
    scan = bytes((components,)) + b"".join(bytes((number + 1, 0)) for number in range(components))
    scan += bytes((_FIRST_ORDER, 0, 0))
    segments = ((b"\xff\xc3", frame), (b"\xff\xc4", table), (b"\xff\xda", scan))
    return b"\xff\xd8" + b"".join(marker + struct.pack(">H", len(body) + 2) + body for marker, body in segments)
