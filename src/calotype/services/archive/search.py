"""Finding what the archive holds. Doors parse and encode; the index executes; this is the one way between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from calotype.dicom.query.model import Match, Query
from calotype.services.archive.ports import Index, Statistics, Total

DEFAULT_COUNT_CAP: Final = 10_000
"""Where counting stops unless told otherwise: beyond it a person reads "more than", and the index stays fast."""


class Search:
    """Answers questions. Thread-safe."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def find(self, query: Query) -> Iterator[Match]:
        """Answer ``query``, streaming; close the iterator when not reading it to its end."""
        return self._index.find(query)

    def count(self, query: Query, cap: int = DEFAULT_COUNT_CAP) -> Total:
        """Count the matches of ``query``, its page ignored, stopping at ``cap``."""
        return self._index.count(query, cap)

    def statistics(self) -> Statistics:
        """Return the archive's totals."""
        return self._index.statistics()
