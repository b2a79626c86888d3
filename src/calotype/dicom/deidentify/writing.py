"""A plan carried out: the bytes of a data set without its patient, laid out as the original.

Elements that stay keep their bytes, and a sequence in which nothing changes keeps its own; where something does, its
items are written with defined lengths. Bulk of numbers flows by as ranges of the source.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from calotype.dicom.datasets import LONG_FORM, UNDEFINED_LENGTH, Element, swap
from calotype.dicom.deidentify import dummies
from calotype.dicom.deidentify.plan import Node, Part
from calotype.dicom.deidentify.table import Action
from calotype.dicom.deidentify.values import Values
from calotype.dicom.json_model import resolve
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.walk import PIXEL_DATA, Token, Walk
from calotype.errors import Unsupported

Piece = bytes | range

_ITEM_HEAD: Final = {True: struct.Struct("<HHL").pack, False: struct.Struct(">HHL").pack}
_CONTENT, _GRAPHICS, _TEXT_OBJECTS = 0x0040A730, 0x00700001, 0x00700008
_REPLACED: Final = dummies.SEQUENCES.keys() - {_CONTENT}
_VALUE_TYPE: Final = 0x0040A040
_REFERENCES: Final = frozenset({b"IMAGE", b"COMPOSITE", b"WAVEFORM"})
_NUMBERS: Final = frozenset({"OF", "OD", "OL", "OV", "OW", "OB/OW", "US/OW", "US/SS/OW", "FL", "FD"})
_MAX_SHORT_BYTES: Final = 0xFFFE
_FLOWING_BYTES: Final = 64 * 1024
"""Numbers above this size tell no name and are not held."""


class Writer:
    """Writes one data set. Used once.

    ``keeps_references``: where content is replaced, items that refer to other objects stay (a selection of objects).
    """

    def __init__(self, walk: Walk, values: Values, *, keeps_references: bool) -> None:
        self._walk = walk
        self._values = values
        self._keeps_references = keeps_references

    def elements(self, part: Part) -> dict[int, list[Piece]]:
        """Return what each element of the data set becomes, by tag; what goes is not there."""
        written: dict[int, list[Piece]] = {}
        for node in part.nodes:
            tag, _, pos, _, end = node.token
            # In items even bulk is held: what is looked over afterwards must be whole.
            pieces: list[Piece] = [range(pos, end)] if self._flows(node) else self._written(node, part)
            if pieces:
                written[tag] = pieces
        return written

    def element(self, element: Element, *, explicit: bool) -> bytes:
        """Return an element laid out as the data set is."""
        vr = element.vr
        if isinstance(element.value, tuple):
            items = []
            for item in element.value:
                content = b"".join(self.element(each, explicit=explicit) for each in item)
                items += [self._item_head(len(content)), content]
            value, vr = b"".join(items), "SQ"
        else:
            value = element.value if self._walk.little else swap(vr, element.value)
        return self._head(element.tag, vr, len(value), explicit=explicit) + value

    def _written(self, node: Node, part: Part) -> list[Piece]:
        """Return what an element becomes; the range of the original where nothing changes."""
        tag, vr, pos, start, end = node.token
        if vr in SEQUENCES:
            return self._sequence(node, part)
        if node.action is Action.KEEP:
            return [bytes(self._walk.data[pos:end])]
        old = bytes(self._walk.data[start:end])
        resolved = resolve(vr, part.context)
        new = self._values.new(tag, resolved, old, part.context.charsets, (node.action, node.fallback))
        if new is None or (part.explicit and resolved not in LONG_FORM and len(new) > _MAX_SHORT_BYTES):
            return []
        if new == old:
            return [bytes(self._walk.data[pos:end])]
        return [self._head(tag, resolved, len(new), explicit=part.explicit) + new]

    def _flows(self, node: Node) -> bool:
        """Tell whether an element of the data set itself passes as it is, without being looked into."""
        tag, vr, pos, _, end = node.token
        if node.action is not Action.KEEP:
            return False
        return tag in PIXEL_DATA or (vr in _NUMBERS and not tag >> 16 & 1 and end - pos > _FLOWING_BYTES)

    def _sequence(self, node: Node, part: Part) -> list[Piece]:
        tag, _, pos, _, end = node.token
        if node.action is Action.REMOVE:
            return []
        if node.action is Action.EMPTY:
            return [self._sequence_head(node.token, 0)]
        items = [self._item(item, node) for item in node.items]
        kept = [item for item in items if item is not None]
        if node.action is Action.DUMMY and not kept:
            make = dummies.SEQUENCES.get(tag)
            return [self.element(Element(tag, "SQ", make()), explicit=part.explicit)] if make is not None else []
        if not self._walk.damaged and len(kept) == len(items) and not any(changed for _, changed in kept):
            return [bytes(self._walk.data[pos:end])]
        body: list[Piece] = []
        for pieces, _ in kept:
            body += [self._item_head(_size(pieces)), *pieces]
        return [self._sequence_head(node.token, _size(body)), *body]

    def _item(self, part: Part, sequence: Node) -> tuple[list[Piece], bool] | None:
        """Return what an item becomes, and whether that differs; ``None``: it goes with its sequence's action."""
        tag = sequence.token[0]
        if sequence.action is Action.DUMMY and (tag in _REPLACED or not self._stays(part, tag)):
            return None
        pieces: list[Piece] = []
        changed = False
        for node in part.nodes:
            written = self._written(node, part)
            _, _, pos, _, end = node.token
            changed = changed or _size(written) != end - pos or not self._is_same(written, pos, end)
            pieces += written
        return pieces, changed

    def _is_same(self, written: Sequence[Piece], pos: int, end: int) -> bool:
        at = pos
        for piece in written:
            if isinstance(piece, range):
                same = piece.start == at
            else:
                same = bytes(self._walk.data[at : at + len(piece)]) == piece
            if not same:
                return False
            at += len(piece)
        return at == end

    def _stays(self, part: Part, tag: int) -> bool:
        """Tell whether an item may stay though its sequence is to be a dummy: references, and emptied texts."""
        tokens = {node.token[0]: node.token for node in part.nodes}
        if tag == _CONTENT:
            told = tokens.get(_VALUE_TYPE)
            return (
                self._keeps_references
                and told is not None
                and bytes(self._walk.data[told[3] : told[4]]).strip(b" \0") in _REFERENCES
            )
        return tag != _GRAPHICS or _TEXT_OBJECTS in tokens

    def _head(self, tag: int, vr: str, length: int, *, explicit: bool) -> bytes:
        order = "<" if self._walk.little else ">"
        group, number = tag >> 16, tag & 0xFFFF
        if not explicit:
            return struct.pack(order + "HHL", group, number, length)
        name = vr.encode("ascii")
        if vr in LONG_FORM:
            return struct.pack(order + "HH2sHL", group, number, name, 0, length)
        return struct.pack(order + "HH2sH", group, number, name, length)

    def _sequence_head(self, token: Token, length: int) -> bytes:
        """Return a sequence's header as it was (one may be UN), with another length."""
        if length >= UNDEFINED_LENGTH:
            raise Unsupported("a sequence grows beyond 4 GiB")
        order = "<" if self._walk.little else ">"
        return bytes(self._walk.data[token[2] : token[3] - 4]) + struct.pack(order + "L", length)

    def _item_head(self, length: int) -> bytes:
        if length >= UNDEFINED_LENGTH:
            raise Unsupported("an item grows beyond 4 GiB")
        return _ITEM_HEAD[self._walk.little](0xFFFE, 0xE000, length)


def _size(pieces: Sequence[Piece]) -> int:
    return sum(map(len, pieces))
