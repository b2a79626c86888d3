"""Answers in parts, taken apart again by the archive's own reader."""

from __future__ import annotations

from calotype.web.multipart_reader import MultipartReader, PartLimits, boundary_of


class _Parts:
    def __init__(self):
        self.found = []

    def begin(self, headers):
        self.found.append((headers, bytearray()))

    def data(self, piece):
        self.found[-1][1].extend(piece)

    def end(self):
        pass


def parts_of(response):
    """Return the headers and the content of each part of a body."""
    parts = _Parts()
    reader = MultipartReader(boundary_of(response.headers["content-type"]), parts, PartLimits(100, 1000))
    reader.feed(response.content)
    reader.finish()
    return [(headers, bytes(content)) for headers, content in parts.found]
