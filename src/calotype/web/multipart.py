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
class RelatedWriter:
    """The bytes around the parts of one message whose parts are DICOM objects."""

    boundary: str = field(default_factory=fresh_boundary)

    @property
    def content_type(self) -> str:
        """The message's Content-Type."""
        return f'multipart/related; type="application/dicom"; boundary={self.boundary}'

    def prefix(self, transfer_syntax: UID, size_bytes: int | None) -> bytes:
        """Return the delimiter and headers before a part of ``size_bytes``, ``None``: only its end will tell."""
        length = "" if size_bytes is None else f"Content-Length: {size_bytes}\r\n"
        return (
            f"\r\n--{self.boundary}\r\n"
            f"Content-Type: application/dicom; transfer-syntax={plain(transfer_syntax)}\r\n"
            f"{length}\r\n"
        ).encode("ascii")

    @property
    def end(self) -> bytes:
        """The closing delimiter."""
        return f"\r\n--{self.boundary}--\r\n".encode("ascii")


def related_documents(documents: Iterable[bytes], content_type: str) -> tuple[bytes, str]:
    """Return a message whose parts are whole documents of one type, at least one, and its Content-Type."""
    boundary = fresh_boundary()
    head = f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode("ascii")
    message = b"".join([*(head + document for document in documents), f"\r\n--{boundary}--\r\n".encode("ascii")])
    return message, f'multipart/related; type="{content_type}"; boundary={boundary}'


def plain(uid: UID) -> str:
    """Keep what a UID is made of, and a header line a header line: a stored file may claim anything."""
    return "".join(char for char in uid[:64] if char in "0123456789.")
