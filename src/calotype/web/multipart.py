"""Writing ``multipart/related`` (RFC 2387, PS3.18 8.6.1.2). Reading is in ``multipart_reader``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import uuid4

from calotype.dicom.hierarchy import UID


def fresh_boundary() -> str:
    """Return a fresh boundary: 122 random bits, so that no object holds it by chance or by an attacker's choice."""
    return f"calotype-{uuid4().hex}"


@dataclass(frozen=True, slots=True)
class PartsWriter:
    """The bytes around the parts of one message; ``media_type`` is that of its parts. All text given is ours."""

    media_type: str
    boundary: str = field(default_factory=fresh_boundary)

    @property
    def content_type(self) -> str:
        """The message's Content-Type."""
        return f'multipart/related; type="{self.media_type}"; boundary={self.boundary}'

    def prefix(self, content_type: str, size_bytes: int | None, location: str = "") -> bytes:
        """Return the delimiter and headers before a part; ``None``: only its end will tell how long it is."""
        length = "" if size_bytes is None else f"Content-Length: {size_bytes}\r\n"
        where = f"Content-Location: {location}\r\n" if location else ""
        return f"\r\n--{self.boundary}\r\nContent-Type: {content_type}\r\n{length}{where}\r\n".encode("ascii")

    @property
    def end(self) -> bytes:
        """The closing delimiter."""
        return f"\r\n--{self.boundary}--\r\n".encode("ascii")


def related_documents(documents: Iterable[bytes], media_type: str) -> tuple[bytes, str]:
    """Return a message whose parts are whole documents of one type, at least one, and its Content-Type."""
    writer = PartsWriter(media_type)
    parts = (writer.prefix(media_type, None) + document for document in documents)
    return b"".join((*parts, writer.end)), writer.content_type


def object_type(transfer_syntax: UID) -> str:
    """Return the Content-Type of a DICOM object."""
    return f"application/dicom; transfer-syntax={plain(transfer_syntax)}"


def plain(uid: UID) -> str:
    """Keep what a UID is made of, and a header line a header line: a stored file may claim anything."""
    return "".join(char for char in uid[:64] if char in "0123456789.")
