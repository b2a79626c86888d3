"""What routing needs from below to ask neighbours for what they have, and to read files of this machine.

``scu.inquirer`` implements :class:`Inquirer` over associations, ``scu.files`` :class:`LocalFiles`. Errors that leave
an implementation are ``calotype.errors``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.negotiated import BASELINE, Negotiated
from calotype.services.archive.ports import ObjectReader, ReadableBuffer
from calotype.services.routing.nodes import AddressBook, Node
from calotype.services.routing.ports import Parcel

Keys: TypeAlias = Mapping[str, Any]
"""Keyword -> text to match on (empty: only wanted back), or for a sequence a list of one such mapping."""

Found: TypeAlias = dict[str, Any]
"""One answer: keyword -> text, or for a sequence a list of such mappings."""


class Report(Protocol):
    """A node's word on its sub-operations (PS3.4 C.4.2.1.6); a counter that it left out is ``None``."""

    @property
    def remaining(self) -> int | None:
        """How many are still to be done."""
        ...

    @property
    def completed(self) -> int | None:
        """How many were done."""
        ...

    @property
    def failed(self) -> int | None:
        """How many could not be done."""
        ...

    @property
    def warning(self) -> int | None:
        """How many were done with a warning."""
        ...

    @property
    def is_final(self) -> bool:
        """Whether there is no other report."""
        ...

    @property
    def is_cancelled(self) -> bool:
        """Whether the node stopped before its time."""
        ...

    @property
    def failed_sop_instances(self) -> Sequence[str]:
        """Failed SOP Instance UID List (0008,0058) of a final report."""
        ...

    @property
    def in_words(self) -> str:
        """The status and the node's comment in one line."""
        ...


class Incoming(Protocol):
    """One object on its way in. As a context manager it is discarded unless committed."""

    def write(self, parts: Sequence[ReadableBuffer]) -> None:
        """Take the next bytes of the data set; ``parts`` may be reused after the call."""
        ...

    def commit(self) -> object:
        """Keep the object: it is complete."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Receiver(Protocol):
    """Keeps fetched objects. Nothing that it is given may be trusted; its errors are ``calotype.errors``."""

    def begin(self, sop_class: UID, sop_instance: UID, transfer_syntax: UID, source_ae_title: str) -> Incoming:
        """Make ready for an object that ``source_ae_title`` sends."""
        ...


class Inquirer(Protocol):
    """Asks neighbours. Any thread may ask at any time; each generator belongs to one thread.

    All raise, at the first step: Unavailable when the node cannot be reached, Refused when it turns us away,
    Unsupported when it does not offer the service, and what its final status means. Closing a generator tells the
    node to stop.
    """

    def find(
        self, node: Node, level: Level, keys: Keys, limit: int | None = None, extensions: Negotiated = BASELINE
    ) -> Generator[Found, None, None]:
        """Ask what a node has (C-FIND). InvalidRequest when a key is no attribute.

        ``extensions`` are what the node has to agree to; Unsupported when it does not.
        """
        ...

    def worklist(self, node: Node, keys: Keys, limit: int | None = None) -> Generator[Found, None, None]:
        """Ask what a node has scheduled (PS3.4 K). InvalidRequest when a key is no attribute."""
        ...

    def move(self, node: Node, destination: str, wanted: Selection) -> Generator[Report, None, None]:
        """Have a node send to a third one (C-MOVE), the last report being final. NotFound: unknown destination."""
        ...

    def get(
        self, node: Node, wanted: Selection, receiver: Receiver, transfer_syntaxes: Sequence[UID] = ()
    ) -> Generator[Report, None, None]:
        """Fetch from a node into ``receiver`` (C-GET), the last report being final.

        Of ``transfer_syntaxes``, if any are given, only those are offered, each so that the node can choose it.
        """
        ...


class LocalFiles(Protocol):
    """Reads Part 10 files of this machine. Any thread may ask at any time."""

    def walk(self, paths: Sequence[Path]) -> Iterator[Path]:
        """Return the files among ``paths`` and in the folders among them. NotFound when one does not exist."""
        ...

    def read(self, path: Path) -> Parcel:
        """Read what a file holds. InvalidRequest when it is no object to be sent; NotFound, Unavailable."""
        ...

    def open(self, path: Path) -> ObjectReader:
        """Open a file. NotFound, Unavailable."""
        ...


class WishfulBook(AddressBook, Protocol):
    """An address book that also knows what we like best of what a node sends to us."""

    def wishing(self, ae_title: str, transfer_syntaxes: Sequence[UID]) -> AbstractContextManager[None]:
        """While the block runs, like these best from a node."""
        ...
