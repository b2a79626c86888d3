"""Stored objects leaving without their patient: PS3.15 Annex E by ``dicom.deidentify``, with the archive's own key.

Every door that hands out de-identified objects asks here, so the same study becomes the same one whoever asks for it
and when. What is done to an object is for ``dicom.deidentify``; nothing here knows about HTTP or associations.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from calotype.dicom.deidentify.options import Wishes
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.forms import Each, one_by_one
from calotype.services.archive.ports import ObjectReader, StoredInstance


class Anonymised(Protocol):
    """A data set without its patient. ``size_bytes`` is its length, ``None`` where only the end will tell.

    ``transfer_syntax`` is the stored one, or Explicit VR Little Endian where pixels had to be masked that cannot be
    compressed again without loss. :meth:`chunks` reads the source, so call it while that is valid.
    """

    size_bytes: int | None
    ref: InstanceRef
    sop_class: UID
    transfer_syntax: UID

    def chunks(self) -> Iterator[bytes]:
        """Return the data set in pieces of at most 1 MiB, none of them empty; each call begins anew."""
        ...


class Anonymiser(Protocol):
    """Makes objects leave without their patient. Thread-safe.

    Both ways raise, before anything is handed out: Refused when an object cannot be de-identified as wished for
    (burned-in identity suspected, visual features to be cleaned, or an identifying value found in what was made),
    InvalidRequest when it is damaged. ``wishes``: ``None`` is what settings say.
    """

    def anonymised(
        self,
        reader: ObjectReader,
        place: slice,
        stored: UID,
        wishes: Wishes | None = None,
        *,
        each: Each = one_by_one,
    ) -> AbstractContextManager[Anonymised]:
        """Lend the data set that stands at ``place`` of an open object, in transfer syntax ``stored``, without it."""
        ...

    def opened(
        self, stored: StoredInstance, reader: ObjectReader, wishes: Wishes | None = None, *, each: Each = one_by_one
    ) -> AbstractContextManager[tuple[StoredInstance, ObjectReader]]:
        """Lend an object as a whole Part 10 file without its patient, as if it were stored so.

        What takes a stored object and its reader (``forms.converted``, a delivery, pictures) takes these. The digest
        and key are other ones than those of the original. ``reader`` stays the caller's to close.
        """
        ...

    def ref_of(self, ref: InstanceRef, wishes: Wishes | None = None) -> InstanceRef:
        """Return under which UIDs an object leaves, without opening it."""
        ...
