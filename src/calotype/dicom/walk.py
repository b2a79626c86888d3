"""Walks the elements of a data set where they lie: tags, VRs, and where values start and end. No value is read.

The one reader of structure behind ``part10.scan`` and ``json_model``; ``datasets`` reads small sets whole and
strictly, this one reads what real devices send. It works on a prefix (:class:`NeedMore` when that is too short),
never copies a value, and keeps nothing of what stands inside sequences but where those of undefined length end.

What is not lost is forgiven, and told by ``odd_length`` and ``damaged``:

* elements out of order or twice (the last one counts, as in pydicom), elements of groups 0000 and 0002;
* implicit VR under an explicit label and the reverse, for a data set or an item (private sequences of Philips MR);
* unknown VRs, with either size of length field; stray delimiters; missing item delimiters;
* a missing sequence delimiter at the very end, after a whole item or, in Pixel Data, after an end-of-image marker
  with a fragment for every frame: some converters leave it out, and nothing can be missing then;
* damage inside a sequence whose own length is defined: the walk goes on after it;
* trailing zeros, and up to seven trailing bytes that are too few for an element.

Everything else that does not fit is a truncated data set: InvalidRequest with the bytes needed and left.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import repeat
from typing import Final, TypeAlias

from calotype.dicom import dictionary
from calotype.dicom.datasets import LONG_FORM, UNDEFINED_LENGTH
from calotype.dicom.layout import IMPLICIT_SEQUENCE, LAYOUTS, VRS, Form, Known, Layout
from calotype.errors import InvalidRequest

Buffer: TypeAlias = bytes | memoryview

Token: TypeAlias = tuple[int, str, int, int, int]
"""Tag, VR (or ``US/SS`` and the like, IMPLICIT_SEQUENCE, FRAGMENTS), and the offsets of header, value and end."""

FRAGMENTS: Final = "OB, fragments"
"""A value of undefined length in fragments (PS3.5 A.4)."""

MAX_DEPTH: Final = 100
SECOND_WALK: Final = MAX_DEPTH + 1
"""The depth that tells that sequences need not be walked into: it was done."""
MAX_ELEMENTS: Final = 4_000_000
"""Above any real header (100,000 frames with 30 elements each are 3 million)."""
MAX_TOGETHER: Final = 200_000
"""Above what one data set or item can sensibly hold: the dictionary has some 5,000 attributes."""
BULK_BYTES: Final = 1024
"""Values of :data:`BULK_VRS` longer than this are bulk: not needed to read a header."""
BULK_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB/OW", "US/OW", "US/SS/OW", FRAGMENTS})
PIXEL_DATA: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float, Double Float, and Pixel Data; always bulk."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class NeedMore(Exception):
    """The prefix given does not reach far enough; call again with a view of the whole data set."""


class Damage(Exception):
    """Structure inside a sequence does not fit; caught where the length of a sequence is defined."""


class Walk:
    """One walk over one data set; ``data`` may be a prefix of its ``total`` bytes. Used by one thread.

    ``explicit`` and ``little`` say how the data set claims to be laid out, and after :meth:`top` how it is.
    """

    __slots__ = ("_ends", "_left", "available", "damaged", "data", "explicit", "little", "odd_length", "total")

    def __init__(self, data: Buffer, total: int, *, explicit: bool, little: bool) -> None:
        self.data = data
        self.available = len(data)
        self.total = total
        self.explicit = explicit
        self.little = little
        self.odd_length = False
        self.damaged = False
        self._left = MAX_ELEMENTS
        # Where sequences of undefined length end, by where they start: the second walk does not look again.
        self._ends: dict[int, int] = {}

    def top(self) -> list[Token]:
        """Walk over everything; return the elements of the data set itself, in the order of their tags, once each.

        Raises NeedMore when the prefix is too short, InvalidRequest when the data set is truncated or no data set.
        """
        self._detect()
        try:
            tokens, _ = self._elements(0, self.total, 0, delimited=False, explicit=self.explicit)
        except Damage as damage:
            raise InvalidRequest(str(damage)) from None
        self._left = MAX_ELEMENTS
        return tokens

    def single(self, pos: int) -> Token:
        """Read the one element of the data set at ``pos``, in the layout that the data set claims.

        Raises what :meth:`top` does, and Damage where that would look for what a damaged device means.
        """
        if pos > self.available - 8:
            raise NeedMore
        layout = LAYOUTS[self.explicit, self.little]
        head, length = layout.first(self.data, pos)
        known = layout.known.get(head) or layout.learn(head)
        tag, vr, form = known
        if form not in {Form.PLAIN, Form.LONG, Form.SEQUENCE}:
            raise Damage(f"no plain element at byte {pos}")
        vr, start, length = self._special(pos, self.total, 0, known, length, layout, [])
        return tag, vr, pos, start, start + length

    def rest(self, pos: int, max_elements: int) -> list[Token]:
        """Walk as :meth:`top` does, but from the element of the data set at ``pos``, in the layout that it claims.

        Raises Damage too, and InvalidRequest above ``max_elements``, those inside sequences counted.
        """
        self._left = max_elements
        tokens, _ = self._elements(pos, self.total, 0, delimited=False, explicit=self.explicit)
        self._left = MAX_ELEMENTS
        return tokens

    def items(self, token: Token) -> Iterator[list[Token]]:
        """Return the elements of each item of a sequence; ends early where the sequence is damaged."""
        _, vr, _, start, end = token
        header = LAYOUTS[True, self.little].tag_and_length
        pos = start
        try:
            while pos + 8 <= end:
                group, number, length = header(self.data, pos)
                if group != 0xFFFE or number != 0xE000:
                    return
                delimited = length == UNDEFINED_LENGTH
                pos += 8
                length = min(length, end - pos)
                tokens, pos = self._elements(
                    pos,
                    end if delimited else pos + length,
                    SECOND_WALK,
                    delimited=delimited,
                    explicit=vr == "SQ",
                )
                yield tokens
        except Damage:
            # The first walk has met it too and told.
            return

    def _detect(self) -> None:
        """Find out whether the data set is laid out as its transfer syntax says, by its first element."""
        if self.available < 8:
            if self.available < self.total:
                raise NeedMore
            return
        head = bytes(self.data[:8])
        big = head[0:2] in {b"\0\x02", b"\0\x04", b"\0\x08", b"\0\x10"}
        explicit, little = self.explicit, self.little
        if head[4:6] in VRS and big:
            explicit, little = True, False
        elif head[4:6] in VRS:
            # As a length these letters would say some 20,000 bytes, which no first element of a data set has.
            explicit, little = True, True
        elif head[4:6] not in VRS and self._reads_as_implicit(0, self.total):
            explicit, little = False, True
        if (explicit, little) != (self.explicit, self.little):
            self.damaged = True
            self.explicit, self.little = explicit, little

    def _reads_as_implicit(self, pos: int, end: int) -> bool:
        """Tell whether the element at ``pos`` makes sense in implicit VR: known or private, and its value fits."""
        group, number, length = LAYOUTS[False, True].tag_and_length(self.data, pos)
        fits = length == UNDEFINED_LENGTH or length <= end - pos - 8
        known = bool(group & 1) or dictionary.lookup(group << 16 | number) is not None
        return fits and known and group not in {0, 0xFFFE}

    def _item_is_explicit(self, pos: int, end: int, *, explicit: bool) -> bool:
        """Tell how an item is laid out; private sequences may differ from the data set around them."""
        vr = bytes(self.data[pos + 4 : pos + 6])
        if explicit:
            differs = vr not in VRS and self.little and self._reads_as_implicit(pos, end)
        else:
            differs = vr in VRS and self.little and not self._reads_as_implicit(pos, end)
        if differs:
            self.damaged = True
        return explicit != differs

    def _elements(  # noqa: C901, PLR0912, PLR0915 - the hot loop and its ends; calls would double its cost
        self, pos: int, end: int, depth: int, *, delimited: bool, explicit: bool
    ) -> tuple[list[Token], int]:
        """Walk elements from ``pos`` to ``end`` or, when ``delimited``, to an item delimiter; return where to go on.

        At depth SECOND_WALK the insides of sequences are passed over.
        """
        data, available = self.data, self.available
        stop = min(end, available) - 8
        if depth and pos <= stop:
            explicit = self._item_is_explicit(pos, end, explicit=explicit)
        layout = LAYOUTS[explicit, self.little]
        first, known = layout.first, layout.known
        tokens: list[Token] = []
        append = tokens.append
        previous = -1
        lengths = 0
        ordered = True
        # The hot loop of ingest: a plain element costs one unpack, one look-up, one append.
        for _ in repeat(None, min(self._left, MAX_TOGETHER)):
            if pos > stop:
                break
            head, length = first(data, pos)
            tag, vr, form = known.get(head) or layout.learn(head)
            start = pos + 8
            if form or length == UNDEFINED_LENGTH:
                if form == Form.DELIMITER:
                    if delimited:
                        break
                    # Some writers close items and sequences whose length is defined.
                    self.damaged = True
                    pos = start
                    continue
                if form == Form.ZERO:
                    self._only_zeros(pos, end)
                    pos = end
                    break
                vr, start, length = self._special(pos, end, depth, (tag, vr, form), length, layout, tokens)
                if form == Form.FOREIGN:
                    self.damaged = True
                    pos = start + length
                    continue
            after = start + length
            append((tag, vr, pos, start, after))
            lengths |= length
            if tag <= previous:
                ordered = False
            previous = tag
            pos = after
        else:
            raise InvalidRequest(f"more than {MAX_TOGETHER} elements in one place, or {MAX_ELEMENTS} in all")
        self._left -= len(tokens)
        if lengths & 1:
            self.odd_length = True
        if pos <= stop:
            if tag != _ITEM_END:
                # The next item, or the end of the sequence, comes without the item having been closed.
                self.damaged = True
            else:
                pos += 8
        elif pos != end or pos > available:
            self._check_end(tokens, pos, end, depth)
        elif delimited and depth != SECOND_WALK:
            self._check_unclosed("item", end)
        if not ordered:
            self.damaged = True
            tokens = sorted({token[0]: token for token in tokens}.values())
        return tokens, pos

    def _special(  # noqa: PLR0917 - the loop above hands over all it holds
        self,
        pos: int,
        end: int,
        depth: int,
        known: Known,
        length: int,
        layout: Layout,
        tokens: list[Token],
    ) -> tuple[str, int, int]:
        """Read the rest of an element that is not plain; return its VR, where its value starts, and its length."""
        tag, vr, form = known
        start = pos + 8
        if form == Form.STRANGE:
            return self._strange(pos, end, tag)
        if layout.explicit and (form in {Form.LONG, Form.SEQUENCE} or (form == Form.FOREIGN and vr in LONG_FORM)):
            start = pos + 12
            if start > min(end, self.available):
                raise self._short(pos, end, 12)
            (length,) = layout.long_length(self.data, pos + 8)
        undefined = length == UNDEFINED_LENGTH
        if form == Form.FOREIGN:
            return vr, start, length
        if undefined and (tag in PIXEL_DATA or vr in BULK_VRS - {"UN"}):
            return FRAGMENTS, start, self._fragments(start, end, tokens) - start
        if undefined and form != Form.SEQUENCE:
            vr = IMPLICIT_SEQUENCE
        if undefined or form == Form.SEQUENCE:
            return vr, start, self._sequence(start, length, end, depth, explicit=vr == "SQ")
        return vr, start, length

    def _strange(self, pos: int, end: int, tag: int) -> tuple[str, int, int]:
        """Read an element whose VR is none, by the first layout whose value fits.

        PS3.5 7.1.2: a VR newer than we are has the long form. Others are seen in the field: ``??`` and blanks with a
        16-bit length, and single elements in implicit VR.
        """
        if pos + 12 > min(end, self.available):
            raise self._short(pos, end, 12)
        self.damaged = True
        order = "<" if self.little else ">"
        reserved, length = struct.unpack_from(order + "HL", self.data, pos + 6)
        (implicit,) = struct.unpack_from(order + "L", self.data, pos + 4)
        vr = dictionary.vr_of(tag)
        vr = "UN" if vr == "SQ" else vr
        letters = bytes(self.data[pos + 4 : pos + 6])
        if letters.isalpha() and letters.isupper() and reserved == 0 and length <= end - pos - 12:
            return vr, pos + 12, length
        if not letters.isalpha() and implicit <= end - pos - 8 and dictionary.lookup(tag) is not None:
            return vr, pos + 8, implicit
        if reserved <= end - pos - 8:
            return vr, pos + 8, reserved
        raise Damage(f"element {dictionary.describe(tag)} at byte {pos} has no value representation that makes sense")

    def _sequence(self, start: int, length: int, end: int, depth: int, *, explicit: bool) -> int:
        """Walk the items of a sequence; return how many bytes it takes."""
        if depth == SECOND_WALK:
            if length == UNDEFINED_LENGTH and start not in self._ends:
                raise Damage("the first walk found no end of this sequence")
            return self._ends[start] - start if length == UNDEFINED_LENGTH else length
        if depth >= MAX_DEPTH:
            raise InvalidRequest(f"sequences are nested deeper than {MAX_DEPTH} levels")
        if length == UNDEFINED_LENGTH:
            after = self._items(start, end, depth + 1, delimited=True, explicit=explicit)
            self._ends[start] = after
            return after - start
        after = start + length
        if after <= end:
            if after > self.available:
                raise NeedMore
            try:
                self._items(start, after, depth + 1, delimited=False, explicit=explicit)
            except Damage:
                # The sequence says where it ends, so nothing outside it is lost.
                self.damaged = True
        return length

    def _items(self, pos: int, end: int, depth: int, *, delimited: bool, explicit: bool) -> int:
        header = LAYOUTS[True, self.little].tag_and_length
        start = pos
        while pos < end:
            if pos + 8 > min(end, self.available):
                raise self._short(pos, end, 8)
            group, number, length = header(self.data, pos)
            tag = group << 16 | number
            if tag == _SEQUENCE_END:
                if not delimited:
                    self.damaged = True
                    return end
                return pos + 8
            if tag != _ITEM:
                raise Damage(f"{dictionary.describe(tag)} at byte {pos} stands where an item of a sequence should")
            pos += 8
            self._left -= 1
            if not length:
                continue
            open_item = length == UNDEFINED_LENGTH
            if not open_item and length > end - pos:
                if delimited:
                    raise Damage(f"truncated: an item needs {length} bytes, {end - pos} are left")
                self.damaged = True
                length = end - pos
            _, pos = self._elements(
                pos, end if open_item else pos + length, depth, delimited=open_item, explicit=explicit
            )
        if delimited:
            self._check_unclosed("sequence", end if pos == start else -1)
        return pos

    def _fragments(self, start: int, end: int, tokens: list[Token]) -> int:
        """Pass over the items of an encapsulated value, one header at a time; return where it ends."""
        header = LAYOUTS[True, self.little].tag_and_length
        available, data = self.available, self.data
        pos = value = start
        count = 0
        while pos < end:
            if pos + 8 > min(end, available):
                raise self._short(pos, end, 8)
            group, number, length = header(data, pos)
            tag = group << 16 | number
            if tag == _SEQUENCE_END:
                return pos + 8
            if tag != _ITEM:
                raise Damage(f"{dictionary.describe(tag)} at byte {pos} stands where a fragment of an image should")
            value = pos + 8
            pos = value + length
            count += 1
        if pos > end:
            raise Damage(f"truncated: a fragment of an image needs {pos - value} bytes, {end - value} are left")
        if count - 1 >= self._frames(tokens) and bytes(data[pos - 4 : pos]).rstrip(b"\0").endswith(b"\xff\xd9"):
            # Whole frames, and the last one says that it ends: only the delimiter was left out.
            self.damaged = True
            return pos
        raise Damage("truncated: the fragments of an image end without a sequence delimiter, 8 bytes, 0 are left")

    def _frames(self, tokens: list[Token]) -> int:
        for tag, _, _, start, after in tokens:
            if tag == 0x00280008:
                digits = bytes(self.data[start : min(after, start + 16)]).strip(b" \0")
                return int(digits) if digits.isdigit() else 1
        return 1

    def _short(self, pos: int, end: int, needed: int) -> Exception:
        if self.available < end:
            return NeedMore()
        return Damage(f"truncated: an element header needs {needed} bytes, {end - pos} are left")

    def _only_zeros(self, pos: int, end: int) -> None:
        """Check that nothing but padding follows."""
        if self.available < end:
            raise NeedMore
        self.damaged = True
        for at in range(pos, end, 65_536):
            if any(bytes(self.data[at : min(at + 65_536, end)])):
                raise Damage(f"zeros at byte {pos} stand where an element should")

    def _check_end(self, tokens: list[Token], pos: int, end: int, depth: int) -> None:
        """Decide what it means that the last element does not end where it should."""
        if pos > end:
            tag, _, _, start, after = tokens[-1] if tokens else (0, "", pos, pos, pos)
            raise Damage(
                f"truncated: element {dictionary.describe(tag)} needs {after - start} bytes, {end - start} are left"
            )
        if pos > self.available:
            # Bulk data at the very end need not be seen; anything else must.
            if depth or not tokens or after_bulk(tokens[-1]) != self.total:
                raise NeedMore
            return
        if self.available < end:
            raise NeedMore
        if any(bytes(self.data[pos:end])):
            raise Damage(f"truncated: an element header needs 8 bytes, {end - pos} are left")
        self.damaged = True

    def _check_unclosed(self, what: str, end: int) -> None:
        """Decide what a missing delimiter means; ``end`` is -1 after a whole item: no more need be missing."""
        if end == self.total:
            raise Damage(f"truncated: the data set ends inside a {what} of undefined length")
        # The container says where it ends, so nothing is lost.
        self.damaged = True


def after_bulk(token: Token) -> int:
    """Return where a bulk value ends, -1 for a value that a header needs."""
    tag, vr, _, start, after = token
    return after if tag in PIXEL_DATA or (vr in BULK_VRS and after - start > BULK_BYTES) else -1
