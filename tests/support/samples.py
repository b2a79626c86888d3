"""Makes small DICOM objects of many kinds, for every room's tests.

It has an encoder of its own, some forty lines, so that what reads in ``calotype.dicom`` is never tested against what
writes there. The same arguments give the same bytes. Names are Chinese unless told otherwise.

    data = samples.ct(64, 64, seed=3)          a data set, explicit VR little endian
    file = samples.part10(data)                the same under file meta information
    data = samples.ct(syntax=samples.IMPLICIT) in another syntax
"""

from __future__ import annotations

import random
import struct
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
RLE = "1.2.840.10008.1.2.5"
MPEG4 = "1.2.840.10008.1.2.4.102"

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
CR = "1.2.840.10008.5.1.4.1.1.1"
US_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
VIDEO = "1.2.840.10008.5.1.4.1.1.77.1.1.1"

UNDEFINED = 0xFFFFFFFF
ROOT = "1.2.826.0.1.3680043.10.1839"

PYTHON_CODECS = {"": "latin-1", "ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk"}

NAMES = ("Wang^XiaoDong=王^小东", "Li^Na=李^娜", "Ouyang^Xiu=欧阳^修", "Zhang^Wei=张^伟", "Yue^Yang=岳^洋")

Value = Any
Row = tuple[int, str, Value]

_SHORT = frozenset(
    "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()  # noqa: SIM905 - reads as PS3.5 does
)
_PACK = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_WORD = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_ARRAY = {2: "H", 4: "I", 8: "Q"}


def uid(*path: int) -> str:
    """A UID under the tests' own root: ``uid(1, 2)``."""
    return ".".join((ROOT, *(str(part) for part in path)))


@dataclass(frozen=True)
class Undefined:
    """A sequence whose length, and whose items' lengths, are undefined and delimited."""

    items: Sequence[Sequence[Row]]


@dataclass(frozen=True)
class Fragments:
    """Encapsulated Pixel Data: a basic offset table and fragments, each padded to even length."""

    fragments: Sequence[bytes]
    offsets: Sequence[int] = ()
    delimited: bool = True


def text(value: str, codec: str) -> bytes:
    return value.encode(codec)


def value_bytes(vr: str, value: Value, order: str, codec: str) -> bytes:
    """The value field of an element that is no sequence, padded to even length."""
    if isinstance(value, bytes):
        raw, size = value, _WORD.get(vr, 1)
        if order == ">" and size > 1:
            words = array(_ARRAY[size], raw[: len(raw) - len(raw) % size])
            words.byteswap()
            raw = words.tobytes() + raw[len(raw) - len(raw) % size :][::-1]
    elif vr == "AT":
        tags = value if isinstance(value, list | tuple) else (value,)
        raw = b"".join(struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) for tag in tags)
    elif vr in _PACK:
        numbers = value if isinstance(value, list | tuple) else (value,)
        raw = struct.pack(f"{order}{len(numbers)}{_PACK[vr]}", *numbers)
    else:
        raw = text(str(value), codec)
    return raw + (b"\0" if vr in {"UI", "OB", "UN"} else b" ") * (len(raw) % 2)


def encode(rows: Iterable[Row], syntax: str = EXPLICIT, codec: str = "utf-8", *, pad: bool = True) -> bytes:
    """Write a data set in the order given; deflates when the syntax says so."""
    out = b"".join(_element(row, syntax, codec) for row in rows)
    if syntax == DEFLATED:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        out = packer.compress(out) + packer.flush()
        out += b"\0" * (len(out) % 2 if pad else 0)
    return out


def header(tag: int, vr: str, length: int, syntax: str = EXPLICIT) -> bytes:
    """Tag, VR and length of one element."""
    order = ">" if syntax == BIG_ENDIAN else "<"
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT or tag >> 16 == 0xFFFE:
        return head + struct.pack(order + "L", length)
    if vr in _SHORT:
        return head + vr.encode() + struct.pack(order + "H", length)
    return head + vr.encode() + b"\0\0" + struct.pack(order + "L", length)


