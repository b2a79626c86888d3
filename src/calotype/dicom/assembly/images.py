"""Compressed frames: what their codestreams say, and in which transfer syntax they can be kept as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from calotype.dicom.assembly.filling import Nodes, Stated, describe, fill, mark_lossy
from calotype.dicom.assembly.media import BulkPart
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codec_table import CODECS
from calotype.dicom.pixels.codestreams.jpeg import SOF_LOSSLESS, SOF_LS, JpegHeader, read_jpeg
from calotype.dicom.pixels.codestreams.jpeg_2000 import jpeg_2000_codestream, read_jpeg_2000
from calotype.dicom.pixels.codestreams.jpeg_xl import read_jpeg_xl
from calotype.dicom.pixels.guard import check
from calotype.dicom.uids import RLE_LOSSLESS, transfer_syntax
from calotype.errors import InvalidRequest, Unsupported

MAX_STREAM_BYTES: Final = 256 * 1024 * 1024
"""A compressed frame is checked in memory."""

_BASE: Final = "1.2.840.10008.1.2.4."
_JPEG_2000_PART_2: Final = "ISO_15444_2"
_RGB_IDENTIFIERS: Final = tuple(b"RGB")
_COLOURS: Final = ("RGB", "YBR_FULL")


@dataclass(frozen=True, slots=True)
class _Read:
    """One codestream: the syntaxes it can be kept in, the best first, and what it says (nothing: of RLE)."""

    syntaxes: tuple[UID, ...]
    stated: Stated | None
    is_lossy: bool = False


def encapsulated(nodes: Nodes, parts: Sequence[BulkPart]) -> tuple[UID, list[memoryview]]:
    """Complete the metadata of an image in compressed frames; return its transfer syntax and the frames.

    Raises InvalidRequest (DamagedPixels) for frames that are cut off, contradict each other or the metadata;
    Unsupported for streams that no transfer syntax in use can hold.
    """
    first = _read(parts[0])
    named = {part.transfer_syntax for part in parts if part.transfer_syntax}
    if len(named) > 1 or not named <= set(first.syntaxes):
        raise InvalidRequest(
            f"the frames are in {_name(first.syntaxes[0])}, and the transfer-syntax parameter says "
            f"{' and '.join(sorted(_name(each) for each in named))}"
        )
    syntax = next(iter(named), first.syntaxes[0])
    description = fill(nodes, first.stated, len(parts)) if first.stated is not None else describe(nodes)
    if description.number_of_frames != len(parts):
        raise InvalidRequest(f"NumberOfFrames is {description.number_of_frames}, and {len(parts)} frames came")
    frames = []
    for part in parts:
        stream = _bytes(part)
        checked = check(stream, description, syntax)
        # The stream as it lies in the request, but for what a decoder must be given in another way (JPEG-LS).
        at = stream.find(checked)
        frames.append(part.content[at : at + len(checked)] if at >= 0 else memoryview(checked))
    if first.is_lossy:
        mark_lossy(nodes, CODECS[syntax].lossy_method or _JPEG_2000_PART_2, description, sum(map(len, frames)))
    return syntax, frames


def _read(part: BulkPart) -> _Read:
    stream = _bytes(part)
    family = _FAMILIES.get(part.media_type)
    if family is None:
        family = _family_of(part.transfer_syntax)
    return family(stream, part.transfer_syntax)


def _bytes(part: BulkPart) -> bytes:
    if len(part.content) > MAX_STREAM_BYTES:
        raise Unsupported(f"a compressed frame has {len(part.content)} bytes; {MAX_STREAM_BYTES} are taken")
    return bytes(part.content)


def _name(syntax: UID) -> str:
    return transfer_syntax(syntax).name[:64]


def _uids(*ends: str) -> tuple[UID, ...]:
    return tuple(UID(_BASE + end) for end in ends)


def _jpeg(stream: bytes, _named: UID) -> _Read:
    header = read_jpeg(stream)
    match header.process:
        case 0xC0:
            syntaxes, is_lossy = _uids("50", "51"), True
        case 0xC1:
            syntaxes, is_lossy = _uids("51"), True
        case 0xC3:
            # B.2.3: of lossless JPEG that is the predictor, and 1 has a transfer syntax of its own.
            syntaxes, is_lossy = _uids("70", "57") if header.near == 1 else _uids("57"), False
        case 0xC2:
            raise Unsupported("a progressive JPEG has no transfer syntax in use; send it as baseline JPEG")
        case _:
            raise Unsupported(f"no transfer syntax in use holds a JPEG of process ff{header.process:02x}")
    return _Read(syntaxes, _stated(header, _jpeg_colours(header)), is_lossy)


def _stated(header: JpegHeader, colours: tuple[str, ...]) -> Stated:
    samples = len(header.components)
    if samples == 1:
        return Stated(header.rows, header.columns, 1, header.precision)
    return Stated(header.rows, header.columns, samples, header.precision, colours=colours)


def _jpeg_colours(header: JpegHeader) -> tuple[str, ...]:
    """Return the colours that three components can be (PS3.5 8.2.1): Adobe's marker decides, then JFIF's."""
    if header.process == SOF_LOSSLESS:
        return _COLOURS
    coded = ("YBR_FULL_422", "YBR_FULL")
    if header.adobe_transform is not None or header.is_jfif:
        return ("RGB",) if header.adobe_transform == 0 and not header.is_jfif else coded
    is_rgb = tuple(each.identifier for each in header.components) == _RGB_IDENTIFIERS
    return ("RGB", *coded) if is_rgb else (*coded, "RGB")


def _jpeg_ls(stream: bytes, _named: UID) -> _Read:
    header = read_jpeg(stream)
    if header.process != SOF_LS:
        raise InvalidRequest("the stream is no JPEG-LS")
    return _Read(_uids("81") if header.near else _uids("80", "81"), _stated(header, _COLOURS), header.near > 0)


def _jpeg_2000(stream: bytes, named: UID) -> _Read:
    header = read_jpeg_2000(jpeg_2000_codestream(stream))
    first = header.components[0]
    colours = (
        (("YBR_RCT",) if header.is_reversible else ("YBR_ICT",)) if header.uses_component_transform else _COLOURS
    )
    samples = len(header.components)
    stated = Stated(header.rows, header.columns, samples, first.precision, first.is_signed)
    if samples > 1:
        stated = Stated(header.rows, header.columns, samples, first.precision, first.is_signed, colours)
    if header.is_high_throughput:
        syntaxes = _uids("201", "202", "203") if header.is_reversible else _uids("203")
    elif named in _uids("92", "93"):
        syntaxes = (named,)
    else:
        syntaxes = _uids("90", "91") if header.is_reversible else _uids("91")
    return _Read(syntaxes, stated, not header.is_reversible)


def _jpeg_xl(stream: bytes, named: UID) -> _Read:
    read_jpeg_xl(stream)
    # Whether anything was lost, and how many samples there are, is told deep inside only: the metadata must say so.
    syntax = named or _uids("112")[0]
    return _Read((syntax,), None, is_lossy=syntax not in _uids("110"))


def _rle(_stream: bytes, _named: UID) -> _Read:
    return _Read((RLE_LOSSLESS,), None)


_Reader = Callable[[bytes, UID], _Read]
_FAMILIES: Final[Mapping[str, _Reader]] = {
    "image/jpeg": _jpeg,
    **dict.fromkeys(("image/jls", "image/x-jls"), _jpeg_ls),
    **dict.fromkeys(("image/jp2", "image/j2k", "image/j2c", "image/jpx", "image/jph", "image/jphc"), _jpeg_2000),
    "image/jxl": _jpeg_xl,
    **dict.fromkeys(("image/dicom-rle", "image/x-dicom-rle"), _rle),
}
# By how keywords start, the longer first.
_BY_KEYWORD: Final[Mapping[str, _Reader]] = {
    "JPEGXL": _jpeg_xl, "JPEGLS": _jpeg_ls, "JPEG2000": _jpeg_2000, "HTJ2K": _jpeg_2000, "JPEG": _jpeg, "RLE": _rle,
}  # fmt: skip


def _family_of(syntax: UID) -> _Reader:
    keyword = transfer_syntax(syntax).keyword
    found = next((read for start, read in _BY_KEYWORD.items() if keyword.startswith(start)), None)
    if found is None:
        raise Unsupported(f"frames in {_name(syntax)} are taken in DICOM files only")
    return found
