"""The objects that are sent: synthetic, headers like a scanner's, pixels like noise, made as they are needed.

Standalone on purpose: the yardstick shares no code with what it measures.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass

CT = "1.2.840.10008.5.1.4.1.1.2"
MULTIFRAME = "1.2.840.10008.5.1.4.1.1.7.3"  # Multi-frame Grayscale Word Secondary Capture
EXPLICIT_LE = "1.2.840.10008.1.2.1"
ROOT = "1.2.826.0.1.3680043.10.9999"

_LONG = {b"OB", b"OW", b"SQ", b"UN", b"UT"}
_POOL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Object:
    """One object to send: identity, header bytes, and its pixels as a window on a shared pool of noise."""

    sop_class: str
    instance: str
    header: bytes
    pixels: memoryview

    @property
    def data_bytes(self) -> int:
        return len(self.header) + len(self.pixels)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a workload's objects look like."""

    rows: int
    columns: int
    frames: int = 1

    @property
    def pixel_bytes(self) -> int:
        return self.rows * self.columns * 2 * self.frames


CT_512 = Kind(512, 512)
SMALL = Kind(96, 100)
MULTI_50MB = Kind(512, 512, 100)


class Pool:
    """Noise shared by all objects, 12 bits deep."""

    def __init__(self) -> None:
        noise = bytearray(random.Random(7).randbytes(_POOL_BYTES))
        noise[1::2] = bytes(noise[1::2]).translate(bytes(i & 0x0F for i in range(256)))
        self._view = memoryview(bytes(noise))

    def window(self, number: int, size: int) -> memoryview:
        start = (number * 4096) % (_POOL_BYTES - size + 1)
        return self._view[start : start + size]


def objects(
    kind: Kind, count: int, pool: Pool, *, run: int, association: int = 0, per_series: int = 200
) -> Iterator[Object]:
    """Make ``count`` objects of one study, ``per_series`` to a series; UIDs never repeat between runs."""
    study = f"{ROOT}.{os.getpid()}.{run}.{association}"
    for i in range(count):
        series = f"{study}.{i // per_series + 1}"
        instance = f"{series}.{i + 1}"
        pixels = pool.window(i, kind.pixel_bytes)
        yield Object(_sop_class(kind), instance, header(kind, study, series, instance, i, len(pixels)), pixels)


def _sop_class(kind: Kind) -> str:
    return MULTIFRAME if kind.frames > 1 else CT


def element(tag: int, vr: bytes, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    if len(raw) % 2:
        raw += b"\0" if vr in (b"UI", b"OB") else b" "
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if vr in _LONG:
        return head + vr + struct.pack("<HI", 0, len(raw)) + raw
    return head + vr + struct.pack("<H", len(raw)) + raw


def header(kind: Kind, study: str, series: str, instance: str, number: int, pixel_bytes: int) -> bytes:
    """Return about 115 top-level elements with sequences and private blocks, up to the Pixel Data's value."""
    item = element(0x00081150, b"UI", "1.2.840.10008.3.1.2.3.1") + element(0x00081155, b"UI", f"{study}.9")
    sequence = struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item
    values: list[tuple[int, bytes, bytes | str]] = [
        (0x00080005, b"CS", "ISO_IR 192"),
        (0x00080008, b"CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        (0x00080016, b"UI", _sop_class(kind)),
        (0x00080018, b"UI", instance),
        (0x00080020, b"DA", "20260102"),
        (0x00080021, b"DA", "20260102"),
        (0x00080022, b"DA", "20260102"),
        (0x00080023, b"DA", "20260102"),
        (0x00080030, b"TM", "101500.123"),
        (0x00080031, b"TM", "101501"),
        (0x00080032, b"TM", f"1016{number % 60:02d}.250000"),
        (0x00080033, b"TM", f"1016{number % 60:02d}.500000"),
        (0x00080050, b"SH", "ACC0012345"),
        (0x00080060, b"CS", "CT"),
        (0x00080070, b"LO", "Example Medical Systems"),
        (0x00080080, b"LO", "第一人民医院"),
        (0x00080090, b"PN", "Li^Ming=李^明"),
        (0x00081010, b"SH", "CT01"),
        (0x00081030, b"LO", "Chest routine"),
        (0x0008103E, b"LO", "Thorax 1.0 B31f"),
        (0x00081070, b"PN", "Zhao^Lei=赵^雷"),
        (0x00081090, b"LO", "Model 64"),
        (0x00081110, b"SQ", sequence),
        (0x00081140, b"SQ", sequence * 2),
        (0x00100010, b"PN", "Zhang^San=张^三"),
        (0x00100020, b"LO", "P0012345"),
        (0x00100030, b"DA", "19700101"),
        (0x00100040, b"CS", "M"),
        (0x00101010, b"AS", "056Y"),
        (0x00101030, b"DS", "71.5"),
        (0x00180015, b"CS", "CHEST"),
        (0x00180050, b"DS", "1.0"),
        (0x00180060, b"DS", "120"),
        (0x00180090, b"DS", "350"),
        (0x00181020, b"LO", "v4.2.1"),
        (0x00181030, b"LO", "Thorax"),
        (0x00181100, b"DS", "350"),
        (0x00181150, b"IS", "500"),
        (0x00181151, b"IS", "210"),
        (0x00181210, b"SH", "B31f"),
        (0x00185100, b"CS", "HFS"),
        (0x0020000D, b"UI", study),
        (0x0020000E, b"UI", series),
        (0x00200010, b"SH", "1"),
        (0x00200011, b"IS", series.rpartition(".")[2]),
        (0x00200012, b"IS", "1"),
        (0x00200013, b"IS", str(number + 1)),
        (0x00200032, b"DS", f"-175.0\\-175.0\\{number}.0"),
        (0x00200037, b"DS", "1\\0\\0\\0\\1\\0"),
        (0x00200052, b"UI", f"{study}.8"),
        (0x00201041, b"DS", f"{number}.0"),
        (0x00280002, b"US", struct.pack("<H", 1)),
        (0x00280004, b"CS", "MONOCHROME2"),
        *([(0x00280008, b"IS", str(kind.frames))] if kind.frames > 1 else []),
        (0x00280010, b"US", struct.pack("<H", kind.rows)),
        (0x00280011, b"US", struct.pack("<H", kind.columns)),
        (0x00280030, b"DS", "0.68\\0.68"),
        (0x00280100, b"US", struct.pack("<H", 16)),
        (0x00280101, b"US", struct.pack("<H", 12)),
        (0x00280102, b"US", struct.pack("<H", 11)),
        (0x00280103, b"US", struct.pack("<H", 0)),
        (0x00281050, b"DS", "40"),
        (0x00281051, b"DS", "400"),
        (0x00281052, b"DS", "-1024"),
        (0x00281053, b"DS", "1"),
    ]
    for block, creator in ((0x0029, "EXAMPLE HEADER"), (0x0051, "EXAMPLE PRIVATE")):
        values.append((block << 16 | 0x10, b"LO", creator))
        values += [(block << 16 | 0x1000 | i, b"LO", f"private value {i}") for i in range(24)]
    return b"".join(element(*value) for value in values) + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, pixel_bytes)