def _element(row: Row, syntax: str, codec: str) -> bytes:
    tag, vr, value = row
    inner = EXPLICIT if syntax == DEFLATED else syntax
    if isinstance(value, Fragments):
        body = [
            header(0xFFFEE000, "", 4 * len(value.offsets)),
            struct.pack(f"<{len(value.offsets)}L", *value.offsets),
        ]
        for fragment in value.fragments:
            padded = fragment + b"\0" * (len(fragment) % 2)
            body += [header(0xFFFEE000, "", len(padded)), padded]
        if value.delimited:
            body.append(header(0xFFFEE0DD, "", 0))
        return header(tag, vr, UNDEFINED, inner) + b"".join(body)
    if isinstance(value, Undefined):
        items = b"".join(
            header(0xFFFEE000, "", UNDEFINED, inner) + encode(item, inner, codec) + header(0xFFFEE00D, "", 0, inner)
            for item in value.items
        )
        return header(tag, vr, UNDEFINED, inner) + items + header(0xFFFEE0DD, "", 0, inner)
    if vr == "SQ":
        contents = [encode(item, inner, codec) for item in value]
        items = b"".join(header(0xFFFEE000, "", len(content), inner) + content for content in contents)
        return header(tag, vr, len(items), inner) + items
    raw = value_bytes(vr, value, ">" if syntax == BIG_ENDIAN else "<", codec)
    return header(tag, vr, len(raw), inner) + raw


def merged(rows: Iterable[Row], changes: Mapping[int, tuple[str, Value] | None] | None) -> list[Row]:
    """Rows with some replaced, added, or (``None``) left out; in the order of their tags."""
    table: dict[int, tuple[str, Value] | None] = {tag: (vr, value) for tag, vr, value in rows}
    table.update(changes or {})
    return [(tag, *entry) for tag, entry in sorted(table.items()) if entry is not None]


def _general(
    sop_class: str,
    modality: str,
    seed: int,
    charset: str,
    *,
    study_uid: str | None,
    series_uid: str | None,
    sop_uid: str | None,
    patient_id: str | None,
    patient_name: str | None,
    study_date: str,
    instance_number: int | None,
) -> list[Row]:
    """Patient, study and series modules of every object made here."""
    return [
        (0x00080005, "CS", charset),
        (0x00080012, "DA", study_date),
        (0x00080013, "TM", f"10{seed % 60:02d}30"),
        (0x00080016, "UI", sop_class),
        (0x00080018, "UI", sop_uid or uid(4, seed)),
        (0x00080020, "DA", study_date),
        (0x00080021, "DA", study_date),
        (0x00080023, "DA", study_date),
        (0x00080030, "TM", "101500"),
        (0x00080031, "TM", "101530.5"),
        (0x00080033, "TM", f"1016{seed % 60:02d}"),
        (0x00080050, "SH", "A20240115"),
        (0x00080060, "CS", modality),
        (0x00080070, "LO", "Calotype Works"),
        (0x00080080, "LO", "第一人民医院"),
        (0x00080090, "PN", "Chen^Mei=陈^梅"),
        (0x00081010, "SH", "STATION1"),
        (0x00081030, "LO", "胸部 CT 平扫"),
        (0x0008103E, "LO", "Axial 5.0"),
        (0x00100010, "PN", patient_name if patient_name is not None else NAMES[0]),
        (0x00100020, "LO", patient_id if patient_id is not None else "P0001"),
        (0x00100030, "DA", "19700131"),
        (0x00100040, "CS", "F"),
        (0x00101010, "AS", "053Y"),
        (0x00180015, "CS", "CHEST"),
        (0x0020000D, "UI", study_uid or uid(2, 1)),
        (0x0020000E, "UI", series_uid or uid(3, 1)),
        (0x00200010, "SH", "1"),
        (0x00200011, "IS", "2"),
        (0x00200013, "IS", str(seed if instance_number is None else instance_number)),
    ]


