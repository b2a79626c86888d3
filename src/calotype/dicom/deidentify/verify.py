"""The second look: a data set that is on its way out is walked over, and whatever is known must not be in it.

It knows nothing of how the data set was made; it reads what a recipient will read. Every text is looked at, in items
too, and the bytes of what is no text or nobody knows (UN, OB, private). Pixels are not: what is burned into them is
for ``suspects``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from calotype.dicom import dictionary, text
from calotype.dicom.deidentify.known import TO_PLAIN, Known, Where, plain
from calotype.dicom.json_model import Context
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.walk import FRAGMENTS, PIXEL_DATA, Token, Walk
from calotype.errors import Refused

_FREE_VRS: Final = text.TEXT_VRS | {"UR", "AS"}
_CODES: Final = frozenset({"CS", "AE"})
_NUMBERS: Final = frozenset({"DS", "IS", "DA", "DT", "TM"})
_BYTES: Final = frozenset({"OB", "UN", "OW", "OB/OW", FRAGMENTS})
_SEPARATOR: Final = b" | "


_DEVICES_AND_TERMS: Final = frozenset(
    {0x00080070, 0x00081090, 0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00181020, 0x00180024, 0x00181210}
)
"""Manufacturer, models and software, terms of code sets: words like which people are named, too (MAX, HEAD)."""


class IdentityLeft(Refused):
    """An identifying value of the original is left in what was made of it; nothing is handed out then."""


def verify(data: bytes, *, explicit: bool, little: bool, known: Known, keeps_uids: bool) -> None:
    """Walk over a data set without its pixels; IdentityLeft names the element in which something known was found."""
    walk = Walk(data, len(data), explicit=explicit, little=little)
    tokens = walk.top()
    look = _Look(walk, known, keeps_uids=keeps_uids)
    look.over(tokens, Context.around(None, little=walk.little).within(walk, tokens))
    look.conclude(tokens)
    if known.has_raw and known.finds_raw(data):
        raise IdentityLeft("a name of the original is left in the de-identified object, in bytes of one of its texts")


class _Look:
    """Collects all texts by how they are searched, since one search over all of them is far cheaper than one each."""

    def __init__(self, walk: Walk, known: Known, *, keeps_uids: bool) -> None:
        self._walk = walk
        self._known = known
        self._keeps_uids = keeps_uids
        self._ascii: dict[Where, list[bytes]] = {where: [] for where in Where}
        self._other: list[str] = []
        self._uids: list[bytes] = []

    def over(self, tokens: Sequence[Token], context: Context) -> None:
        """Collect what is in elements and the items of their sequences."""
        data = self._walk.data
        for token in tokens:
            tag, vr, _, start, end = token
            if start == end or tag in PIXEL_DATA:
                continue
            if vr in SEQUENCES:
                for item in self._walk.items(token):
                    self.over(item, context.within(self._walk, item))
                continue
            self._value(tag, vr, bytes(data[start:end]), context)

    def conclude(self, tokens: Sequence[Token]) -> None:
        """Search; when something is found, look for the element that has it, to name it."""
        uids = b" ".join(self._uids + self._ascii[Where.FREE]).decode("latin-1")
        found = any(
            self._known.finds(_plain(_SEPARATOR.join(values)), where)
            for where, values in self._ascii.items()
            if values
        )
        found = found or any(map(self._known.finds, self._other)) or self._known.finds_uid(uids)
        if not found:
            return
        if len(tokens) > 1:
            for token in tokens:
                alone = _Look(self._walk, self._known, keeps_uids=self._keeps_uids)
                alone.over([token], Context.around(None, little=self._walk.little).within(self._walk, tokens))
                alone.conclude([token])
        name = dictionary.describe(tokens[0][0]) if len(tokens) == 1 else "its elements together"
        raise IdentityLeft(
            f"an identifying value of the original is left in {name} of the de-identified object; it is not handed "
            "out. Choose another option, or have that attribute removed before"
        )

    def _value(self, tag: int, vr: str, raw: bytes, context: Context) -> None:
        is_private = tag >> 16 & 1
        if vr in _FREE_VRS or (is_private and vr in _CODES):
            self._text(raw, Where.CODE if tag in _DEVICES_AND_TERMS else Where.FREE, vr, context)
        elif vr in _CODES:
            self._ascii[Where.TERM].append(raw)
        elif vr in _NUMBERS:
            self._ascii[Where.NUMBER].append(raw)
        elif vr == "UI" and not self._keeps_uids:
            self._uids.append(raw)
        elif vr in _BYTES:
            # Without its zeros, text of two bytes a character is text again.
            self._ascii[Where.FREE].append(raw.replace(b"\0", b"") if b"\0" in raw else raw)

    def _text(self, raw: bytes, where: Where, vr: str, context: Context) -> None:
        if raw.isascii() and b"\x1b" not in raw:
            self._ascii[where].append(raw)
            return
        self._other.append(plain(text.decode(raw, context.charsets, vr)))


def _plain(joined: bytes) -> str:
    """Return many values as :meth:`Known.finds` wants them; what stands between two of them is no blank."""
    parts = joined.translate(_TO_PLAIN_BUT_SEPARATOR).split()
    return b" ".join(parts).decode("latin-1")


_TO_PLAIN_BUT_SEPARATOR: Final = bytes(byte if chr(byte) == "|" else TO_PLAIN[byte] for byte in range(256))
