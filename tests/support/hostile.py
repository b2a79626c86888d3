"""Frames that were damaged on purpose, by the thousand, and a process that decodes them under limits.

The corpus is a function of a seed and a number, so that any mutant can be made again alone:

    PYTHONPATH=tests python -m support.hostile --seed 4 --first 0 --count 10000
"""

from __future__ import annotations

import argparse
import json
import resource
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codecs import CODECS, can_encode, decode, encode
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.uids import transfer_syntax
from calotype.errors import DamagedPixels, Unsupported
from support.pixels import image

SEED = 4
MEMORY_BYTES = 6 * 1024**3
"""Address space; libraries reserve far more than they use."""
SLOW_S = 5.0
"""Processor time that no damaged frame of this size may take."""
GROWTH_BYTES = 200 * 1024 * 1024
"""What a process may grow by over all of them."""

DESCRIPTIONS = (
    PixelDescription(96, 80, 1, 8, 8, 7),
    PixelDescription(96, 80, 1, 16, 12, 11),
    PixelDescription(64, 64, 1, 16, 16, 15, is_signed=True),
    PixelDescription(96, 80, 3, 8, 8, 7, photometric_interpretation="RGB"),
    PixelDescription(40, 300, 1, 8, 8, 7),
)
Base = tuple[UID, PixelDescription, bytes]
Mutation = Callable[[bytearray, np.random.Generator], bytes]

_EXTREMES_16 = (0, 1, 2, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
_EXTREMES_32 = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 30_000, 65_535)


@cache
def bases() -> tuple[Base, ...]:
    """Return the right frames that mutants are made of: every encapsulated syntax, grey, signed and colour."""
    found = []
    for uid, row in CODECS.items():
        if row.encoder is None or not transfer_syntax(uid).encapsulated:
            continue
        for description in DESCRIPTIONS:
            if can_encode(uid, description):
                encoded = encode(image(description), description, uid)
                found.append((uid, encoded.description, encoded.data))
    return tuple(found)


def _header(data: bytearray, random: np.random.Generator) -> int:
    """Return a place, most often in the first bytes: there a decoder learns what to allocate."""
    reach = len(data) if random.random() < 0.3 else min(len(data), 200)
    return int(random.integers(0, max(1, reach)))


def _flip_bits(data: bytearray, random: np.random.Generator) -> bytes:
    for _ in range(int(random.integers(1, 9))):
        data[_header(data, random)] ^= 1 << int(random.integers(0, 8))
    return bytes(data)


def _set_bytes(data: bytearray, random: np.random.Generator) -> bytes:
    for _ in range(int(random.integers(1, 5))):
        data[_header(data, random)] = int(random.integers(0, 256))
    return bytes(data)


def _set_numbers(data: bytearray, random: np.random.Generator) -> bytes:
    order = ">" if random.random() < 0.8 else "<"
    code, numbers = ("H", _EXTREMES_16) if random.random() < 0.5 else ("L", _EXTREMES_32)
    number = struct.pack(order + code, int(random.choice(numbers)))
    at = _header(data, random)
    data[at : at + len(number)] = number
    return bytes(data)


def _cut(data: bytearray, random: np.random.Generator) -> bytes:
    return bytes(data[: int(random.integers(0, len(data)))])


def _cut_and_end(data: bytearray, random: np.random.Generator) -> bytes:
    return _cut(data, random) + b"\xff\xd9"


def _remove(data: bytearray, random: np.random.Generator) -> bytes:
    at = _header(data, random)
    return bytes(data[:at] + data[at + int(random.integers(1, 40)) :])


def _repeat(data: bytearray, random: np.random.Generator) -> bytes:
    at, size = _header(data, random), int(random.integers(1, 60))
    return bytes(data[:at] + data[at : at + size] * int(random.integers(2, 30)) + data[at + size :])


def _insert_marker(data: bytearray, random: np.random.Generator) -> bytes:
    at = _header(data, random)
    return bytes(data[:at]) + bytes((0xFF, int(random.integers(0, 256)))) + bytes(data[at:])


def _noise(data: bytearray, random: np.random.Generator) -> bytes:
    at = _header(data, random)
    size = int(random.integers(1, 300))
    return bytes(data[:at]) + random.bytes(size) + bytes(data[at + size :])


def _splice(data: bytearray, random: np.random.Generator) -> bytes:
    other = bases()[int(random.integers(0, len(bases())))][2]
    return bytes(data[: _header(data, random)]) + other[int(random.integers(0, len(other))) :]


MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits,
    _set_bytes,
    _set_numbers,
    _cut,
    _cut_and_end,
    _remove,
    _repeat,
    _insert_marker,
    _noise,
    _splice,
)


def mutant(seed: int, number: int) -> Base:
    """Return one damaged frame with the syntax and description that it is said to have."""
    random = np.random.default_rng((seed, number))
    uid, description, data = bases()[number % len(bases())]
    for _ in range(1 + int(random.random() < 0.3)):
        data = MUTATIONS[int(random.integers(0, len(MUTATIONS)))](bytearray(data or b"\0"), random)
    return uid, description, data


def outcomes(seed: int, first: int, count: int, before: Callable[[int], object]) -> Iterator[tuple[str, float]]:
    """Decode mutants; yield how each ended and the processor time it took. ``before`` hears of each beforehand."""
    for number in range(first, first + count):
        uid, description, data = mutant(seed, number)
        before(number)
        started = time.process_time()
        try:
            array = decode(data, description, uid)
        except (DamagedPixels, Unsupported) as error:
            ended = type(error).__name__
        else:
            right = array.shape == description.shape and array.dtype == np.dtype(description.dtype)
            ended = "decoded" if right else f"wrong: {array.shape} {array.dtype}"
        yield ended, time.process_time() - started


def main() -> int:
    """Run a part of the corpus and print what came of it as JSON; the last number begun is in ``--trace``."""
    parser = argparse.ArgumentParser(description="Decode damaged frames under limits.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--trace", type=Path, default=Path("/dev/null"))
    options = parser.parse_args()
    bases()
    for uid, description, data in bases():
        decode(data, description, uid)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    before_bytes = _resident_bytes()
    tally: Counter[str] = Counter()
    slowest_s = 0.0
    with options.trace.open("wb", buffering=0) as trace:
        for ended, took_s in outcomes(
            options.seed, options.first, options.count, lambda number: trace.write(b"%d\n" % number)
        ):
            tally[ended] += 1
            slowest_s = max(slowest_s, took_s)
    grown_bytes = _resident_bytes() - before_bytes
    sys.stdout.write(json.dumps({"outcomes": tally, "slowest_s": slowest_s, "grown_bytes": grown_bytes}) + "\n")
    wrong = any(ended.startswith("wrong") for ended in tally)
    return int(wrong or slowest_s > SLOW_S or grown_bytes > GROWTH_BYTES)


def _resident_bytes() -> int:
    """Return the most that this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    sys.exit(main())
