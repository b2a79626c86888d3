"""Writing ``multipart/related`` whose parts are pictures or frames (RFC 2387, PS3.18 8.6.1.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

from calotype.web.multipart import fresh_boundary


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
