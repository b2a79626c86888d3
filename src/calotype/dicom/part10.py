"""Reads what an archive must know of an object from its bytes, and reads and writes file meta information.

``scan`` gives a :class:`Header`: the indexed attributes as text, what is odd about them, and the DICOM JSON.
Structure is ``walk``'s business, JSON ``json_model``'s. Nothing here decides whether an object is kept.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Final

from calotype.dicom import evidence, json_model
from calotype.dicom.datasets import LONG_FORM, SHORT_FORM
from calotype.dicom.hierarchy import UID
from calotype.dicom.indexed import Oddity, collect
from calotype.dicom.json_model import Context
from calotype.dicom.repair import Evidence, Reading
from calotype.dicom.templates import Templates
from calotype.dicom.uids import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TransferSyntax,
)
from calotype.dicom.uids import transfer_syntax as syntax_of
from calotype.dicom.walk import NeedMore, Token, Walk
from calotype.errors import InvalidRequest

ReadableBuffer = bytes | bytearray | memoryview

_COPIED_BYTES: Final = 256 * 1024
"""Buffers up to this size are copied once, as bytes are cut much faster than views; larger ones are walked over."""

MAX_INFLATED_BYTES: Final = 2 * 1024 * 1024 * 1024
"""A deflated data set may inflate to this much; a kilobyte of hostile input makes a megabyte."""
_INFLATED_PREFIXES_BYTES: Final = (4 * 1024 * 1024, 64 * 1024 * 1024, 256 * 1024 * 1024)
"""How much of an inflated data set is kept to find its header in, tried in this order."""

_DEFLATED_CHUNK_BYTES: Final = 256 * 1024
_INFLATED_CHUNK_BYTES: Final = 1024 * 1024

_PIXEL_DATA: Final = 0x7FE00010

_templates: Final = Templates()


@dataclass(frozen=True, slots=True)
class Header:
    """What a data set says of itself, bulk data left out.

    ``attributes``: the indexed attributes that have a value (computed ones left out), as text, trimmed.
    ``oddities``: what is odd about the structure and those attributes. ``pixel_data_offset``: where the value of
    Pixel Data starts in the data set, ``None`` without Pixel Data and in a deflated data set. :meth:`json` and
    :meth:`evidence` read the buffer that was scanned, so call them while that is valid.
    """

    attributes: dict[str, str]
    oddities: frozenset[Oddity]
    pixel_data_offset: int | None
    _json: Callable[[], bytes] = field(repr=False)
    _evidence: Callable[[], Evidence] = field(repr=False)

    def json(self) -> bytes:
        """Return the data set as a DICOM JSON object (PS3.18 Annex F), UTF-8, bulk data as relative URIs."""
        return self._json()

    def evidence(self) -> Evidence:
        """Return the values that can tell which character sets the text is in (``repair``).

        There are none where :meth:`json` is ASCII; ask only otherwise. Not for a header read by a ``reading``.
        """
        return self._evidence()


def scan(
    data: ReadableBuffer,
    transfer_syntax: UID,
    *,
    data_bytes: int,
    templates: Templates | None = _templates,
    reading: Reading | None = None,
) -> Header:
    """Read the header of a data set of ``data_bytes`` bytes, of which ``data`` is a prefix or all.

    Raises NeedMore when the prefix does not reach far enough (call again with a view of everything), InvalidRequest
    when the data set is truncated ("truncated: element (7FE0,0010) PixelData needs X bytes, Y are left") or is none.
    ``templates`` make it faster and change nothing; without them everything is walked over. ``reading`` says how text
    is read that is not in its declared set.
    """
    how = syntax_of(transfer_syntax)
    if how.deflated and not _starts_explicit(data):
        if len(data) < data_bytes:
            raise NeedMore
        return _scan_deflated(data, how, reading)
    buffer = _as_buffer(data)
    if bytes(buffer[128:134]) == b"DICM\x02\0":
        raise InvalidRequest("a Part 10 file stands where a data set should: send what follows its meta information")
    if how.deflated:
        return _damaged(_walked(buffer, data_bytes, how, reading))
    if templates is not None and how.little_endian:
        recalled = templates.recall(buffer, data_bytes, explicit=how.explicit_vr, reading=reading)
        if recalled is not None:
            offset = _pixel_data_offset(recalled.rest)
            return Header(recalled.attributes, frozenset(recalled.oddities), offset, recalled.json, recalled.evidence)
    return _walked(buffer, data_bytes, how, reading, templates)


def _as_buffer(data: ReadableBuffer) -> bytes | memoryview:
    if isinstance(data, bytes):
        return data
    if len(data) <= _COPIED_BYTES:
        return bytes(data)
    return memoryview(data).cast("B").toreadonly()


def _walked(
    buffer: bytes | memoryview,
    data_bytes: int,
    how: TransferSyntax,
    reading: Reading | None,
    learner: Templates | None = None,
) -> Header:
    walk = Walk(buffer, data_bytes, explicit=how.explicit_vr, little=how.little_endian)
    tokens = walk.top()
    context = Context.around(reading, little=walk.little).within(walk, tokens)
    attributes, oddities = collect(walk, tokens, context)
    if walk.odd_length:
        oddities.add(Oddity.ODD_LENGTH)
    if walk.damaged:
        oddities.add(Oddity.HEADER_DAMAGED)
    if learner is not None:
        learner.learn(walk, tokens, context)
    document = partial(json_model.to_json, walk, tokens, context)
    told = partial(evidence.collect, walk, tokens, context)
    return Header(attributes, frozenset(oddities), _pixel_data_offset(tokens), document, told)


def _pixel_data_offset(tokens: list[Token]) -> int | None:
    for token in reversed(tokens):
        if token[0] == _PIXEL_DATA:
            return token[3]
    return None


def _damaged(header: Header) -> Header:
    return replace(header, oddities=header.oddities | {Oddity.HEADER_DAMAGED})


def _starts_explicit(data: ReadableBuffer) -> bool:
    """Tell whether a data set begins with an element of explicit VR; some senders only claim that they deflated."""
    head = bytes(data[:8])
    return head[:2] in {b"\x02\0", b"\x04\0", b"\x08\0"} and head[4:6].decode("latin-1") in SHORT_FORM | LONG_FORM


def _scan_deflated(data: ReadableBuffer, how: TransferSyntax, reading: Reading | None) -> Header:
    """Scan what a deflated data set inflates to (PS3.5 A.5), keeping only as much of it as its header needs."""
    for keep_bytes in _INFLATED_PREFIXES_BYTES:
        prefix, total_bytes, wrapped = _inflate(data, keep_bytes)
        try:
            header = replace(_walked(prefix, total_bytes, how, reading), pixel_data_offset=None)
        except NeedMore:
            continue
        return _damaged(header) if wrapped else header
    raise InvalidRequest(f"the header of the deflated data set takes more than {_INFLATED_PREFIXES_BYTES[-1]} bytes")


def _inflate(data: ReadableBuffer, keep_bytes: int) -> tuple[bytes, int, bool]:
    """Inflate all, keep the first bytes; return them, the size of all, and whether a zlib header stood in front.

    PS3.5 A.5 wants a raw stream (RFC 1951); senders that call a zlib library's defaults send one with a header.
    """
    view = memoryview(data).cast("B")
    for window_bits, wrapped in ((-zlib.MAX_WBITS, False), (zlib.MAX_WBITS, True)):
        inflater = zlib.decompressobj(window_bits)
        kept: list[bytes] = []
        total = 0
        pending: bytes | memoryview = b""
        position = 0
        try:
            while not inflater.eof:
                if not pending:
                    pending = view[position : position + _DEFLATED_CHUNK_BYTES]
                    position += _DEFLATED_CHUNK_BYTES
                fed = len(pending)
                piece = inflater.decompress(pending, _INFLATED_CHUNK_BYTES)
                pending = inflater.unconsumed_tail
                if not fed and not piece:
                    break
                if total < keep_bytes:
                    kept.append(piece[: keep_bytes - total])
                total += len(piece)
                if total > MAX_INFLATED_BYTES:
                    raise InvalidRequest(f"the deflated data set inflates to more than {MAX_INFLATED_BYTES} bytes")
        except zlib.error as error:
            if wrapped:
                raise InvalidRequest(f"the data set is not deflated as its transfer syntax says: {error}") from None
            continue
        if not inflater.eof:
            raise InvalidRequest(f"truncated: the deflated data set of {len(view)} bytes does not come to its end")
        return b"".join(kept), total, wrapped
    raise AssertionError("the second turn returns or raises")  # pragma: no cover


@dataclass(frozen=True, slots=True)
class Private:
    """Private Information (0002,0102) of a file, and the UID (0002,0100) of who knows what it means."""

    creator: UID
    information: bytes


@dataclass(frozen=True, slots=True)
class FileMeta:
    """File meta information (PS3.10 Table 7.1-1); the data set starts at ``data_offset`` bytes of the file.

    What the file does not say is empty, but the transfer syntax: that is then read off the data set's first bytes.
    """

    sop_class: UID
    sop_instance: UID
    transfer_syntax: UID
    source_ae_title: str
    data_offset: int
    private: Private | None = None


_PREAMBLE_BYTES: Final = 128
_PREFIX: Final = b"DICM"
_META_START: Final = b"\0" * _PREAMBLE_BYTES + _PREFIX
_MAX_UI_BYTES: Final = 0xFFFE
_MAX_META_BYTES: Final = 1024 * 1024
"""Private Information (0002,0102) may be long, but nobody needs more; a hostile length must not make us wait."""


def read_file_meta(prefix: ReadableBuffer) -> FileMeta | None:
    """Read file meta information; ``None`` when more bytes are needed.

    The group is read to its end whatever its length element says, since programs that edit files forget to adapt it.
    InvalidRequest when it is no Part 10 file: neither ``DICM`` after 128 bytes, nor (as some old writers do) file
    meta information from the first byte.
    """
    start = _meta_start(prefix)
    if start is None:
        return None
    view = bytes(prefix[: start + _MAX_META_BYTES])
    values: dict[int, bytes] = {}
    pos = start
    while True:
        if len(view) < pos + 8:
            if len(view) >= start + _MAX_META_BYTES:
                raise InvalidRequest(f"file meta information takes more than {_MAX_META_BYTES} bytes")
            return None
        if view[pos : pos + 2] != b"\x02\0":
            break
        element, vr = struct.unpack_from("<H2s", view, pos + 2)
        name = vr.decode("latin-1")
        value_at = pos + 8
        if name in LONG_FORM:
            if len(view) < pos + 12:
                return None
            (length,) = struct.unpack_from("<L", view, pos + 8)
            value_at = pos + 12
        elif name in SHORT_FORM:
            (length,) = struct.unpack_from("<H", view, pos + 6)
        else:
            # PS3.10 7.1 wants explicit VR; some writers put the group in the implicit VR of their data set.
            (length,) = struct.unpack_from("<L", view, pos + 4)
        if length > _MAX_META_BYTES:
            raise InvalidRequest(f"element (0002,{element:04X}) of the file meta information claims {length} bytes")
        pos = value_at + length
        values[element] = view[value_at:pos]
    return _file_meta(values, view, pos)


def _meta_start(prefix: ReadableBuffer) -> int | None:
    """Return where group 0002 starts, ``None`` when more bytes are needed to know."""
    head = bytes(prefix[: _PREAMBLE_BYTES + 4])
    if head[_PREAMBLE_BYTES:] == _PREFIX:
        return _PREAMBLE_BYTES + 4
    if head.startswith(_PREFIX):
        return 4
    if head[:8] == b"\x02\0\0\0UL\4\0":
        return 0
    if len(head) < _PREAMBLE_BYTES + 4:
        return None
    raise InvalidRequest("not a DICOM Part 10 file: no DICM after the first 128 bytes")


def _file_meta(values: dict[int, bytes], view: bytes, data_offset: int) -> FileMeta:
    def text_of(element: int) -> str:
        return values.get(element, b"").decode("latin-1").strip(" \0")

    if not values:
        raise InvalidRequest("not a DICOM Part 10 file: no file meta information after DICM")
    syntax = UID(text_of(0x0010))
    if not syntax:
        syntax = guess_transfer_syntax(view[data_offset : data_offset + 8])
    creator = UID(text_of(0x0100))
    private = Private(creator, values.get(0x0102, b"")) if creator else None
    return FileMeta(UID(text_of(0x0002)), UID(text_of(0x0003)), syntax, text_of(0x0016), data_offset, private)


def guess_transfer_syntax(first_bytes: bytes) -> UID:
    """Return the native transfer syntax that a data set's first 8 bytes speak for; by default the Standard's default.

    Fragments, if any, are found by their undefined length whatever this says.
    """
    if first_bytes[4:6].decode("latin-1") in SHORT_FORM | LONG_FORM:
        return EXPLICIT_VR_BIG_ENDIAN if first_bytes[:1] == b"\0" else EXPLICIT_VR_LITTLE_ENDIAN
    return IMPLICIT_VR_LITTLE_ENDIAN


def write_file_meta(
    sop_class: UID,
    sop_instance: UID,
    transfer_syntax: UID,
    *,
    source_ae_title: str = "",
    private: Private | None = None,
) -> bytes:
    """Return preamble, ``DICM`` and file meta information for a data set that follows (PS3.10 7.1).

    UIDs that are not UIDs are written as they are: the file says what its data set says. Raises InvalidRequest for
    one that no UI element can hold.
    """
    instance = sop_instance.encode("utf-8")
    before, after = _constant_meta(sop_class, transfer_syntax, source_ae_title)
    if private is not None:
        after += _element(0x0100, b"UI", private.creator.encode("ascii"))
        after += _element(0x0102, b"OB\0\0", private.information)
    if len(instance) > _MAX_UI_BYTES:
        raise _fits_no_file("Instance", sop_instance)
    element = _element(0x0003, b"UI", instance)
    length = _element(0x0000, b"UL", struct.pack("<L", len(before) + len(element) + len(after)))
    return b"".join((_META_START, length, before, element, after))


@lru_cache(maxsize=256)
def _constant_meta(sop_class: UID, transfer_syntax: UID, source_ae_title: str) -> tuple[bytes, bytes]:
    """Return the elements before and after the SOP Instance UID; they are the same from object to object."""
    class_uid = sop_class.encode("utf-8")
    if len(class_uid) > _MAX_UI_BYTES:
        raise _fits_no_file("Class", sop_class)
    before = _element(0x0001, b"OB\0\0", b"\0\1") + _element(0x0002, b"UI", class_uid)
    elements = [
        _element(0x0010, b"UI", transfer_syntax.encode("utf-8")),
        _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode("ascii")),
        _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode("ascii")),
    ]
    if source_ae_title:
        elements.append(_element(0x0016, b"AE", source_ae_title.encode("utf-8")))
    return before, b"".join(elements)


def _fits_no_file(name: str, uid: UID) -> InvalidRequest:
    return InvalidRequest(f"a SOP {name} UID of {len(uid)} characters fits no file: it may have 64")


def _element(number: int, vr: bytes, value: bytes) -> bytes:
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    form = "<L" if len(vr) == 4 else "<H"
    return struct.pack("<HH", 0x0002, number) + vr + struct.pack(form, len(value)) + value


__all__ = [
    "FileMeta",
    "Header",
    "NeedMore",
    "Oddity",
    "Private",
    "guess_transfer_syntax",
    "read_file_meta",
    "scan",
    "write_file_meta",
]
