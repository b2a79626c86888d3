"""What happens to each element of one data set, items included; and what is learned from those that go.

A plan is made before anything is written, as texts can be cleaned only when every name is known. It reads elements
where they lie; writing is for ``writing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from calotype.dicom import dictionary, text
from calotype.dicom.deidentify import dummies
from calotype.dicom.deidentify.known import Known
from calotype.dicom.deidentify.options import Option
from calotype.dicom.deidentify.table import Action, rule_of, safe_private, type_of
from calotype.dicom.hierarchy import UID
from calotype.dicom.json_model import Context
from calotype.dicom.layout import SEQUENCES, VRS
from calotype.dicom.walk import Token, Walk

_MAX_LEARNED_BYTES: Final = 4096

SafePrivate = frozenset[tuple[str, int, int]]

_OVERLAY_DATA, _OVERLAY_TYPE = 0x3000, 0x0040
_CONTENT: Final = 0x0040A730
_GRAPHIC_OBJECTS: Final = frozenset({0x00700009, 0x00700209})
_BEYOND_THE_TABLE: Final = {
    0x00080051: Action.REMOVE,
    0x00100024: Action.REMOVE,
    0x00100026: Action.REMOVE,
    0x00100027: Action.REMOVE,
    0x00400026: Action.REMOVE,
    0x00400027: Action.REMOVE,
    0x0040A160: Action.DUMMY,
    0x00700006: Action.DUMMY,
}
"""What stands in no row, and may not stay: who issued numbers that are gone, the IDs of patients in groups; and Text
Value and Unformatted Text Value, as the table has whole sequences replaced around them, which stay when cleaned."""

_PLACES: Final = frozenset(
    {0x00181000, 0x00080080, 0x00081010, 0x00081040, 0x00400242, 0x00400243, 0x00400011, 0x00321020}
)

IDENTIFYING: Final = frozenset(
    {
        0x00080050, 0x00080081, 0x00080092, 0x00080094, 0x00100020, 0x00100021, 0x00101000,
        0x00101040, 0x00101090, 0x00102154, 0x00102155, 0x00102299, 0x00120040, 0x00120042, 0x00200010,
        0x00380010, 0x00380011, 0x00380060, 0x00380300, 0x00380400, 0x00400009, 0x00400253, 0x00401001, 0x00401101,
        0x00401102, 0x00401103, 0x00401104, 0x00401400, 0x00402009, 0x00402010, 0x00402016, 0x00402017, 0x00400551,
        0x00400512, 0x00400560, 0x0040A075, 0x0040A123, 0x00420010,
    }
)  # fmt: skip
"""Attributes whose values are looked for in what is left, besides all names, dates and UIDs that go: identifiers of
patient, order and visit, addresses, telephone numbers, institutions, serial numbers."""
_PERSON_ATTRIBUTES: Final = 0x0010
"""The group whose remaining identifiers are looked for, too, when they are of kind LO or SH."""
_CHARACTERISTICS: Final = frozenset(
    {0x00102160, 0x00102180, 0x001021A0, 0x001021C0, 0x001021F0, 0x00102110, 0x00102000, 0x00102203, 0x00101021}
    | {0x00101081, 0x00101080, 0x00102152, 0x00102150, 0x00102201, 0x00102202, 0x00102292, 0x00104000, 0x001021B0}
)
"""Of that group what is a word of everybody's: allergies, occupation, ethnic group, species, country."""


@dataclass(slots=True)
class Node:
    """One element and what happens to it: ``fallback`` where cleaning cannot be done. ``items`` of a sequence."""

    token: Token
    action: Action
    fallback: Action = Action.REMOVE
    items: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """A data set or item: its elements, in which context their values stand, and how their headers are laid out."""

    nodes: Sequence[Node]
    context: Context
    explicit: bool


