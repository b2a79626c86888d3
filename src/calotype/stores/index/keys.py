r"""How text becomes what it is compared by: the key columns beside an attribute's own.

The form is ``dicom.query.matching``'s, made once, when an object comes in; the file's own spelling stays in the
attribute's column and is what answers show. Several values stand in one key as ``\first\second``: a leading
backslash, which no key of one value has, so that rows with several lie together in every index. Nothing here knows
SQL or a row.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from calotype.dicom.hierarchy import Level
from calotype.dicom.query import values
from calotype.dicom.query.attributes import BY_KEYWORD, INDEXED, Attribute, Matching
from calotype.dicom.query.matching import comparable

NAME_GROUPS: Final = ("key", "ideographic_key", "phonetic_key")
"""The three component groups of a person name (PS3.5 6.2.1.2), each in its own column."""

SEVERAL: Final = "\\"
"""Begins a key of several values, and each value in it."""
AFTER_SEVERAL: Final = "]"
"""The character after the backslash: keys of several values are those between the two."""

_STANDS_FOR_BACKSLASH: Final = "\N{FULLWIDTH REVERSE SOLIDUS}"
"""Folding turns this into a backslash; in a key it turns back."""

_KEYED: Final = frozenset(Matching) - {Matching.UID, Matching.NONE, Matching.SEQUENCE, Matching.DECIMAL}
_MAX_INTEGER: Final = 2**63 - 1

UNSPLIT_VRS: Final = frozenset({"LT", "ST", "UT", "UR"})
"""In these a backslash is text (PS3.5 6.2)."""

_SHORT: Final = 128
"""Characters up to which a text may be remembered: what is remembered stays within a megabyte or two."""

Key = str | int | None


def key_columns(attribute: Attribute) -> tuple[str, ...]:
    """Return the names of an attribute's key columns; empty where it is compared as it stands."""
    if attribute.matching is Matching.NAME:
        return tuple(f"{attribute.column}_{group}" for group in NAME_GROUPS)
    # UIDs of entities are their identity and come one by one, as an object's own do; what a study gathers is several.
    is_gathered = attribute.computed and attribute.level is Level.STUDY
    if attribute.matching in _KEYED or (attribute.matching is Matching.UID and is_gathered):
        return (f"{attribute.column}_key",)
    return ()


KEYED: Final = frozenset(attribute.keyword for attribute in INDEXED if key_columns(attribute))
"""The attributes that have key columns."""


def clean(text: str, vr: str) -> str:
    """Return an attribute's text as it is kept: without padding and NUL, empty when it holds no value."""
    if "\0" in text:
        text = text.replace("\0", "")
    text = text.strip(" ")
    if "\\" in text and not values.split_values(text, vr):
        return ""
    return text


def columns(keyword: str, text: str) -> tuple[Key, ...]:
    """Return what stands in an attribute's own column and in its key columns."""
    return _remembered(keyword, text) if len(text) <= _SHORT else _columns(keyword, text)


def absent_columns(attribute: Attribute) -> tuple[Key, ...]:
    """Return what :func:`columns` does where an object says nothing."""
    return ("", *(absent(attribute) for _ in key_columns(attribute)))


def _columns(keyword: str, text: str) -> tuple[Key, ...]:
    text = clean(text, BY_KEYWORD[keyword].vr)
    return (text, *keys(keyword, text))


# Objects of a series say the same of most things.
_remembered: Final = lru_cache(maxsize=4096)(_columns)


def keys(keyword: str, text: str) -> tuple[Key, ...]:
    """Return what stands in the key columns of an attribute with this (clean) text."""
    attribute = BY_KEYWORD[keyword]
    if text and "\\" not in text:
        return value_keys(attribute, text)
    each = [value_keys(attribute, value) for value in values.split_values(text, attribute.vr)]
    match each:
        case []:
            return absent_columns(attribute)[1:]
        case [single]:
            return single
    if attribute.matching is Matching.INTEGER:
        # No number has several values among what is indexed; the first one counts.
        return each[0]
    return tuple(SEVERAL + SEVERAL.join(str(key) for key in column) for column in zip(*each, strict=True))


def value_keys(attribute: Attribute, value: str) -> tuple[Key, ...]:
    """Return the keys of one value; the same for stored text and for what is asked."""
    if attribute.matching is Matching.NAME:
        return tuple(_single(group) for group in values.name_groups(value))
    key = comparable(attribute.keyword, value)
    if isinstance(key, int):
        return (key if -_MAX_INTEGER <= key <= _MAX_INTEGER else None,)
    if key is None:
        return (absent(attribute),)
    return (key if attribute.vr in UNSPLIT_VRS else _single(key),)


def absent(attribute: Attribute) -> Key:
    """Return the key of no value, and of text that is not what its attribute should hold."""
    return None if attribute.matching is Matching.INTEGER else ""


def _single(key: str) -> str:
    return key.replace("\\", _STANDS_FOR_BACKSLASH) if "\\" in key else key
