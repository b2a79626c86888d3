"""Child processes that work on pixels: started, told what they may take, asked, ended.

What a child is asked, and what its end means to whoever asked, is for ``isolation`` (one frame at a time) and
``fleet`` (whole objects). How a child holds itself to its limits is in ``isolated``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from calotype.errors import CalotypeError, DamagedPixels, InvalidRequest, OutOfResources, Unsupported

MIB: Final = 1024 * 1024
HAS_CHILDREN: Final = os.name == "posix" and hasattr(socket, "AF_UNIX")
"""Elsewhere no descriptor can be handed to a child."""

_ENVIRONMENT: Final = {
    # Each thread of a linear algebra that is never used would count against the memory.
    "OPENBLAS_NUM_THREADS": "1",
    # What one object takes the next one needs again: glibc gives it back to the system after each, by default, and
    # every page that comes anew costs a fault. Half of the time for a CT in RLE.
    "MALLOC_MMAP_THRESHOLD_": str(32 * MIB),
    "MALLOC_TRIM_THRESHOLD_": str(64 * MIB),
    "MALLOC_TOP_PAD_": str(4 * MIB),
}

_ENDING_S: Final = 5.0
"""A process that closed its end comes to its own end soon, but on a machine with much to do."""

_SAYABLE: Final = {each.__name__: each for each in (DamagedPixels, InvalidRequest, Unsupported, OutOfResources)}
"""What a child may say in our words."""


class Child:
    """One process with a socket to it. ``kill`` may be called by any thread, the rest by one at a time.

    ``module`` is run with the number of its end of the socket and ``arguments``. OutOfResources when there is no
    process to be had.
    """

    def __init__(self, module: str, arguments: Sequence[str]) -> None:
        self._killing = threading.Lock()
        self._is_killed = False
        ours, theirs = socket.socketpair()
        self.channel = ours
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, arguments of ours
                [sys.executable, "-P", "-m", module, str(theirs.fileno()), *arguments],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C at a terminal is for us; we end our children ourselves.
                start_new_session=True,
                env={**os.environ, **_ENVIRONMENT},
            )
        except OSError as error:
            ours.close()
            raise OutOfResources(f"no process can be started to work on pixels: {error}") from error
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def is_killed(self) -> bool:
        """Whether it was we who ended it."""
        return self._is_killed

    def is_alive(self) -> bool:
        """Tell whether it can be asked."""
        return self._process.poll() is None

    def status(self) -> int | None:
        """Return how it ended, as ``subprocess`` tells; ``None`` when it hung up and does not end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING_S)
        return self._process.returncode

    def kill(self) -> None:
        """End it, and free what it holds. Idempotent; whoever waits for its answer is told."""
        with self._killing:
            self._is_killed = True
            self._process.kill()
            self._process.wait()
            self.channel.close()


def said(name: object, detail: str) -> CalotypeError:
    """Return the error that a child names; anything else than one that it may raise is damage."""
    return _SAYABLE.get(str(name), DamagedPixels)(detail)


def in_words(status: int) -> str:
    """Return of what a child died."""
    return signal.Signals(-status).name if status < 0 else f"exit code {status}"
