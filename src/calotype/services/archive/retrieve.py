"""Handing out what the archive holds, as it is stored. Doors choose a selection and how to wrap the bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from calotype.dicom.hierarchy import InstanceRef, Selection
from calotype.errors import CalotypeError, NotFound
from calotype.services.archive.headers import decompress_header
from calotype.services.archive.ports import Index, ObjectReader, ObjectStore, StoredInstance


class Retrieve:
    """Locates and opens stored objects. Thread-safe."""

    def __init__(self, objects: ObjectStore, index: Index) -> None:
        self._objects = objects
        self._index = index

    def locate(self, selection: Selection) -> Iterator[StoredInstance]:
        """Return what ``selection`` names, grouped by study and series, by instance number within."""
        return self._index.locate(selection)

    def open(self, stored: StoredInstance) -> ObjectReader:
        """Open exactly the object ``stored`` names: a whole Part 10 file. NotFound when it is gone."""
        return self._objects.open(stored.location.key)

    def open_current(self, stored: StoredInstance) -> tuple[StoredInstance, ObjectReader]:
        """Open an object as :meth:`open` does, or what took its place since it was located, and say which."""
        try:
            return stored, self.open(stored)
        except NotFound:
            # An instance overwritten between locate and open stands under another key, at other offsets.
            current = self._index.instance(stored.ref.instance)
            if current is None or current.location.key == stored.location.key:
                raise
            return current, self.open(current)

    def withheld(self, _located: Iterable[StoredInstance], /) -> Mapping[InstanceRef, CalotypeError]:
        """Return which of these objects do not leave here, and why: as they are stored, all do."""
        return {}

    def headers(self, selection: Selection) -> Iterator[tuple[InstanceRef, bytes]]:
        """Return the DICOM JSON header of each selected instance, in the order of :meth:`locate`.

        Each is one JSON object in UTF-8; its ``BulkDataURI`` values are relative (see ``dicom.json_model``).
        """
        for ref, compressed in self._index.headers(selection):
            yield ref, decompress_header(compressed)

    def kept_headers(self, selection: Selection) -> Iterator[tuple[InstanceRef, bytes]]:
        """Return what :meth:`headers` does, each as it is kept: for whoever only compares."""
        return self._index.headers(selection)
