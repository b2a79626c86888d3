"""One box for everything: words that a person types become conditions on studies.

Every word has to be found, each in any of what a study is known by: in a part of the patient's name (fuzzy, so also
by pinyin), at the beginning of patient ID or accession number in either case, anywhere in the description, or as the
whole of a UID; ``*`` and ``?`` are wild cards. What else a house knows of its studies is for whoever calls to add.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.query import name_parts
from calotype.dicom.query.model import AnyOf, Condition, Exact, PartBegins, UidList, Wildcard
from calotype.errors import InvalidRequest

MAX_WORDS: Final = 8
"""In one box."""
MAX_CHARACTERS: Final = 256
"""In one box."""

_BEGINS: Final = ("PatientID", "AccessionNumber")
_CONTAINS: Final = ("StudyDescription",)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3,}", re.ASCII)

AlsoIn = Callable[[str], Sequence[UID]]
"""Studies that are known by a word in another way."""


def nowhere(_word: str) -> Sequence[UID]:
    """Know no studies: the :data:`AlsoIn` of whoever knows nothing else."""
    return ()


def conditions(text: str, also_in: AlsoIn = nowhere) -> tuple[Condition, ...]:
    """Return what is asked by ``text``; nothing for blanks. InvalidRequest for too much of it, or control codes."""
    if len(text) > MAX_CHARACTERS or _CONTROL.search(text):
        raise InvalidRequest(f"search for at most {MAX_CHARACTERS} characters, none of them a control code")
    words = [word for word in dict.fromkeys(text.split()) if word.strip("*?")]
    if len(words) > MAX_WORDS:
        raise InvalidRequest(f"{len(words)} words, at most {MAX_WORDS} are looked for")
    return tuple(_anywhere(word, also_in(word)) for word in words)


def _anywhere(word: str, others: Sequence[UID]) -> Condition:
    found: list[Condition] = []
    if begins := name_parts.beginning(word):
        found.append(PartBegins("PatientName", begins))
    # IDs are case-sensitive in DICOM; people are not.
    forms = dict.fromkeys((word, word.upper(), word.lower()))
    # A backslash parts values, so no value has one: any character stands for it.
    patterns = [form.replace("\\", "?") for form in forms]
    found += [Wildcard(keyword, f"{pattern}*") for keyword in _BEGINS for pattern in patterns]
    found += [Wildcard(keyword, f"*{patterns[0]}*") for keyword in _CONTAINS]
    if _UID.fullmatch(word):
        found.append(Exact("StudyInstanceUID", word))
    if others:
        found.append(UidList("StudyInstanceUID", tuple(others)))
    return AnyOf(tuple(found))
