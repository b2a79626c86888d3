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
from calotype.dicom.part10 import FileMeta, Private

CREATOR: Final = UID("2.25.153250444635939460474519759902302284130")
"""Private Information Creator UID (0002,0100) of what is described here."""

_FORM: Final = struct.Struct("<B32sQ")
_VERSION: Final = 1


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
