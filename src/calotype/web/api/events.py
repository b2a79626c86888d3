"""``/api/events``: one stream of all that happens, changes of the archive and of jobs, for as long as one listens.

A stream holds no lines back for anybody: it knows how far its client is, and reads on in the feed when there is more.
So a client that comes back with the last ID it saw misses nothing, and one that is too far behind is told so.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response
from starlette.types import Receive, Scope, Send

from calotype.errors import CalotypeError, Unavailable
from calotype.services.archive.changes import ChangePage, Changes
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.model import Job
from calotype.services.jobs.watching import Watch
from calotype.web.api import jobs as jobs_api
from calotype.web.api.changes import view
from calotype.web.events import KEEP_ALIVE_S, STILL_HERE, ServerSentEvents, Waker, event
from calotype.web.offload import Offload

_logger = logging.getLogger(__name__)

AT_ONCE: Final = 500
"""Lines read at one time."""
MAX_BEHIND: Final = 10_000
"""A client that is further behind is quicker with a look at what there is."""
_HIGHEST: Final = 2**63 - 1

Since = Annotated[
    int | None, Query(ge=0, le=_HIGHEST, description="Begin after this change; default: with the next.")
]
LastEventId = Annotated[str, Header(max_length=64, description="The ID of the last event that was seen.")]
WithJobs = Annotated[bool, Query(alias="jobs", description="Also changes of jobs.")]


class Seats:
    """How many may listen at one time. Used by the event loop alone."""

    def __init__(self, count: int) -> None:
        self._free = count

    def take(self) -> None:
        """Take one. Unavailable when there is none."""
        if not self._free:
            raise Unavailable("too many clients listen to events already; ask /api/changes now and then instead")
        self._free -= 1

    def leave(self) -> None:
        """Give it back."""
        self._free += 1


class ArchiveEvents(ServerSentEvents):
    """Sends ``feed`` first, then ``change``, ``job`` and, to who is too far behind, ``resync``.

    The ID of each of the feed's events is its name and the number to go on after.
    """

    def __init__(
        self,
        changes: Changes,
        jobs: Jobs | None,
        offload: Offload,
        seats: Seats,
        begin: tuple[str, int] | None,
        *,
        idle_s: float,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        """``begin``: the feed (empty: whichever it is) and the number to begin after; ``None``: with what is next."""
        super().__init__(idle_s=idle_s)
        self._changes = changes
        self._jobs = jobs
        self._offload = offload
        self._seats = seats
        self._begin = begin
        self._keep_alive_s = keep_alive_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client leaves. Unavailable when too many listen."""
        self._seats.take()
        try:
            await super().__call__(scope, receive, send)
        except* CalotypeError as failure:
            # Too late for an answer of another kind: the client connects again, and is told then.
            _logger.warning("%s ended: %s", scope["path"], failure.exceptions[0])
        finally:
            self._seats.leave()

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Give what is new as it comes."""
        wake = Waker()
        with ExitStack() as stack:
            watch = stack.enter_context(self._changes.watch(wake))
            job_watch = None if self._jobs is None else stack.enter_context(self._jobs.changes(wake=wake))
            token, known = self._begin or ("", _HIGHEST)
            # With nothing to begin after, only where the feed ends is asked for.
            page = await self._page(known)
            if self._begin is None:
                known = page.newest
            elif token not in ("", page.token) or self._is_lost(page, known):
                known = page.newest
                yield _resync(page)
            yield event("feed", {"feed": page.token, "newest": page.newest}, f"{page.token}:{known}")
            while not watch.is_closed:
                page = await self._page(known)
                if self._is_lost(page, known):
                    known = page.newest
                    yield _resync(page)
                    continue
                for change in page.changes:
                    known = change.sequence
                    yield event("change", view(change), f"{page.token}:{known}")
                if not page.is_complete:
                    continue
                for job in _taken(job_watch):
                    yield event("job", jobs_api.view(job))
                if not await wake.wait(self._keep_alive_s):
                    yield STILL_HERE

    async def _page(self, since: int) -> ChangePage:
        return await self._offload(self._changes.page, since, AT_ONCE)

    def _is_lost(self, page: ChangePage, known: int) -> bool:
        return page.is_cut or page.newest - known > MAX_BEHIND


def _taken(watch: Watch | None) -> Sequence[Job]:
    return () if watch is None else watch.take(0)


def _resync(page: ChangePage) -> bytes:
    told = {"feed": page.token, "oldest": page.oldest, "newest": page.newest}
    return event("resync", told, f"{page.token}:{page.newest}")


def router(changes: Changes, jobs: Jobs | None, offload: Offload, *, idle_s: float, max_clients: int) -> APIRouter:
    """Return the route; at most ``max_clients`` listen at one time."""
    routes = APIRouter(tags=["changes"])
    answers: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
    seats = Seats(max_clients)

    @routes.get("/events", response_class=Response, responses=answers)
    async def watch_everything(
        since: Since = None, last_event_id: LastEventId = "", *, with_jobs: WithJobs = True
    ) -> Response:
        """Stream changes of the archive as events named ``change``, and of jobs as ``job``.

        ``resync`` says that changes were missed: list what is there. Go on with the last ID (``Last-Event-ID``).
        """
        begin = _begin(last_event_id) or (None if since is None else ("", since))
        return ArchiveEvents(changes, jobs if with_jobs else None, offload, seats, begin, idle_s=idle_s)

    return routes


def _begin(last_event_id: str) -> tuple[str, int] | None:
    """Read the ID of an event; whatever is none of ours begins nowhere, hence with a resync."""
    if not last_event_id:
        return None
    token, _, number = last_event_id.partition(":")
    if token and number.isascii() and number.isdecimal() and int(number) <= _HIGHEST:
        return token, int(number)
    return "none", 0