def _image(rows: int, columns: int, bits: int, *, signed: bool = False, samples: int = 1) -> list[Row]:
    allocated = 8 if bits <= 8 else 16
    return [
        (0x00280002, "US", samples),
        (0x00280004, "CS", "MONOCHROME2" if samples == 1 else "RGB"),
        (0x00280010, "US", rows),
        (0x00280011, "US", columns),
        (0x00280100, "US", allocated),
        (0x00280101, "US", bits),
        (0x00280102, "US", bits - 1),
        (0x00280103, "US", int(signed)),
    ]


def pixels(size_bytes: int, seed: int) -> bytes:
    """Noise; the same for the same seed."""
    return random.Random(seed).randbytes(size_bytes)


def _code(value: str, meaning: str) -> list[Row]:
    return [(0x00080100, "SH", value), (0x00080102, "SH", "DCM"), (0x00080104, "LO", meaning)]


def _ct_rows(rows: int, columns: int, seed: int) -> list[Row]:
    """What a CT scanner writes beside patient, study and image: 79 elements, sequences and private blocks."""
    z = 1.25 * seed - 200
    private = [(0x00190010, "LO", "CALOTYPE TEST 01"), (0x00431010, "LO", "CALOTYPE TEST 02")]
    private += [(0x00191000 + n, "DS", f"{n}.5") for n in range(2, 12)]
    private += [(0x00431000 + n, "SS" if n % 2 else "LO", n if n % 2 else f"value {n}") for n in range(1, 13)]
    return [
        (0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        (0x00080022, "DA", "20240115"),
        (0x00080032, "TM", f"1016{seed % 60:02d}.25"),
        (0x00081040, "LO", "Radiology"),
        (0x00081050, "PN", "Zhao^Lei=赵^磊"),
        (0x00081070, "PN", "Sun^Li=孙^丽"),
        (0x00081090, "LO", "Model 64"),
        (0x00081032, "SQ", [_code("CT-TH", "Thorax")]),
        (0x00081111, "SQ", [[(0x00081150, "UI", "1.2.840.10008.3.1.2.3.3"), (0x00081155, "UI", uid(7, 1))]]),
        (
            0x00081140,
            "SQ",
            [
                [(0x00081150, "UI", CT), (0x00081155, "UI", uid(8, 1)), (0x0040A170, "SQ", [_code("121311", "Loc")])],
                [(0x00081150, "UI", CT), (0x00081155, "UI", uid(8, 2)), (0x0040A170, "SQ", [_code("121311", "Loc")])],
            ],
        ),
        (0x00101020, "DS", "1.65"),
        (0x00101030, "DS", "58.5"),
        (0x00180022, "CS", "HELICAL MODE"),
        (0x00180050, "DS", "1.25"),
        (0x00180060, "DS", "120"),
        (0x00180090, "DS", "500"),
        (0x00181020, "LO", "07MW18.4"),
        (0x00181030, "LO", "5.1 胸部常规"),
        (0x00181100, "DS", "360"),
        (0x00181110, "DS", "949.075"),
        (0x00181111, "DS", "541"),
        (0x00181120, "DS", "0"),
        (0x00181130, "DS", "133.7"),
        (0x00181140, "CS", "CW"),
        (0x00181150, "IS", "500"),
        (0x00181151, "IS", "285"),
        (0x00181152, "IS", "1425"),
        (0x00181160, "SH", "BODY FILTER"),
        (0x00181170, "IS", "34200"),
        (0x00181190, "DS", "1.2"),
        (0x00181210, "SH", "STANDARD"),
        (0x00185100, "CS", "FFS"),
        (0x00189305, "FD", 0.5),
        (0x00189306, "FD", 0.625),
        (0x00189345, "FD", 12.75 + seed / 64),
        (0x00200012, "IS", "1"),
        (0x00200032, "DS", f"-180\\-166\\{z:.4f}"),
        (0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
        (0x00200052, "UI", uid(5, 1)),
        (0x00201040, "LO", "SN"),
        (0x00201041, "DS", f"{z:.4f}"),
        (0x00280030, "DS", "0.703125\\0.703125"),
        (0x00280120, "SS", -2000),
        (0x00281050, "DS", "40"),
        (0x00281051, "DS", "400"),
        (0x00281052, "DS", "-1024"),
        (0x00281053, "DS", "1"),
        (0x00400244, "DA", "20240115"),
        (0x00400245, "TM", "101400"),
        (0x00400253, "SH", "PPS1"),
        (0x00400254, "LO", "CT Thorax"),
        (
            0x00400275,
            "SQ",
            [
                [
                    (0x00400007, "LO", "胸部 CT"),
                    (0x00400008, "SQ", [_code("CT-TH", "Thorax")]),
                    (0x00400009, "SH", "S1"),
                ]
            ],
        ),
        *private,
    ]


def ct(
    rows: int = 64,
    columns: int = 64,
    seed: int = 1,
    *,
    syntax: str = EXPLICIT,
    charset: str = "ISO_IR 192",
    sop_class: str = CT,
    study_uid: str | None = None,
    series_uid: str | None = None,
    sop_uid: str | None = None,
    patient_id: str | None = None,
    patient_name: str | None = None,
    study_date: str = "20240115",
    modality: str = "CT",
    instance_number: int | None = None,
    changes: Mapping[int, tuple[str, Value] | None] | None = None,
) -> bytes:
    """A CT slice with a header of 115 elements; ``seed`` is its place in the series."""
    general = _general(
        sop_class,
        modality,
        seed,
        charset,
        study_uid=study_uid,
        series_uid=series_uid,
        sop_uid=sop_uid,
        patient_id=patient_id,
        patient_name=patient_name,
        study_date=study_date,
        instance_number=instance_number,
    )
    body = [*general, *_ct_rows(rows, columns, seed), *_image(rows, columns, 12, signed=True)]
    body.append((0x7FE00010, "OW", pixels(rows * columns * 2, seed)))
    return encode(merged(body, changes), syntax, PYTHON_CODECS[charset])


def mr(rows: int = 32, columns: int = 32, seed: int = 1, **how: Any) -> bytes:
    """An MR slice; takes what :func:`ct` takes."""
    return ct(rows, columns, seed, **{"sop_class": MR, "modality": "MR"} | how)


def cr(rows: int = 64, columns: int = 48, seed: int = 1, **how: Any) -> bytes:
    """A plain radiograph in GB18030; takes what :func:`ct` takes."""
    return ct(rows, columns, seed, **{"sop_class": CR, "modality": "CR", "charset": "GB18030"} | how)


def small(
    sop_class: str = SECONDARY_CAPTURE,
    modality: str = "OT",
    seed: int = 1,
    *,
    syntax: str = EXPLICIT,
    charset: str = "ISO_IR 192",
    study_uid: str | None = None,
    series_uid: str | None = None,
    sop_uid: str | None = None,
    patient_id: str | None = None,
    patient_name: str | None = None,
    study_date: str = "20240115",
    instance_number: int | None = None,
    changes: Mapping[int, tuple[str, Value] | None] | None = None,
) -> bytes:
    """An object of any class with the general modules only, and what ``changes`` adds."""
    body = _general(
        sop_class,
        modality,
        seed,
        charset,
        study_uid=study_uid,
        series_uid=series_uid,
        sop_uid=sop_uid,
        patient_id=patient_id,
        patient_name=patient_name,
        study_date=study_date,
        instance_number=instance_number,
    )
    return encode(merged(body, changes), syntax, PYTHON_CODECS[charset])


def _added(rows: Iterable[Row], how: dict[str, Any]) -> dict[int, tuple[str, Value] | None]:
    return {tag: (vr, value) for tag, vr, value in rows} | dict(how.pop("changes", None) or {})


def compressed(seed: int = 1, *, frames: int = 1, syntax: str = JPEG_BASELINE, **how: Any) -> bytes:
    """A colour picture as fragments, one a frame: code streams in outline (start, noise, end), not to be decoded."""
    codes = [b"\xff\xd8" + pixels(200 + 3 * frame, seed + frame) + b"\xff\xd9" for frame in range(frames)]
    offsets, at = [], 0
    for code in codes:
        offsets.append(at)
        at += 8 + len(code) + len(code) % 2
    extra = [(0x00280008, "IS", str(frames)), *_image(16, 16, 8, samples=3)]
    extra.append((0x7FE00010, "OB", Fragments(codes, offsets)))
    return small(seed=seed, syntax=syntax, changes=_added(extra, how), **how)


def multi_frame(rows: int = 16, columns: int = 16, frames: int = 4, seed: int = 1, **how: Any) -> bytes:
    """An ultrasound clip, not compressed."""
    extra = [(0x00280008, "IS", str(frames)), *_image(rows, columns, 8)]
    extra.append((0x7FE00010, "OB", pixels(rows * columns * frames, seed)))
    return small(US_MULTI_FRAME, "US", seed, changes=_added(extra, how), **how)


def structured_report(seed: int = 1, **how: Any) -> bytes:
    """A basic text SR whose content tree has sequences of undefined length, in Chinese."""
    finding = [
        (0x0040A010, "CS", "CONTAINS"),
        (0x0040A040, "CS", "TEXT"),
        (0x0040A043, "SQ", Undefined([_code("121071", "Finding")])),
        (0x0040A160, "UT", "两肺纹理清晰, 未见明显异常。"),
    ]
    extra = [
        (0x0040A040, "CS", "CONTAINER"),
        (0x0040A043, "SQ", [_code("126000", "Imaging Measurement Report")]),
        (0x0040A491, "CS", "COMPLETE"),
        (0x0040A493, "CS", "VERIFIED"),
        (0x0040A730, "SQ", Undefined([finding, finding])),
    ]
    return small(BASIC_TEXT_SR, "SR", seed, changes=_added(extra, how), **how)


def pdf(seed: int = 1, *, size_bytes: int = 2000, **how: Any) -> bytes:
    """A document in an object."""
    extra = [
        (0x00420010, "ST", "出院小结"),
        (0x00420011, "OB", b"%PDF-1.4\n" + pixels(size_bytes, seed)),
        (0x00420012, "LO", "application/pdf"),
    ]
    return small(ENCAPSULATED_PDF, "DOC", seed, changes=_added(extra, how), **how)


def value_of(data: bytes, tag: int, syntax: str = EXPLICIT) -> str:
    """The text of one of the first elements (short VRs, no sequence before it) of a data set made here."""
    order = ">" if syntax == BIG_ENDIAN else "<"
    form, skip = ("L", 4) if syntax == IMPLICIT else ("H", 6)
    at = 0
    while True:
        group, number = struct.unpack_from(order + "HH", data, at)
        (length,) = struct.unpack_from(order + form, data, at + skip)
        if group << 16 | number == tag:
            return data[at + 8 : at + 8 + length].decode("ascii").rstrip("\0 ")
        at += 8 + length


def part10(
    data: bytes,
    syntax: str = EXPLICIT,
    *,
    sop_class: str | None = None,
    sop_uid: str | None = None,
    source_ae_title: str = "",
) -> bytes:
    """The data set as a file; SOP class and instance are read from it unless given."""
    plain = zlib.decompress(data, -15) if syntax == DEFLATED else data
    rows: list[Row] = [
        (0x00020001, "OB", b"\0\1"),
        (0x00020002, "UI", sop_class or value_of(plain, 0x00080016, syntax)),
        (0x00020003, "UI", sop_uid or value_of(plain, 0x00080018, syntax)),
        (0x00020010, "UI", syntax),
        (0x00020012, "UI", uid(9, 9)),
        (0x00020013, "SH", "SAMPLES"),
    ]
    if source_ae_title:
        rows.append((0x00020016, "AE", source_ae_title))
    meta = encode(rows)
    return b"\0" * 128 + b"DICM" + encode([(0x00020000, "UL", len(meta))]) + meta + data
