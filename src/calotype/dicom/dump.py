"""A data set as lines for people: every element, sequences indented, long values shortened.

For looking at, not for reading back: that is what DICOM JSON is for. Nothing of a bulk value is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from calotype.dicom import dictionary, text
from calotype.dicom.datasets import NUMBER_CODES, WORD_BYTES
from calotype.dicom.json_model import Context, resolve, unpack
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.uids import SOP_CLASSES, TRANSFER_SYNTAXES
from calotype.dicom.walk import BULK_VRS, FRAGMENTS, Token, Walk

_SHOWN_NUMBERS: Final = 16
_SHOWN_BYTES: Final = 1024
_MAX_DEPTH: Final = 32


def lines(walk: Walk, *, width: int = 80) -> Iterator[str]:
    """Yield one line for each element; a value takes up to ``width`` characters, and no control characters.

    Raises what ``Walk.top`` does. What is damaged inside a sequence ends that sequence.
    """
    tokens = walk.top()
    yield from _lines(walk, tokens, Context.around(None, little=walk.little).within(walk, tokens), 0, width)


def _lines(walk: Walk, tokens: list[Token], context: Context, depth: int, width: int) -> Iterator[str]:
    for token in tokens:
        tag, vr, _, start, end = token
        shown = "SQ" if vr in SEQUENCES else resolve(vr, context)
        head = f"{'  ' * depth}({tag >> 16:04X},{tag & 0xFFFF:04X}) {shown}"
        name = dictionary.keyword_of(tag) or ("Private" if dictionary.is_private(tag) else "Unknown")
        if vr not in SEQUENCES:
            yield f"{head} {name} {_value(walk, token, shown, context, width)}".rstrip()
            continue
        yield f"{head} {name} {end - start} bytes"
        if depth == _MAX_DEPTH:
            yield f"{'  ' * (depth + 1)}(deeper levels are not shown)"
            continue
        for number, item in enumerate(walk.items(token), 1):
            yield f"{'  ' * (depth + 1)}item {number}"
            yield from _lines(walk, item, context.within(walk, item), depth + 2, width)


def _value(walk: Walk, token: Token, vr: str, context: Context, width: int) -> str:
    _, how, _, start, end = token
    if how == FRAGMENTS:
        return f"= fragments, {end - start} bytes"
    if how in BULK_VRS or vr in BULK_VRS:
        return f"= {end - start} bytes"
    raw = bytes(walk.data[start : min(end, start + _SHOWN_BYTES)])
    if vr in NUMBER_CODES:
        numbers = unpack(raw, vr, context)[:_SHOWN_NUMBERS]
        shown = "\\".join(f"{number:.9g}" if isinstance(number, float) else str(number) for number in numbers)
        return _short(f"= {shown}", width, is_cut=(end - start) // WORD_BYTES[vr] > len(numbers))
    if vr == "AT":
        order = "little" if walk.little else "big"
        words = [int.from_bytes(raw[at : at + 2], order) for at in range(0, len(raw) - 1, 2)]  # type: ignore[arg-type]
        pairs = zip(words[::2], words[1::2], strict=False)
        return _short("= " + "\\".join(f"({group:04X},{element:04X})" for group, element in pairs), width)
    value = text.decode_declared(raw, context.charsets, vr)[0].strip(" \0")
    meaning = _meaning(value) if vr == "UI" else ""
    return _short(f"= {value}", width, is_cut=end - start > len(raw)) + (f" ({meaning})" if meaning else "")


def _meaning(uid: str) -> str:
    known = SOP_CLASSES.get(uid) or TRANSFER_SYNTAXES.get(uid)  # type: ignore[call-overload]
    return known.name if known is not None else ""


def _short(value: str, width: int, *, is_cut: bool = False) -> str:
    # A value may hold anything: what a terminal would obey is shown as a dot.
    printable = "".join(char if char.isprintable() else "." for char in value[: width + 1])
    return printable[:width] + "..." if is_cut or len(printable) > width else printable
