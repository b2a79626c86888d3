"""Notes of deletions, kept beside the objects: what says that an object was deleted when the index is lost.

A note is written before the deletion is committed and removed after the last of its files, so there is one for every
object that lies in the bin. While there is an index, it alone decides; a note without a row then means nothing.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from calotype.dicom.hierarchy import UID, Level
from calotype.errors import CalotypeError, InvalidRequest, NotFound, OutOfResources
from calotype.services.archive.ports import ObjectStore
from calotype.services.archive.recycled import Deletion, Ref, level_of, narrowed, widened

_log = logging.getLogger(__name__)

FOLDER: Final = "recycled"
_NOTE: Final = re.compile(rf"{FOLDER}/[0-9a-f]{{32}}\.recycled", re.ASCII)
_KIND: Final = "calotype deletion 1"
_LINES_AT_ONCE: Final = 1000


def is_note(key: str) -> bool:
    """Tell whether ``key`` is that of a note: no layout makes one like it of what an object says."""
    return _NOTE.fullmatch(key) is not None


def new_key() -> str:
    """Return a key for a note."""
    return f"{FOLDER}/{secrets.token_hex(16)}.recycled"


@dataclass(frozen=True, slots=True)
class Note:
    """A deletion, and the keys of the objects that it took."""

    deletion: Deletion
    keys: frozenset[str]


class Notes:
    """Writes, reads and removes notes. Thread-safe."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def write(self, deletion: Deletion, keys: Iterable[str]) -> None:
        """Write a note, durably. A full disk is no reason not to delete: then there is none, which is logged."""
        try:
            self._write(deletion, keys)
        except OutOfResources as error:
            _log.warning(
                "no note of the deletion of %s, it would come back should the index be lost: %s", deletion.ref, error
            )

    def _write(self, deletion: Deletion, keys: Iterable[str]) -> None:
        ref = widened(deletion.ref)
        head = {
            "kind": _KIND,
            "level": level_of(deletion.ref),
            "study": ref.study,
            "series": ref.series,
            "instance": ref.instance,
            "by": deletion.by,
            "reason": deletion.reason,
            "at_us": deletion.at_us,
        }
        spool = self._objects.spool()
        try:
            lines = [json.dumps(head)]
            for key in keys:
                lines.append(json.dumps(key))
                if len(lines) >= _LINES_AT_ONCE:
                    spool.write(["".join(f"{line}\n" for line in lines).encode()])
                    lines.clear()
            spool.write(["".join(f"{line}\n" for line in lines).encode()])
            self._objects.put(spool, deletion.note_key)
        finally:
            spool.discard()

    def read(self, key: str) -> Note:
        """Read a note. NotFound; InvalidRequest when it is none or was damaged."""
        with self._objects.open(key) as reader:
            content = reader.read_at(0, reader.size_bytes)
        try:
            head, *keys = [json.loads(line) for line in content.splitlines()]
            if head["kind"] != _KIND:
                raise InvalidRequest(f"{key} is no note of a deletion")
            ref: Ref = narrowed(UID(head["study"]), UID(head["series"]), UID(head["instance"]))
            if level_of(ref) is not Level(head["level"]):
                raise InvalidRequest(f"{key} is a note that contradicts itself")
            deletion = Deletion(ref, str(head["by"]), str(head["reason"]), int(head["at_us"]), key)
            return Note(deletion, frozenset(map(str, keys)))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidRequest(f"{key} is no note of a deletion: {error}") from error

    def walk(self) -> Iterator[str]:
        """Walk over the notes there are."""
        return (key for key in self._objects.keys(FOLDER) if is_note(key))

    def remove(self, key: str) -> None:
        """Remove a note. Never raises: one that is left says of a deletion that is over what nobody asks for."""
        if not key:
            return
        try:
            self._objects.delete(key)
        except NotFound:
            return
        except CalotypeError as error:
            _log.warning("the note %s could not be removed: %s", key, error)
