"""How the header of one element is laid out, and what its first bytes tell a walk (PS3.5 7.1).

Tables and their memory only; ``walk`` does the walking.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, TypeAlias

from calotype.dicom import dictionary
from calotype.dicom.datasets import LONG_FORM, SHORT_FORM

IMPLICIT_SEQUENCE: Final = "SQ, implicit"
"""A sequence whose items are in implicit VR: of such a data set, or one that came as UN (PS3.5 6.2.2)."""
SEQUENCES: Final = frozenset({"SQ", IMPLICIT_SEQUENCE})

VRS: Final = {vr.encode("ascii"): vr for vr in SHORT_FORM | LONG_FORM}


class Form(IntEnum):
    """What the walk has to do after an element's first bytes; zero means: nothing special."""

    PLAIN = 0
    LONG = 1
    SEQUENCE = 2
    FOREIGN = 3
    """Groups 0000 and 0002, which have no place in a data set."""
    DELIMITER = 4
    STRANGE = 5
    """The VR is none."""
    ZERO = 6
    """Nothing but zeros: padding, if zeros follow to the end."""


Known: TypeAlias = tuple[int, str, Form]

_MAX_KNOWN: Final = 16_384
"""What the first bytes of an element mean is remembered; far more than this many are no honest vocabulary."""


def _learn_explicit(head: bytes, order: str) -> Known:
    group, number = struct.unpack_from(order + "HH", head)
    tag = group << 16 | number
    if group == 0xFFFE:
        return tag, "", Form.DELIMITER
    vr = VRS.get(head[4:])
    if vr is None:
        return tag, "UN", Form.STRANGE if any(head) else Form.ZERO
    if group in {0, 2}:
        return tag, vr, Form.FOREIGN
    form = Form.LONG if vr in LONG_FORM else Form.PLAIN
    if vr == "UN":
        # PS3.5 6.2.2 Note 5: an UN value may be read by the dictionary; its layout is implicit VR.
        vr = dictionary.vr_of(tag)
        vr = IMPLICIT_SEQUENCE if vr == "SQ" else vr
    return tag, vr, Form.SEQUENCE if vr in SEQUENCES else form


def _learn_implicit(head: bytes, order: str) -> Known:
    group, number = struct.unpack_from(order + "HH", head)
    tag = group << 16 | number
    if group == 0xFFFE:
        return tag, "", Form.DELIMITER
    if group in {0, 2}:
        return tag, "UN", Form.FOREIGN if tag else Form.ZERO
    vr = dictionary.vr_of(tag)
    return (tag, IMPLICIT_SEQUENCE, Form.SEQUENCE) if vr == "SQ" else (tag, vr, Form.PLAIN)


class Layout:
    """How element headers are laid out: explicit or implicit VR, little or big endian."""

    __slots__ = ("explicit", "first", "known", "long_length", "order", "tag_and_length")

    def __init__(self, *, explicit: bool, little: bool) -> None:
        self.explicit = explicit
        self.order = "<" if little else ">"
        self.first = struct.Struct(self.order + ("6sH" if explicit else "4sL")).unpack_from
        self.long_length = struct.Struct(self.order + "L").unpack_from
        self.tag_and_length = struct.Struct(self.order + "HHL").unpack_from
        self.known: dict[bytes, Known] = {}

    def learn(self, head: bytes) -> Known:
        """Work out what an element's first bytes mean, and remember it."""
        if len(self.known) >= _MAX_KNOWN:
            self.known.clear()
        entry = (_learn_explicit if self.explicit else _learn_implicit)(head, self.order)
        self.known[head] = entry
        return entry


LAYOUTS: Final = {
    (explicit, little): Layout(explicit=explicit, little=little)
    for explicit in (True, False)
    for little in (True, False)
}
