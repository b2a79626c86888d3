"""A thread of its own for what is done again and again: when it is due, and whenever there is news.

What goes wrong is logged and tried again: no error ends the thread. What is done, and what is taken up again after a
restart, is known to whoever asks for it here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from calotype.errors import CalotypeError

_log = logging.getLogger(__name__)

RETRY_S: Final = 30.0
"""How long to wait after something went wrong."""


class Rounds:
    """Calls ``work`` between :meth:`start` and :meth:`stop`. Thread-safe.

    ``work`` returns in how many seconds it wants to be called again; it asks :attr:`is_stopping` now and then, where
    it takes long. ``what`` waits when it fails, for people who read the log.
    """

    def __init__(self, work: Callable[[], float], *, name: str, what: str, retry_s: float = RETRY_S) -> None:
        self._work = work
        self._name = name
        self._what = what
        self._retry_s = retry_s
        self._changed = threading.Condition()
        self._news = 0
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether no more is to be begun."""
        return self._is_stopping

    def start(self) -> None:
        """Begin, with a round at once."""
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, wait_s: float) -> None:
        """Stop after what is being done now, waiting at most ``wait_s``. Idempotent."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(wait_s)

    def wake(self) -> None:
        """Tell that there is news: a round comes at once, or after the one that is being made."""
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                news = self._news
            try:
                wait_s = self._work()
            except CalotypeError as error:
                _log.warning("%s waits: %s", self._what, error)
                wait_s = self._retry_s
            except Exception:  # noqa: BLE001 - a mistake in one round must not end all others
                if self._is_stopping:
                    # What it works on was closed under it: the rest is done at the next start.
                    return
                _log.exception("%s waits: our own mistake", self._what)
                wait_s = self._retry_s
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopping or self._news != news, wait_s)  # noqa: B023 - called before the next round
                if self._is_stopping:
                    return
