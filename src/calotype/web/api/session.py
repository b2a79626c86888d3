"""``/api/session``: log in, ask who one is, log out; and a password of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as model

from calotype.errors import CalotypeError, Refused
from calotype.services.access import secrets
from calotype.services.access.logins import Logins, WrongPassword
from calotype.services.access.model import LOCAL, Grant, Role, User, Way
from calotype.web.credentials import give_cookie, header, is_foreign, session_secret
from calotype.web.desk import Desk, caller_of
from calotype.web.guard import FOREIGN, answer_to, person
from calotype.web.json_bodies import SmallJsonRoute, check_type
from calotype.web.settings import WebSettings


@model(config=ConfigDict(extra="forbid"), frozen=True, slots=True)
class Login:
    """Who one is."""

    user: str
    password: str


@model(config=ConfigDict(extra="forbid"), frozen=True, slots=True)
class NewPassword:
    """A password of one's own, in the place of the current one."""

    current: str
    new: str


@dataclass(frozen=True, slots=True)
class SessionView:
    """Who is logged in. Changes carry ``csrf_token`` as X-CSRF-Token; it is empty where nothing asks for it."""

    user: str
    role: Role
    csrf_token: str
    must_change_password: bool


def router(desk: Desk | None, settings: WebSettings) -> APIRouter:
    """Return the routes; without a ``desk`` nobody logs in."""
    routes = APIRouter(prefix="/session", tags=["access"], route_class=SmallJsonRoute)
    _coming_and_going(routes, desk, settings)
    _passwords(routes, desk, settings)
    return routes


def _coming_and_going(routes: APIRouter, desk: Desk | None, settings: WebSettings) -> None:
    @routes.get("")
    async def show_session(request: Request) -> SessionView:
        """Say who is logged in; 401 when nobody is. To ask keeps no session alive."""
        grant = person(request)
        secret = session_secret(request.scope, settings) if grant.way is Way.SESSION else ""
        return SessionView(
            grant.user, grant.role, secrets.csrf_token(secret) if secret else "", grant.must_change_password
        )

    @routes.post("", response_model=SessionView)
    async def log_in(request: Request, response: Response, login: Login) -> SessionView | Response:
        """Log in: the answer sets a cookie. 401 when user or password is wrong, 429 after too many attempts."""
        _check_own_page(request, settings)
        if desk is None:
            return SessionView(LOCAL.user, LOCAL.role, "", must_change_password=False)
        try:
            secret, user = await desk.passwords(_begun, desk.logins, login, request, settings)
        except CalotypeError as error:
            return answer_to(request.scope, error)
        give_cookie(response, request.scope, settings, secret)
        return SessionView(user.name, user.role, secrets.csrf_token(secret), user.must_change_password)

    @routes.delete("", status_code=204)
    async def log_out(request: Request, response: Response) -> None:
        """Log out: the session ends, and the cookie goes."""
        if desk is not None and person(request).way is Way.SESSION:
            await desk.passwords(desk.logins.sessions.end_secret, session_secret(request.scope, settings))
        give_cookie(response, request.scope, settings, "")


def _passwords(routes: APIRouter, desk: Desk | None, settings: WebSettings) -> None:
    @routes.put("/password", status_code=204, response_model=None)
    async def change_password(request: Request, wanted: NewPassword) -> Response:
        """Choose a password of one's own. All sessions of the user end but this one, which gets another secret."""
        grant = person(request)
        if desk is None or grant.way is Way.TOKEN:
            raise Refused("A password is changed by who has logged in with it.")
        try:
            secret = await desk.passwords(_changed, desk.logins, wanted, request, grant)
        except WrongPassword as error:
            # 401 would tell the page that its session is over, which it is not.
            raise Refused("The current password is wrong.") from error
        except CalotypeError as error:
            return answer_to(request.scope, error)
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        if secret:
            give_cookie(answer, request.scope, settings, secret)
        return answer


def _check_own_page(request: Request, settings: WebSettings) -> None:
    """Refuse what a page of another site has made: it may not log anybody in, not even as somebody else."""
    # What it could send without being asked about first is no JSON.
    check_type(request, "application/json")
    origin = header(request.scope, b"origin")
    if origin and is_foreign(request.scope, settings, origin):
        raise Refused(FOREIGN)


def _begun(logins: Logins, login: Login, request: Request, settings: WebSettings) -> tuple[str, User]:
    secret, _, user = logins.log_in(login.user, login.password, caller_of(request.scope), _client(request))
    before = session_secret(request.scope, settings)
    if before:
        # Whatever the browser had is over: no session outlives a login, least of all one that was slipped in.
        logins.sessions.end_secret(before)
    return secret, user


def _changed(logins: Logins, wanted: NewPassword, request: Request, grant: Grant) -> str:
    """Change a password; return the secret of the session that follows, empty where there was none."""
    caller = caller_of(request.scope)
    user = logins.change_password(grant.user, wanted.current, wanted.new, caller)
    return logins.sessions.begin(user, caller.address, _client(request))[0] if grant.way is Way.SESSION else ""


def _client(request: Request) -> str:
    return request.headers.get("user-agent", "")
