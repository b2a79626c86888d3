"""What a user has measured and marked in the pictures of a study: kept for that user, and shown to nobody else.

An annotation is an object of the viewer's own, which is kept and not looked into; it is named by whoever made it.
Each is kept for itself: of two pages that change the same one the later wins, and neither undoes what the other has
done beside it. Annotations outlive a rebuild of the index, wait with a study in the recycle bin, and go with their
user; what they are kept in is the port :class:`AnnotationStore`. No object says any of it, and none is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

import orjson

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.model import Page, Query, UidList
from calotype.errors import InvalidRequest, NotFound
from calotype.services.archive.search import Search

NAME_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
MAX_BYTES: Final = 16 * 1024
"""Of one annotation, as JSON."""
MAX_CHANGES: Final = 500
"""At one time."""
MAX_OF_STUDY: Final = 2000
"""Of one user in one study."""
MAX_OF_USER: Final = 50_000

_NAME: Final = re.compile(NAME_PATTERN, re.ASCII)

Annotation = Mapping[str, Any]


class AnnotationStore(Protocol):
    """Keeps annotations as texts, by user, Study Instance UID and name. Thread-safe."""

    def annotations(self, user: str, study: UID) -> Mapping[str, str]:
        """Return those of a user in a study, by name."""
        ...

    def annotate(self, user: str, study: UID, changes: Mapping[str, str | None]) -> None:
        """Put some in the place of what was there, ``None``: take it away; all of it or nothing.

        OutOfResources, and nothing is done, when a user then had more than :data:`MAX_OF_STUDY` in the study, or more
        than :data:`MAX_OF_USER`.
        """
        ...


class Annotations:
    """Keeps what users mark in studies. Thread-safe."""

    def __init__(self, store: AnnotationStore, search: Search) -> None:
        self._store = store
        self._search = search

    def of(self, user: str, study: UID) -> dict[str, Annotation]:
        """Return the annotations of a user in a study, by name."""
        return {name: orjson.loads(text) for name, text in self._store.annotations(user, study).items()}

    def change(self, user: str, study: UID, changes: Mapping[str, Annotation | None]) -> None:
        """Keep what is named, ``None``: no longer.

        InvalidRequest for what is too much or too long, NotFound when the archive does not hold the study,
        OutOfResources when the user has too many.
        """
        if len(changes) > MAX_CHANGES:
            raise InvalidRequest(f"{len(changes)} annotations; at most {MAX_CHANGES} are changed at one time")
        texts = {_name(name): None if value is None else _text(name, value) for name, value in changes.items()}
        self._check_held(study)
        self._store.annotate(user, study, texts)

    def _check_held(self, study: UID) -> None:
        asked = Query(Level.STUDY, (UidList("StudyInstanceUID", (study,)),), page=Page())
        if next(self._search.find(asked), None) is None:
            raise NotFound(f"the archive holds no study {study[:64]}")


def _name(name: str) -> str:
    if not _NAME.match(name) or name.endswith("\n"):
        raise InvalidRequest(
            f"the name of an annotation has 1 to 128 letters, digits and . _ : - in it, {name[:40]!r} has not"
        )
    return name


def _text(name: str, value: Annotation) -> str:
    try:
        text = orjson.dumps(value)
    except TypeError as error:
        raise InvalidRequest(f"the annotation {name} is no JSON object: {error}") from error
    if len(text) > MAX_BYTES:
        raise InvalidRequest(f"the annotation {name} has {len(text)} bytes; at most {MAX_BYTES} are kept")
    return text.decode()
