"""What identified the patient and those around them in one object, and whether any of it is left in another text.

Values are learned as they are taken out: names in every spelling and order, numbers, addresses, dates, UIDs. Then any
text can be searched (:meth:`Known.finds`) or freed (:meth:`Known.cleaned`) of them. Which elements are looked at is
for ``plan``, ``values`` and ``verify``; nothing here knows how a data set lies in bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from functools import cache, lru_cache
from typing import Final

from calotype.dicom import dictionary, text
from calotype.dicom.deidentify import dummies
from calotype.dicom.romanise import romanise_name

TO_PLAIN: Final = bytes(
    byte if chr(byte).isdigit() or chr(byte).islower() else byte + 32 if chr(byte).isupper() else 32
    for byte in range(128)
) + bytes(range(128, 256))
"""ASCII bytes in lower case, everything but letters and digits a blank."""

_NO_WORD: Final = re.compile(r"[\W_]+")
_WIDE: Final = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U000323af]")
"""Scripts without blanks between words."""

_LEAST_NAME: Final = 3
_LEAST_WIDE_NAME: Final = 2
_LEAST_NUMBER: Final = 4
_LEAST_JOINED: Final = 6
"""From this many characters on, what was written as one word is found inside of others, too."""
_LEAST_RAW_BYTES: Final = 4

_SUSPICIOUS: Final = re.compile(
    r"\d{4,}|@|://|\d+[./-]\d+[./-]\d+|^(?:mr|mrs|ms|miss|dr|prof|herr|frau|mme|sr|sra)\.?$", re.IGNORECASE
)
"""What does not stay in a text that is cleaned: numbers that may be identifiers, dates, addresses, titles."""
_TITLE: Final = re.compile(r"^(?:mr|mrs|ms|miss|dr|prof|herr|frau|mme|sr|sra)\.?$", re.IGNORECASE)

_ENCODINGS: Final = ("utf-8", "gb18030", "utf-16-le", "utf-16-be", "shift_jis", "euc_jp", "euc_kr", "big5")


class Where(Enum):
    """How much of what is known is looked for in a text."""

    FREE = auto()
    """Everything."""
    TERM = auto()
    """Terms of the Standard: everything but parts of names that are words of the Standard's, too (HEAD, MAX)."""
    CODE = auto()
    """Devices and meanings of codes: whole names, not their parts, which words like WILSON or SENSATION may be."""
    NUMBER = auto()
    """Digits that measure something: only long identifiers."""


@lru_cache(maxsize=8192)
def plain(value: str) -> str:
    """Return text as it is compared: folded, and nothing but words with one blank between."""
    if value.isascii():
        return b" ".join(value.encode("ascii").translate(TO_PLAIN).split()).decode("ascii")
    return " ".join(_NO_WORD.sub(" ", text.fold(value)).split())