@lru_cache(maxsize=8192)
def decided(tag: int, sop_class: UID, sequence: int | None, options: frozenset[Option]) -> tuple[Action, Action]:
    """Return what happens to a standard attribute, and what does where it cannot be cleaned."""
    beyond = _BEYOND_THE_TABLE.get(tag)
    if beyond is not None:
        return beyond, beyond
    rule = rule_of(tag)
    if rule is None:
        # What neither table nor dictionary knows may hold anything.
        action = Action.KEEP if dictionary.lookup(tag) is not None else Action.REMOVE
        return action, action
    basic = rule.resolved(type_of(tag, sop_class, sequence) if "/" in rule.basic else None)
    return rule.chosen(options) or basic, basic


class Planner:
    """Plans one data set; ``known`` learns. Used once."""

    def __init__(
        self, walk: Walk, sop_class: UID, options: frozenset[Option], known: Known, safe: SafePrivate = frozenset()
    ) -> None:
        self._walk = walk
        self._sop_class = sop_class
        self._options = options
        self._known = known
        self._safe = safe | safe_private() if Option.RETAIN_SAFE_PRIVATE in options else frozenset()
        self._keeps_graphics = Option.CLEAN_GRAPHICS in options
        self._kept_on_purpose: list[tuple[str, str]] = []

    def plan(self, tokens: Sequence[Token], around: Context) -> Part:
        """Return what happens to the data set."""
        part = self._part(tokens, around, None, explicit=self._walk.explicit)
        for vr, kept in self._kept_on_purpose:
            (self._known.forget_date if vr in {"DA", "DT"} else self._known.forget_place)(kept)
        return part

    def _part(
        self,
        tokens: Sequence[Token],
        around: Context,
        sequence: int | None,
        *,
        explicit: bool,
        removes_all: bool = False,
    ) -> Part:
        context = around.within(self._walk, tokens)
        private = self._private_kept(tokens) if self._safe and not removes_all else frozenset()
        overlays = self._overlays_kept(tokens)
        nodes = []
        for token in tokens:
            tag = token[0]
            group = tag >> 16
            fallback = Action.REMOVE
            if removes_all or tag & 0xFFFF == 0:
                action = Action.REMOVE
            elif group & 1:
                action = Action.KEEP if tag in private else Action.REMOVE
            elif (group >> 8 == 0x60 and group not in overlays) or (
                tag in _GRAPHIC_OBJECTS and not self._keeps_graphics
            ):
                action = Action.REMOVE
            else:
                action, fallback = decided(tag, self._sop_class, sequence, self._options)
            node = Node(token, action, fallback)
            if token[1] in SEQUENCES:
                self._descend(node, context, removes_all=removes_all or action is Action.REMOVE)
            elif action is not Action.KEEP:
                self._learn(token, context)
            elif self._options and (rule := rule_of(tag)) is not None and rule.chosen(self._options) is Action.KEEP:
                raw = bytes(self._walk.data[token[3] : min(token[4], token[3] + _MAX_LEARNED_BYTES)])
                self._kept_on_purpose.append((token[1], text.decode(raw, context.charsets, token[1])))
            nodes.append(node)
        return Part(nodes, context, explicit)

    def _descend(self, node: Node, context: Context, *, removes_all: bool) -> None:
        """Plan the items; of a sequence that goes they are read, too, for what can be learned."""
        tag, vr, *_ = node.token
        # What is emptied or replaced by other items is gone as well.
        is_replaced = node.action is Action.DUMMY and tag in dummies.SEQUENCES and tag != _CONTENT
        gone = removes_all or is_replaced or node.action is Action.EMPTY
        for tokens in self._walk.items(node.token):
            explicit = vr == "SQ" and self._walk.explicit
            if self._walk.damaged:
                explicit = self._looks_explicit(tokens)
            node.items.append(self._part(tokens, context, tag, explicit=explicit, removes_all=gone))

    def _looks_explicit(self, tokens: Sequence[Token]) -> bool:
        """Tell how an item of a damaged data set is laid out; some mix both."""
        data = self._walk.data
        return bool(tokens) and all(
            start - pos == 12 or bytes(data[pos + 4 : pos + 6]) in VRS for _, _, pos, start, _ in tokens
        )

    def _private_kept(self, tokens: Sequence[Token]) -> frozenset[int]:
        """Return the private elements that are safe, with the elements that reserve their blocks (PS3.5 7.8.1)."""
        creators: dict[tuple[int, int], tuple[int, str]] = {}
        kept: set[int] = set()
        safe = self._safe | self._declared_safe(tokens)
        for tag, _, _, start, end in tokens:
            group, element = tag >> 16, tag & 0xFFFF
            if not group & 1:
                continue
            if 0x10 <= element <= 0xFF:
                name = bytes(self._walk.data[start : min(end, start + 64)]).decode("latin-1").strip(" \0")
                creators[group, element] = tag, name
                continue
            block = creators.get((group, element >> 8))
            if block is not None and (block[1], group, element & 0xFF) in safe:
                kept |= {tag, block[0]}
        return frozenset(kept)

    def _declared_safe(self, tokens: Sequence[Token]) -> SafePrivate:
        """Return what the data set says to be safe: Private Data Element Characteristics Sequence (PS3.3 C.12.1)."""
        declared = set()
        for token in tokens:
            if token[0] == 0x00080300 and token[1] in SEQUENCES:
                for item in self._walk.items(token):
                    declared |= self._safe_block(item)
        return frozenset(declared)

    def _safe_block(self, item: Sequence[Token]) -> set[tuple[str, int, int]]:
        values = {tag: bytes(self._walk.data[start : min(end, start + 1024)]) for tag, _, _, start, end in item}
        order = "little" if self._walk.little else "big"
        group = int.from_bytes(values.get(0x00080301, b"")[:2], order)  # type: ignore[arg-type]
        creator = values.get(0x00080302, b"").decode("latin-1").strip(" \0")
        status = values.get(0x00080303, b"").decode("latin-1").strip(" \0")
        if status == "SAFE":
            return {(creator, group, element) for element in range(0x100)}
        listed = values.get(0x00080304, b"") if status == "MIXED" else b""
        numbers = (int.from_bytes(listed[at : at + 2], order) for at in range(0, len(listed) - 1, 2))  # type: ignore[arg-type]
        return {(creator, group, number & 0xFF) for number in numbers}

    def _overlays_kept(self, tokens: Sequence[Token]) -> frozenset[int]:
        """Return the groups of overlays that stay: regions of interest, where graphics are cleaned and not removed.

        What an overlay of graphics draws may be text; without its data the rest of a group makes no sense.
        """
        if not self._keeps_graphics:
            return frozenset()
        return frozenset(
            tag >> 16
            for tag, _, _, start, end in tokens
            if tag >> 24 == 0x60
            and tag & 0xFFFF == _OVERLAY_TYPE
            and bytes(self._walk.data[start:end]).strip(b" \0") == b"R"
        )

    def _learn(self, token: Token, context: Context) -> None:
        """Remember what an element says that does not stay as it is."""
        tag, vr, _, start, end = token
        if start == end or end - start > _MAX_LEARNED_BYTES:
            return
        if vr == "PN":
            raw = bytes(self._walk.data[start:end])
            self._known.learn_raw(raw)
            self._known.learn_name(text.decode(raw, context.charsets, vr))
        elif vr == "UI":
            self._known.learn_uid(bytes(self._walk.data[start:end]).decode("latin-1"))
        elif vr in {"DA", "DT"}:
            self._known.learn_date(bytes(self._walk.data[start:end]).decode("latin-1"))
        elif tag in _PLACES:
            self._known.learn_place(text.decode(bytes(self._walk.data[start:end]), context.charsets, vr))
        elif tag in IDENTIFYING or (
            tag >> 16 == _PERSON_ATTRIBUTES and vr in {"LO", "SH"} and tag not in _CHARACTERISTICS
        ):
            raw = bytes(self._walk.data[start:end])
            self._known.learn_raw(raw)
            self._known.learn_number(text.decode(raw, context.charsets, vr))
