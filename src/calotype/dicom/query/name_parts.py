"""What parts of a person name begin with: the key of fuzzy matching (PS3.4 C.2.2.2.1.1, PS3.18 8.3.4.2).

A name is found by the beginning of any of its parts, in any order and with or without what stands between them:
``jo``, ``smi``, ``smithjo`` and ``john smith`` find ``Smith^John``. A hanzi is a part of its own, and so is its
syllable in pinyin: ``张三丰`` is found by ``三丰``, ``zhang san feng``, ``sanfeng`` and ``zhangsf``, and by the
initials ``zsf``. Case, accents and width do not count, nor do hyphens, apostrophes and full stops.

The Standard leaves the how to us; what it means here is that a word asked for, as :func:`beginning` writes it, begins
one of :func:`beginnings`. All of that is text, so that an index can keep it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import Final

from calotype.dicom.romanise import has_hanzi, readings
from calotype.dicom.text import fold

VERSION: Final = 1
"""Changes with what :func:`beginnings` returns: an index that keeps those of another version makes them anew."""

MAX_PARTS: Final = 16
"""Parts of one component group that are looked at: more are no name."""
MAX_CHARACTERS: Final = 64
"""To which a beginning is cut."""

_HANZI: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_MARKS: Final = r"\s^=*,.;:()\[\]/\\_'`\"\u2018\u2019\u02bc\u00b4\u00b7\u2022\u2027\u30fb\uff65\uff3c\u2010-\u2015-"
_PART: Final = re.compile(f"[{_HANZI}]|[^{_HANZI}{_MARKS}]+")


def beginning(word: str) -> str:
    """Return a word that is asked for in the form in which names are found; empty when nothing is left of it."""
    return "".join(_PART.findall(fold(word)))[:MAX_CHARACTERS]


def begins(word: str, group: str) -> bool:
    """Tell whether a part of a folded component group (``values.name_groups``) begins with ``word``."""
    return any(each.startswith(word) for each in beginnings(group))


@lru_cache(maxsize=4096)
def beginnings(group: str) -> frozenset[str]:
    """Return what a folded component group is found by: its parts one after the other, from each on round to it."""
    found = set(_turned(tuple(_PART.findall(group))))
    if has_hanzi(group):
        for syllables in readings(group):
            found.update(_turned(syllables))
            found.add("".join(each[0] for each in syllables))
            found.add("".join((syllables[0], *(each[0] for each in syllables[1:]))))
    return frozenset(each[:MAX_CHARACTERS] for each in found)


def _turned(parts: tuple[str, ...]) -> list[str]:
    parts = parts[:MAX_PARTS]
    return ["".join(chain(parts[at:], parts[:at])) for at in range(len(parts))]
