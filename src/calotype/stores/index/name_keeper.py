"""Keying the names of patients while the index is quiet: when, and in what portions. What is done is in ``names``.

One thread, asleep until something has been written. It waits until no commit has come for a while, or, where they
never end, for its patience; then it does one small piece of work after the other. Who stores objects meanwhile waits
for one of them at most.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from calotype.errors import CalotypeError

QUIET_S: Final = 2.0
"""Without a commit for so long, the index is quiet."""
PATIENCE_S: Final = 60.0
"""After so long of commits that never end, names are keyed between them."""
PAUSE_S: Final = 0.02
"""Between two pieces of work, for everybody else's."""

_log = logging.getLogger(__name__)


class NameKeeper:
    """Calls ``key_some`` until ``is_behind`` says that there is nothing left, whenever something has been written."""

    def __init__(
        self, is_behind: Callable[[], bool], key_some: Callable[[], None], *, quiet_s: float = QUIET_S
    ) -> None:
        self._is_behind = is_behind
        self._key_some = key_some
        self._quiet_s = quiet_s
        self._written_s = time.monotonic()
        self._wrote = threading.Event()
        self._stopping = threading.Event()
        # What was left undone by whoever had the index open before.
        self._wrote.set()
        self._thread = threading.Thread(target=self._run, name="calotype-index-names", daemon=True)
        self._thread.start()

    def wrote(self) -> None:
        """Tell that something has been committed."""
        self._written_s = time.monotonic()
        if not self._wrote.is_set():
            self._wrote.set()

    def _run(self) -> None:
        while True:
            self._wrote.wait()
            # In this order: stopping sets both, this one last.
            self._wrote.clear()
            if self._stopping.is_set():
                return
            self._wait_for_quiet()
            try:
                while not self._stopping.is_set() and self._is_behind():
                    self._key_some()
                    self._stopping.wait(PAUSE_S)
            except CalotypeError as error:
                _log.warning("names could not be keyed for fuzzy searches, it will be tried again: %s", error)

    def _wait_for_quiet(self) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while (now_s := time.monotonic()) < until_s:
            left_s = self._written_s + self._quiet_s - now_s
            if left_s <= 0 or self._stopping.wait(left_s):
                return

    def stop(self) -> None:
        """Return when the thread has ended, at the latest after the piece of work that it does."""
        self._stopping.set()
        self._wrote.set()
        self._thread.join()
