"""The one door that every request goes through: who asks, and whether they may. Refuses whatever it does not know.

What is needed stands in ``needs``; whose a request is, the ``desk`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import anyio
from starlette._utils import get_route_path  # by which routes are found, too: a path is read in one way only
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calotype.errors import CalotypeError, Refused, Unavailable
from calotype.services.access import secrets
from calotype.services.access.logins import WrongPassword
from calotype.services.access.model import LOCAL, Grant, Way
from calotype.services.access.throttle import Throttled
from calotype.web import confines, entrance, needs
from calotype.web.credentials import header, is_foreign, session_secret
from calotype.web.desk import Desk, host_of, is_loopback
from calotype.web.needs import Need
from calotype.web.problems import problem, status_of
from calotype.web.settings import WebSettings

CSRF_HEADER: Final = b"x-csrf-token"
BACKGROUND_HEADER: Final = b"x-background"
"""A page says by it that it asks by itself, with nobody at the screen: the session is not prolonged."""

RECHECK_STREAM_S: Final = 10.0
"""How long a stream of events may go on after its session has ended."""

CHALLENGE: Final = 'Bearer, Basic realm="calotype", charset="UTF-8"'
LOG_IN: Final = "Log in first."
CHOOSE_PASSWORD: Final = "Choose a password of your own first; until then nothing else is open."  # noqa: S105 - words
CONFINED: Final = "This token opens the studies that it was made for, and nothing else."
CSRF_MISSING: Final = (
    "Changes need the X-CSRF-Token of this session, which GET /api/session tells; a program sends a token as Bearer."
)
FOREIGN: Final = "A page of another site cannot do this. List its origin in http.cors_origins, if it is yours."
NOT_LOCAL: Final = (
    "Login is off, so requests count only when sent to this machine by localhost or an address of loopback."
    " Set http.access.login = 'required' to be reached by another name."
)

MISSING: Final[Mapping[Need, str]] = {
    Need.PERSON: "A token cannot do this: log in.",
    Need.READ: "This token may not read.",
    Need.STORE: "This needs the role operator, of a token also the scope store.",
    Need.OPERATE: "This needs the role operator, of a token also the scope operate.",
    Need.ADMIN: "This needs the role admin, of a token also the scope admin.",
}

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware. Without a ``desk`` nobody logs in, and whoever is at this machine may do everything."""

    def __init__(self, app: ASGIApp, desk: Desk | None, settings: WebSettings) -> None:
        self._app = app
        self._desk = desk
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its grant in ``state``; or answer that it may not be."""
        if scope["type"] != "http":
            # Nothing else is served; but the beginning and the end of the application have no sender.
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        path = get_route_path(scope)
        need = needs.need_of(scope["method"], path)
        try:
            allowed = await self._allowed(scope, path, need)
        except CalotypeError as error:
            allowed = answer_to(scope, error)
        if isinstance(allowed, Response):
            await allowed(scope, receive, send)
        elif self._desk is not None and needs.is_stream(path):
            await self._watched(self._desk, need, allowed, receive, send)
        else:
            await self._app(allowed, receive, send)

    async def _allowed(self, scope: Scope, path: str, need: Need) -> Scope | Response:  # noqa: PLR0911 - one per reason
        if need is Need.OPEN:
            return scope
        if self._desk is None:
            return self._local(scope)
        method = scope["method"]
        is_use = not needs.is_passive(method, path) and not header(scope, BACKGROUND_HEADER)
        scope, grant = await self._desk.grant(scope, is_use=is_use)
        if grant is None:
            return entrance.to_login(scope) if entrance.is_visit(scope) else _unauthorised(scope, LOG_IN)
        if not needs.is_met(need, grant):
            if not grant.must_change_password:
                return _forbidden(MISSING[need])
            return entrance.to_login(scope) if entrance.is_visit(scope) else _forbidden(CHOOSE_PASSWORD)
        narrowed = scope if grant.studies is None else confines.confined(scope, path, grant.studies)
        if narrowed is None:
            return _forbidden(CONFINED)
        told = "" if method in _SAFE else self._forged(scope, grant)
        return _forbidden(told) if told else _granted(narrowed, grant)

    def _local(self, scope: Scope) -> Scope | Response:
        if self._settings.only_local:
            # A page of any site may have its name lead to 127.0.0.1; the browser takes us for that site then.
            if not is_loopback(host_of(header(scope, b"host"))):
                return _forbidden(NOT_LOCAL)
            origin = header(scope, b"origin")
            if (
                scope["method"] not in _SAFE
                and origin
                and is_foreign(scope, self._settings, origin)
                and not is_loopback(host_of(origin.partition("://")[2]))
            ):
                return _forbidden(FOREIGN)
        return _granted(scope, LOCAL)

    def _forged(self, scope: Scope, grant: Grant) -> str:
        """Return why a change may have been made by a page of another site, empty when it was not.

        What a browser sends along by itself proves nothing; a token it never does.
        """
        if grant.way is Way.SESSION:
            expected = secrets.csrf_token(session_secret(scope, self._settings))
            return "" if secrets.is_same(header(scope, CSRF_HEADER), expected) else CSRF_MISSING
        origin = header(scope, b"origin")
        return FOREIGN if grant.way is Way.PASSWORD and origin and is_foreign(scope, self._settings, origin) else ""

    async def _watched(self, desk: Desk, need: Need, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a stream for as long as its grant lasts; then it is ended as if its client had left."""
        over = anyio.Event()
        is_open = False

        async def watch() -> None:
            while not over.is_set():
                await anyio.sleep(RECHECK_STREAM_S)
                try:
                    _, grant = await desk.grant(scope, is_use=False)
                except Unavailable:
                    continue
                except Refused:
                    grant = None
                if not needs.is_met(need, grant):
                    over.set()

        async def receive_until_over() -> Message:
            received: Message = {"type": "http.disconnect"}

            async def listen() -> None:
                nonlocal received
                received = await receive()
                tasks.cancel_scope.cancel()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen)
                await over.wait()
                tasks.cancel_scope.cancel()
            return received

        async def send_and_note(message: Message) -> None:
            nonlocal is_open
            is_open = message["type"] == "http.response.start" or bool(message.get("more_body"))
            await send(message)

        async with anyio.create_task_group() as watching:
            watching.start_soon(watch)
            await self._app(scope, receive_until_over, send_and_note)
            watching.cancel_scope.cancel()
        if over.is_set() and is_open:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def grant_of(scope: Scope) -> Grant | None:
    """Return what the guard has let a request do; ``None`` where it asked nothing, or there is no guard."""
    found = scope.get("state", {}).get("grant")
    return found if isinstance(found, Grant) else None


