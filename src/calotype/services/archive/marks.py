"""What people put to studies: labels to find them by, and a remark. No object says any of it, and none is changed.

A label is a short word of the house's own; the same label in another case is the same one. Marks outlive a rebuild of
the index, and wait with a study in the recycle bin; what they are kept in is the port :class:`MarkStore`. Whoever
follows the feed of changes is told of them, too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.model import Page, Query, UidList
from calotype.dicom.text import fold
from calotype.errors import InvalidRequest, NotFound
from calotype.services.archive.events import Events, FeedGrown
from calotype.services.archive.search import Search

LABELS: Final = "labels"
REMARK: Final = "remark"
SORTABLE: Final = (LABELS, REMARK)
"""What an ``Order`` of studies may name like an attribute. Studies that have none come last, whichever way the others
are sorted."""

MAX_LABEL_CHARACTERS: Final = 32
MAX_LABELS: Final = 32
"""Put to, or taken off, studies at one time."""
MAX_REMARK_CHARACTERS: Final = 2000
MAX_STUDIES: Final = 1000
"""Marked at one time."""
MAX_FOUND: Final = 20_000
"""Studies that are found by their marks for one question."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands on one study; ``labels`` in the order of their text."""

    labels: tuple[str, ...] = ()
    remark: str = ""


UNMARKED: Final = Mark()


@dataclass(frozen=True, slots=True)
class Edit:
    """What to change on studies: labels to put to them and to take off, and their remark (``None``: as it is)."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    remark: str | None = None


class MarkStore(Protocol):
    """Keeps marks by Study Instance UID, whether there is such a study or not. Labels are compared folded."""

    def marks(self, studies: Sequence[UID]) -> Mapping[UID, Mark]:
        """Return the marks of those studies that have any."""
        ...

    def edit(self, studies: Sequence[UID], edit: Edit) -> None:
        """Commit a change of the marks of studies; a label that is there already stays as it is spelled.

        The feed of changes gets a line, in the same commit, about each study whose marks are others then.
        """
        ...

    def labels(self) -> Sequence[tuple[str, int]]:
        """Return each label that studies of the archive have, by its text, and how many have it."""
        ...

    def labelled(self, labels: Sequence[str], limit: int) -> Sequence[UID]:
        """Return studies that have all of these labels."""
        ...

    def mentioning(self, text: str, limit: int) -> Sequence[UID]:
        """Return studies whose remark, or one of whose labels, holds ``text``; both are compared folded."""
        ...

    def remarked(self, text: str, limit: int) -> Sequence[UID]:
        """Return studies whose remark holds ``text``; both are compared folded."""
        ...


class Marks:
    """Puts marks to studies and finds studies by them. Thread-safe."""

    def __init__(self, store: MarkStore, search: Search, events: Events) -> None:
        self._store = store
        self._search = search
        self._events = events

    def of(self, studies: Sequence[UID]) -> Mapping[UID, Mark]:
        """Return the marks of those of ``studies`` that have any."""
        return self._store.marks(studies) if studies else {}

    def edit(self, studies: Sequence[UID], edit: Edit) -> Mapping[UID, Mark]:
        """Change the marks of studies; return what they have then.

        InvalidRequest for a label or remark that cannot be one; NotFound, and nothing is done, when the archive does
        not hold one of the studies.
        """
        wanted = tuple(dict.fromkeys(studies))
        if not wanted or len(wanted) > MAX_STUDIES:
            raise InvalidRequest(f"mark 1 to {MAX_STUDIES} studies at one time, not {len(wanted)}")
        cleaned = Edit(_labels(edit.add), _labels(edit.remove), None if edit.remark is None else _remark(edit.remark))
        self._check_held(wanted)
        self._store.edit(wanted, cleaned)
        self._events.publish(FeedGrown())
        found = self._store.marks(wanted)
        return {study: found.get(study, UNMARKED) for study in wanted}

    def labels(self) -> Sequence[tuple[str, int]]:
        """Return each label in use, and how many studies have it."""
        return self._store.labels()

    def labelled(self, labels: Sequence[str]) -> tuple[UID, ...]:
        """Return the studies that have all of these labels. InvalidRequest when they are too many to search in."""
        return _few(self._store.labelled(_labels(labels), MAX_FOUND + 1), "have these labels")

    def remarked(self, text: str) -> tuple[UID, ...]:
        """Return the studies whose remark holds ``text``. InvalidRequest when they are too many to search in."""
        return _few(
            self._store.remarked(fold(text.strip())[:MAX_REMARK_CHARACTERS], MAX_FOUND + 1), "are remarked so"
        )

    def mentioning(self, word: str) -> tuple[UID, ...]:
        """Return studies whose remark or labels hold a word, at most :data:`MAX_FOUND`."""
        return tuple(self._store.mentioning(fold(word), MAX_FOUND))

    def _check_held(self, studies: tuple[UID, ...]) -> None:
        asked = Query(Level.STUDY, (UidList("StudyInstanceUID", studies),), page=Page())
        held = {match["StudyInstanceUID"] for match in self._search.find(asked)}
        for study in studies:
            if study not in held:
                raise NotFound(f"the archive holds no study {study[:64]}")


def label_key(label: str) -> str:
    """Return what labels are compared by: case, accents and width play no part."""
    return fold(label)


def _labels(texts: Sequence[str]) -> tuple[str, ...]:
    if len(texts) > MAX_LABELS:
        raise InvalidRequest(f"{len(texts)} labels, at most {MAX_LABELS} are taken at one time")
    return tuple({label_key(label): label for label in map(_label, texts)}.values())


def _label(text: str) -> str:
    label = " ".join(unicodedata.normalize("NFC", text).split())
    if not label or len(label) > MAX_LABEL_CHARACTERS or _CONTROL.search(label) or "," in label:
        raise InvalidRequest(
            f"a label has 1 to {MAX_LABEL_CHARACTERS} characters and no comma: {text[:40]!r} has not"
        )
    return label


def _remark(text: str) -> str:
    remark = text.strip()
    if len(remark) > MAX_REMARK_CHARACTERS or _CONTROL_IN_LINES.search(remark):
        raise InvalidRequest(f"a remark has at most {MAX_REMARK_CHARACTERS} characters, and no control codes")
    return remark


def _few(found: Sequence[UID], what: str) -> tuple[UID, ...]:
    if len(found) > MAX_FOUND:
        raise InvalidRequest(f"more than {MAX_FOUND} studies {what}; ask for something rarer")
    return tuple(found)
