"""uvicorn's HTTP protocol, which lends every request the :class:`lines.Line` to its client. Nothing else is changed.

The one place that knows how uvicorn is made: of a cycle (one request with its answer) its ``transport`` and how much
of a body of known length it still waits for.
"""

from __future__ import annotations

import socket
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from calotype.web.lines import CAN_LEND, EXTENSION

_WITHOUT_BODY: Final = "HEAD"


class LendingProtocol(HttpToolsProtocol):
    """One connection."""

    def on_headers_complete(self) -> None:
        """Start the request; its task runs later, so what is put into its scope here is there in time."""
        super().on_headers_complete()
        if CAN_LEND and self.scheme == "http" and self.scope["method"] != _WITHOUT_BODY:
            scope = cast("dict[str, Any]", self.scope)
            scope.setdefault("extensions", {})[EXTENSION] = _Line(self.cycle)


class _Line:
    """See ``lines.Line``."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def is_clear(self) -> bool:
        return not self._cycle.transport.get_write_buffer_size()

    def duplicate(self) -> socket.socket:
        # The loop closes its own descriptor when the client leaves, and the system may give its number to the next
        # client at once: a thread that still sends must not do so by that number.
        lent: socket.socket = self._cycle.transport.get_extra_info("socket")
        return lent.dup()

    def settle(self, size_bytes: int) -> None:
        if not self._cycle.chunked_encoding:
            self._cycle.expected_content_length -= size_bytes

    def cut(self) -> None:
        self._cycle.transport.abort()