def person(request: Request) -> Grant:
    """Return in whose name a request is made that the guard has let in. Refused where there is none."""
    grant = grant_of(request.scope)
    if grant is None:
        raise Refused(LOG_IN)
    return grant


def answer_to(scope: Scope, error: CalotypeError) -> Response:
    """Return the answer to what came of an attempt to log in."""
    if isinstance(error, Throttled):
        headers = {"Retry-After": str(error.wait_s)}
        return problem(HTTPStatus.TOO_MANY_REQUESTS, str(error), reason=error.reason.value, headers=headers)
    if isinstance(error, WrongPassword):
        return _unauthorised(scope, str(error))
    return problem(status_of(error), str(error), reason=error.reason.value)


def _unauthorised(scope: Scope, told: str) -> Response:
    """Return 401, with a challenge for programs; a browser would show its own window for names and passwords."""
    is_page = header(scope, b"user-agent").startswith("Mozilla/") or bool(header(scope, b"sec-fetch-mode"))
    headers = {} if is_page else {"WWW-Authenticate": CHALLENGE}
    return problem(HTTPStatus.UNAUTHORIZED, told, reason=Refused.reason.value, headers=headers)


def _forbidden(told: str) -> Response:
    return problem(HTTPStatus.FORBIDDEN, told, reason=Refused.reason.value)


def _granted(scope: Scope, grant: Grant) -> Scope:
    return {**scope, "state": {**scope.get("state", {}), "grant": grant}}
