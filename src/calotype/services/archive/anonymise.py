"""Stored objects leaving without their patient: PS3.15 Annex E by ``dicom.deidentify``, with the archive's own key.

Every door that hands out de-identified objects asks here, so the same study becomes the same one whoever asks for it
and when. What is done to an object is for ``dicom.deidentify``; nothing here knows about HTTP or associations.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import IO, Final

from blake3 import blake3

from calotype.closing import Closing
from calotype.dicom.deidentify.deidentify import Policy, check, deidentify
from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.deidentify.pseudonyms import Pseudonyms
from calotype.dicom.deidentify.result import Deidentified
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.pixels.transcode import Decode, Each, decode, one_by_one
from calotype.errors import OutOfResources
from calotype.services.archive.inspection import mapped
from calotype.services.archive.ports import ObjectLocation, ObjectReader, StoredInstance

Anonymised = Deidentified
"""A data set without its patient: ``size_bytes`` (``None`` where only the end will tell), ``chunks()``, ``ref``,
``sop_class``, ``transfer_syntax``.

The syntax is the stored one, or Explicit VR Little Endian where pixels had to be masked that cannot be compressed
again without loss.
"""

_MAX_AUDIENCES: Final = 64
_IN_MEMORY_BYTES: Final = 16 * 1024 * 1024
"""What is made anew as a whole (masked pixels, deflated) is kept in memory up to this, else in a temporary file."""


@dataclass(frozen=True, slots=True)
class AnonymiseSettings:
    """What an administrator has decided: ``policy`` for every object, ``wishes`` where nobody says otherwise."""

    policy: Policy = field(default_factory=Policy)
    wishes: Wishes = field(default_factory=Wishes)


class Anonymiser:
    """Makes objects leave without their patient. Thread-safe. ``decode`` decodes frames that are to be masked.

    Both ways raise, before anything is handed out: Refused when an object cannot be de-identified as wished for
    (burned-in identity suspected, visual features to be cleaned, or an identifying value found in what was made),
    InvalidRequest when it is damaged, Unavailable when the key is. ``wishes``: ``None`` is what settings say.
    """

    def __init__(
        self, key: Callable[[], bytes], settings: AnonymiseSettings | None = None, *, decode: Decode = decode
    ) -> None:
        self._key = key
        self._decode = decode
        self.settings = settings or AnonymiseSettings()
        self._pseudonyms = lru_cache(maxsize=_MAX_AUDIENCES)(self._make_pseudonyms)

    def wishes(self, options: frozenset[Option] | None, patient_id: str = "", patient_name: str = "") -> Wishes:
        """Return wishes with ``options``, those of the settings when ``None``. InvalidRequest for a contradiction."""
        chosen = self.settings.wishes.options if options is None else options
        return Wishes(chosen, patient_id, patient_name)

    @contextmanager
    def anonymised(
        self,
        reader: ObjectReader,
        place: slice,
        stored: UID,
        wishes: Wishes | None = None,
        *,
        each: Each = one_by_one,
    ) -> Iterator[Anonymised]:
        """Lend the data set that stands at ``place`` of an open object, in transfer syntax ``stored``, without it."""
        with mapped(reader, place) as data, self.deidentified(data, stored, wishes, each=each) as new:
            yield new

    def deidentified(
        self, data: bytes | memoryview, stored: UID, wishes: Wishes | None = None, *, each: Each = one_by_one
    ) -> Deidentified:
        """Return a data set that is here already, without its patient; see ``dicom.deidentify``."""
        wishes = wishes or self.settings.wishes
        pseudonyms = self._pseudonyms(wishes.patient_id)
        return deidentify(data, stored, wishes, self.settings.policy, pseudonyms, each=each, decode=self._decode)

    def check(self, stored: StoredInstance, reader: ObjectReader, wishes: Wishes | None = None) -> None:
        """Raise what :meth:`opened` would, but for pixels that cannot be decoded where they must be masked."""
        wishes = wishes or self.settings.wishes
        location = stored.location
        with mapped(reader, location.place) as data:
            check(data, location.transfer_syntax, wishes, self.settings.policy, self._pseudonyms(wishes.patient_id))

    @contextmanager
    def opened(
        self, stored: StoredInstance, reader: ObjectReader, wishes: Wishes | None = None, *, each: Each = one_by_one
    ) -> Iterator[tuple[StoredInstance, ObjectReader]]:
        """Lend an object as a whole Part 10 file without its patient, as if it were stored so.

        What takes a stored object and its reader (``forms.converted``, a delivery, pictures) takes these. The digest
        and key are other ones than those of the original. ``reader`` stays the caller's to close, after this.
        """
        location = stored.location
        with self.anonymised(reader, location.place, location.transfer_syntax, wishes, each=each) as new:
            meta = write_file_meta(new.sop_class, new.ref.instance, new.transfer_syntax)
            pieces = new.pieces()
            digest = blake3(location.digest)
            whole: _Patchwork | _Made
            if pieces is None:
                whole = _made(meta, new, digest.update)
            else:
                whole = _Patchwork(meta, pieces, reader, location.data_offset)
                for piece in pieces:
                    digest.update(piece if isinstance(piece, bytes) else repr(piece).encode("ascii"))
        with whole:
            name = digest.digest()
            there = ObjectLocation(
                key=f"{location.key}~{name[:8].hex()}",
                size_bytes=whole.size_bytes,
                data_offset=len(meta),
                data_bytes=whole.size_bytes - len(meta),
                digest=name,
                transfer_syntax=new.transfer_syntax,
            )
            yield replace(stored, ref=new.ref, location=there), whole

    def _make_pseudonyms(self, audience: str) -> Pseudonyms:
        return Pseudonyms(self._key(), audience)


class _Patchwork(Closing):
    """An object of new bytes and ranges of another that is open; see ``ports.ObjectReader``. Nothing is copied."""

    def __init__(self, meta: bytes, pieces: Sequence[bytes | range], reader: ObjectReader, data_offset: int) -> None:
        self._reader = reader
        self._data_offset = data_offset
        self._pieces = [meta, *pieces]
        self._starts = [0]
        for piece in self._pieces:
            self._starts.append(self._starts[-1] + len(piece))
        self.size_bytes = self._starts[-1]

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``."""
        found = []
        end = min(offset + size_bytes, self.size_bytes)
        at = bisect_right(self._starts, offset) - 1
        while offset < end:
            piece = self._pieces[at][offset - self._starts[at] : end - self._starts[at]]
            if isinstance(piece, range):
                piece = self._reader.read_at(self._data_offset + piece.start, len(piece))
            if not piece:
                at += 1
                continue
            found.append(piece)
            offset += len(piece)
            at = bisect_right(self._starts, offset) - 1
        return found[0] if len(found) == 1 else b"".join(found)

    def fileno(self) -> int | None:
        """Return nothing: no file has these bytes."""
        return None

    def close(self) -> None:
        """Do nothing: what is open is the caller's."""


class _Made(Closing):
    """An object that was made whole, in a temporary file; see ``ports.ObjectReader``."""

    def __init__(self, file: IO[bytes], size_bytes: int) -> None:
        self._file = file
        self.size_bytes = size_bytes

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``."""
        self._file.seek(offset)
        return self._file.read(size_bytes)

    def fileno(self) -> int | None:
        """Return the descriptor; asked for, what was in memory goes to a file."""
        return self._file.fileno()

    def close(self) -> None:
        """Remove it."""
        self._file.close()


def _made(meta: bytes, new: Deidentified, digest: Callable[[bytes], object]) -> _Made:
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by _Made
    try:
        size_bytes = file.write(meta)
        for chunk in new.chunks():
            digest(chunk)
            size_bytes += file.write(chunk)
        file.flush()
    except OSError as error:
        file.close()
        raise OutOfResources(f"there is no room for a de-identified object: {error.strerror}") from error
    except BaseException:
        file.close()
        raise
    return _Made(file, size_bytes)
