"""What is closed or stopped when its ``with`` block ends, however that ends.

For readers, watches, ways and workers that have nothing to do at the end but that. What must know how the block
ended, or has another word for its end, says so itself.
"""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType
from typing import Protocol, Self


class Closing(Protocol):
    """A context manager that closes itself. Ports extend it, and classes take its two methods."""

    __slots__ = ()

    @abstractmethod
    def close(self) -> None:
        """Free what it holds. Idempotent."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


class Stopping(Protocol):
    """A context manager that stops itself."""

    __slots__ = ()

    @abstractmethod
    def stop(self) -> None:
        """End what runs. Idempotent."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.stop()