class Known:
    """Learns and finds. Used by one thread.

    ``ours`` are texts that are written on purpose (the pseudonym, say): their words are no find.
    """

    def __init__(self, ours: Iterable[str] = ()) -> None:
        self._ours = set(dummies.WORDS)
        for each in ours:
            self._ours.update(plain(each).split())
            self._ours.add(plain(each))
        self._seen: set[tuple[str, str]] = set()
        self._names: set[str] = set()
        """Parts of names."""
        self._words: set[str] = set()
        """Whole values: found where they stand as words."""
        self._places: set[str] = set()
        """Institutions and their kin, found in free text; makers of devices are named like some of them."""
        self._joined: set[str] = set()
        """Whole values: found anywhere in a text without its blanks."""
        self._raw: set[bytes] = set()
        self._uids: set[str] = set()

    def learn_name(self, value: str) -> None:
        """Learn a person's name: each of its groups, in any order of its parts, and in pinyin."""
        if ("name", value) in self._seen:
            return
        self._seen.add(("name", value))
        for one in value.split("\\"):
            for group in (*one.split("="), *_romanised(one)):
                self._learn_group(group)

    def learn_number(self, value: str) -> None:
        """Learn an identifier, an address, a telephone number: what identifies as a whole."""
        if ("number", value) in self._seen:
            return
        self._seen.add(("number", value))
        for one in value.split("\\"):
            words = plain(one)
            joined = words.replace(" ", "")
            if words in self._ours or len(joined) < (_LEAST_WIDE_NAME if _WIDE.search(words) else _LEAST_NUMBER):
                continue
            self._words.add(words)
            if len(joined) >= _LEAST_JOINED or _WIDE.search(words):
                self._joined.add(joined)
            self._learn_encodings(one)

    def learn_place(self, value: str) -> None:
        """Learn what names an institution, a department, a station, a device."""
        for one in value.split("\\"):
            words = plain(one)
            if words not in self._ours and len(words) >= (_LEAST_WIDE_NAME if _WIDE.search(words) else _LEAST_NUMBER):
                self._places.add(words)
                self._learn_encodings(one)

    def learn_date(self, value: str) -> None:
        """Learn the day of a DA or DT value, in the orders in which people and machines write it."""
        if ("date", value) in self._seen:
            return
        self._seen.add(("date", value))
        for one in value.split("\\"):
            self._joined.update(day for day in _days(one) if " " not in day)
            self._words.update(day for day in _days(one) if " " in day)

    def learn_uid(self, value: str) -> None:
        """Learn a UID that becomes another."""
        for one in value.split("\\"):
            uid = one.strip(" \0")
            if len(uid) > len("1.2.840.10008.") and not uid.startswith("1.2.840.10008."):
                self._uids.add(uid)

    def learn_raw(self, value: bytes) -> None:
        """Learn bytes of text in an unknown set, as they stood there."""
        trimmed = value.strip(b" \0")
        if len(trimmed) >= _LEAST_RAW_BYTES and not trimmed.isascii():
            self._raw.add(trimmed)

    def forget_date(self, value: str) -> None:
        """Take a DA or DT value for no find: it stays on purpose, or another one has become it."""
        for one in value.split("\\"):
            self._words.difference_update(_days(one))
            self._joined.difference_update(_days(one))

    def forget_place(self, value: str) -> None:
        """Take an institution, a device, a UID for no find: it stays on purpose.

        Names and numbers of the patient are never forgotten, wherever they stand.
        """
        for one in value.split("\\"):
            self._uids.discard(one.strip(" \0"))
            self._places.discard(plain(one))

    def finds(self, words: str, where: Where = Where.FREE) -> bool:
        """Tell whether anything known is in a text that :func:`plain` has been through; values by ``|`` apart."""
        around = f" {words} "
        if where is Where.NUMBER:
            return any(each in around for each in self._joined if len(each) >= 8)
        parts = self._parts(where)
        if any(each in around if _WIDE.search(each) else f" {each} " in around for each in parts):
            return True
        if any(f" {each} " in around for each in self._words):
            return True
        joined = words.replace(" ", "")
        return any(each in joined for each in self._joined)

    def _parts(self, where: Where) -> Iterable[str]:
        if where is Where.FREE:
            return self._names | self._places
        return self._names - _terms() if where is Where.TERM else ()

    def finds_uid(self, value: str) -> bool:
        """Tell whether a UID that became another is in a text."""
        return any(uid in value for uid in self._uids)

    def finds_raw(self, data: bytes) -> bool:
        """Tell whether a value is there in bytes, in any of the character sets that names are written in."""
        return any(each in data for each in self._raw)

    @property
    def has_raw(self) -> bool:
        """Whether bytes need to be searched at all."""
        return bool(self._raw)

    def cleaned(self, value: str) -> str:
        """Return a text of one line without the words that identify or may; nothing when some are left even so."""
        kept: list[str] = []
        after_title = False
        for word in re.split(r"[\s_^,;/]+", value):
            is_title = _TITLE.match(word) is not None
            if not after_title and not _SUSPICIOUS.search(word) and not self.finds(plain(word)):
                kept.append(word)
            after_title = is_title
        rest = " ".join(filter(None, kept))
        return "" if self.finds(plain(rest)) or self.finds_uid(rest) else rest

    def _learn_group(self, group: str) -> None:
        words = plain(group)
        parts = words.split()
        if not parts or words in self._ours:
            return
        for part in parts:
            least = _LEAST_WIDE_NAME if _WIDE.search(part) else _LEAST_NAME
            if len(part) >= least and part not in self._ours and not part.isdecimal():
                self._names.add(part)
        wide = _WIDE.search(words) is not None
        for order in _orders(parts):
            whole = " ".join(order)
            if len(whole) >= (_LEAST_WIDE_NAME if wide else _LEAST_NUMBER) and not set(order) <= self._ours:
                self._words.add(whole)
                joined = "".join(order)
                if wide or len(joined) >= _LEAST_JOINED:
                    self._joined.add(joined)
        if not group.isascii():
            for piece in (group, *group.split("^")):
                self._learn_encodings(piece)

    def _learn_encodings(self, value: str) -> None:
        value = value.strip(" \0")
        if value.isascii():
            return
        for encoding in _ENCODINGS:
            try:
                self.learn_raw(value.encode(encoding))
            except UnicodeEncodeError:
                continue


_BODY: Final = (
    "abdomen ankle aorta arm back bladder brain breast chest clavicle colon ear elbow eye femur finger foot forearm "
    "hand head heart hip humerus jaw kidney knee leg liver lung mandible neck nose orbit pelvis rib sacrum shoulder "
    "skull spine stomach thigh thumb tibia toe trunk uterus vein wrist axial sagittal coronal primary derived"
)


@cache
def _terms() -> set[str]:
    """Return words that terms are made of: those of keywords, and parts of the body (PS3.16 Annex L)."""
    words = {word.lower() for keyword in dictionary.keywords() for word in _WORDS.findall(keyword)}
    return words.union(_BODY.split())


_WORDS: Final = re.compile("[A-Z][a-z]+")


def _days(value: str) -> list[str]:
    """Return the day of a DA or DT value as it is written, none when there is none or it is our dummy."""
    digits = (value.strip(" \0").replace(".", "") if value[4:5] == "." else value.strip(" \0"))[:8]
    if len(digits) != 8 or not digits.isdecimal() or digits == dummies.DATE:
        return []
    year, month, day = digits[:4], digits[4:6], digits[6:]
    return [digits, f"{year} {month} {day}", f"{day} {month} {year}", f"{month} {day} {year}"]


def _orders(parts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Return a name as it is, with its family name last, and without what stands after the first two parts."""
    yield parts
    if len(parts) > 1:
        yield [*parts[1:], parts[0]]
        yield parts[:2]
        yield [parts[1], parts[0]]


def _romanised(value: str) -> Iterator[str]:
    if _WIDE.search(value):
        for group in value.split("="):
            romanised = romanise_name(group)
            if romanised != group:
                yield romanised
