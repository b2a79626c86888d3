"""Server-sent events (WHATWG HTML 9.2): pushed as they come, with no thread waiting for them.

Here is how any stream is sent, and the stream of jobs. A stream ends when the client leaves, when the watch is closed
(the house stops) or when there is nothing more to come. Between events a comment is sent now and then, by which both
ends notice a line that is dead.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final, TypeAlias

import anyio
import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from calotype.services.jobs.model import Job
from calotype.services.jobs.watching import Watch
from calotype.web.streams import cancel_on_disconnect

KEEP_ALIVE_S: Final = 15.0
FIRST_RETRY_MS: Final = 2000
"""How long a browser shall wait before it connects again."""

FINAL_ID: Final = "final"
"""The ID of the event after which there is no other; a client that comes back with it is told so (204)."""

log = logging.getLogger(__name__)

OpenWatch: TypeAlias = Callable[[Callable[[], None]], Watch]
"""Opens a watch that calls the function it is given after each change."""

View: TypeAlias = Callable[[Job], object]
"""Makes what is sent of a job."""


class ServerSentEvents(Response, ABC):
    """An ASGI response that sends what :meth:`events` gives; a client that takes nothing for so long is given up."""

    media_type = "text/event-stream"

    def __init__(self, *, idle_s: float) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"})
        self._idle_s = idle_s

    @abstractmethod
    def events(self) -> AsyncGenerator[bytes, None]:
        """Give events and comments, each with the empty line that ends it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events, unless the client leaves first."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancel_on_disconnect, receive, tasks.cancel_scope)
            try:
                await self._pump(send)
            except TimeoutError:
                log.info("%s given up: the client took nothing for %g s", scope["path"], self._idle_s)
            tasks.cancel_scope.cancel()

    async def _pump(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._send(send, f"retry: {FIRST_RETRY_MS}\n\n".encode())
        async with aclosing(self.events()) as events:
            async for chunk in events:
                await self._send(send, chunk)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, chunk: bytes) -> None:
        with anyio.fail_after(self._idle_s):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


class Waker:
    """Lets any thread wake a coroutine of this loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def __call__(self) -> None:
        """Wake whoever waits; when the loop is closed nobody is left to be woken."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def wait(self, timeout_s: float) -> bool:
        """Wait to be woken, and tell whether it came to that in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        finally:
            self._changed.clear()
        return True


def event(name: str, data: object, number: str = "") -> bytes:
    """Return one event; JSON has no line breaks of its own, so one data line holds it."""
    told = f"id: {number}\n" if number else ""
    return f"event: {name}\n{told}data: ".encode() + orjson.dumps(data) + b"\n\n"


STILL_HERE: Final = b": still here\n\n"


class EventStream(ServerSentEvents):
    """Sends a job's changes as events named ``job``."""

    def __init__(
        self,
        open_watch: OpenWatch,
        now: Callable[[], Awaitable[Sequence[Job]]],
        view: View,
        *,
        ends_with_job: bool,
        idle_s: float,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        """Send what ``now`` gives, then every change; with ``ends_with_job`` no more after a final state.

        ``now`` is asked when the watch is open, so that nothing falls in between. A client that takes nothing for
        ``idle_s`` seconds is given up.
        """
        super().__init__(idle_s=idle_s)
        self._open_watch = open_watch
        self._now = now
        self._view = view
        self._ends_with_job = ends_with_job
        self._keep_alive_s = keep_alive_s

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Give what there is now, then every change."""
        wake = Waker()
        with self._open_watch(wake) as watch:
            for job in await self._now():
                yield self._event(job)
                if self._is_last(job):
                    return
            while not watch.is_closed:
                if not await wake.wait(self._keep_alive_s):
                    yield STILL_HERE
                for job in watch.take(0):
                    yield self._event(job)
                    if self._is_last(job):
                        return

    def _event(self, job: Job) -> bytes:
        return event("job", self._view(job), FINAL_ID if self._is_last(job) else "")

    def _is_last(self, job: Job) -> bool:
        return self._ends_with_job and job.state.is_final
