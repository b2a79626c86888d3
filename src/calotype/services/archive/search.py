"""Finding what the archive holds. Doors parse and encode; the index executes; this is the one way between them.

A question may be about any attribute of the stored headers. What the index does not keep is looked up here, in the
header of each candidate that its conditions leave over: one after the other, as the answers are read, in memory that
does not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, nullcontext
from itertools import islice
from typing import Any, Final

from calotype.dicom.query import header
from calotype.dicom.query.model import Match, Query
from calotype.dicom.query.narrowing import Sieve, narrow
from calotype.services.archive.headers import decompress_header
from calotype.services.archive.ports import Index, Statistics, Total

DEFAULT_COUNT_CAP: Final = 10_000
"""Where counting stops unless told otherwise: beyond it a person reads "more than", and the index stays fast."""

LOOKS: Final = 16
"""Headers that are looked at between two checkpoints."""

Checkpoint = Callable[[], None]
"""Called now and then while nothing is found; raises what shall end the search."""


def unstopped() -> None:
    """Let a search go on: the :data:`Checkpoint` of whoever gives none."""


class Search:
    """Answers questions. Thread-safe."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def find(self, query: Query, checkpoint: Checkpoint = unstopped) -> Iterator[Match]:
        """Answer ``query``, streaming; close the iterator when not reading it to its end."""
        narrowed = narrow(query)
        if narrowed is None:
            return self._index.find(query)
        found = self._sifted(*narrowed, checkpoint)
        page = query.page
        if narrowed[0].page == page:
            return found
        until = None if page.limit is None else page.offset + page.limit
        return found if not page.offset and until is None else _part(found, page.offset, until)

    def count(self, query: Query, cap: int = DEFAULT_COUNT_CAP, checkpoint: Checkpoint = unstopped) -> Total:
        """Count the matches of ``query``, its page ignored, stopping at ``cap``."""
        narrowed = narrow(query)
        if narrowed is None or not narrowed[1].conditions:
            return self._index.count(query if narrowed is None else narrowed[0], cap)
        with closing(self._sifted(*narrowed, checkpoint)) as matches:
            found = sum(1 for _ in islice(matches, cap + 1))
        return Total(cap, at_least=True) if found > cap else Total(found)

    def _sifted(self, query: Query, sieve: Sieve, checkpoint: Checkpoint) -> Generator[Match]:
        candidates: Iterator[tuple[Match, bytes]]
        if sieve.needs_header:
            candidates = self._index.find_with_headers(query)
        else:
            candidates = ((match, b"") for match in self._index.find(query))
        with _closing(candidates):
            for looked_at, (match, stored) in enumerate(candidates):
                if looked_at % LOOKS == 0:
                    checkpoint()
                kept = sieve.keep(match, header.read(decompress_header(stored)) if stored else {})
                if kept is not None:
                    yield kept

    def statistics(self) -> Statistics:
        """Return the archive's totals."""
        return self._index.statistics()


def _part(found: Generator[Match], first: int, until: int | None) -> Iterator[Match]:
    with closing(found):
        yield from islice(found, first, until)


def _closing(candidates: Iterator[Any]) -> Any:
    """Close what has to be closed, so that what it holds is free at once."""
    return closing(candidates) if hasattr(candidates, "close") else nullcontext(candidates)
