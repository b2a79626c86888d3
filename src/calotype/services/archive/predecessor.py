"""What an object was when it came, written into the file of the form that took its place.

A data set that was compressed here has another digest than the one received. So that the original is known when it
is sent again, also by an index made anew from the files, its digest stands in the file meta information (Private
Information, PS3.10 7.1), which is no part of the object. Nothing else of what came would be lost.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import FileMeta, Private, read_file_meta
from calotype.dicom.uids import transfer_syntax
from calotype.errors import CalotypeError
from calotype.services.archive.ports import ObjectLocation, ObjectStore

CREATOR: Final = UID("2.25.153250444635939460474519759902302284130")
"""Private Information Creator UID (0002,0100) of what is described here."""

_FORM: Final = struct.Struct("<B32sQ")
_VERSION: Final = 1
_HEAD_BYTES: Final = 16 * 1024
"""More than any file meta information that is written here."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The data set as received: BLAKE3 (32 bytes) over it, its length, its transfer syntax."""

    digest: bytes
    data_bytes: int
    transfer_syntax: UID

    def private(self) -> Private:
        """Return it as file meta information holds it."""
        syntax = self.transfer_syntax.encode("ascii")
        return Private(CREATOR, _FORM.pack(_VERSION, self.digest, self.data_bytes) + syntax)


def predecessor_of(meta: FileMeta) -> Predecessor | None:
    """Return what a file's object was when it came; ``None`` where it is kept as it came."""
    private = meta.private
    if private is None or private.creator != CREATOR or len(private.information) < _FORM.size:
        return None
    version, digest, data_bytes = _FORM.unpack_from(private.information)
    if version != _VERSION:
        return None
    syntax = private.information[_FORM.size :].decode("latin-1").strip(" \0")
    return Predecessor(digest, data_bytes, UID(syntax))


def digest_as_received(objects: ObjectStore, location: ObjectLocation) -> bytes:
    """Return the digest that an object had when it came. That of what is kept, where nothing tells otherwise."""
    if not transfer_syntax(location.transfer_syntax).encapsulated:
        return location.digest
    try:
        with objects.open(location.key) as reader:
            meta = read_file_meta(reader.read_at(0, _HEAD_BYTES))
    except CalotypeError:
        # Gone or unreadable: then it is not known to be the same as anything, which loses nothing.
        return location.digest
    before = None if meta is None else predecessor_of(meta)
    return location.digest if before is None else before.digest
