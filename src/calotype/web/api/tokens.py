"""``/api/tokens``: secrets for programs, which act for a user within scopes until they expire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as model

from calotype.services.access.model import Scope, Token
from calotype.services.access.tokens import MAX_DAYS
from calotype.web.api.sessions import Number, OfAll, theirs, whose
from calotype.web.desk import Desk
from calotype.web.guard import person
from calotype.web.json_bodies import JsonRoute


@model(config=ConfigDict(extra="forbid"), frozen=True, slots=True)
class NewToken:
    """What a token is for, what it may do, and how long it lasts."""

    label: str
    scopes: list[Scope]
    days: Annotated[float, Field(gt=0, le=MAX_DAYS)] = 90.0


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token. Times are UTC, microseconds since 1970; ``used_us`` is 0 when it was not used yet."""

    id: int
    user: str
    label: str
    scopes: list[Scope]
    created_us: int
    expires_us: int
    used_us: int


@dataclass(frozen=True, slots=True)
class MadeToken(TokenView):
    """A token that was made just now, with its secret, which is shown this one time."""

    token: str


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/tokens", tags=["access"], route_class=JsonRoute)
    tokens, users, offload = desk.logins.tokens, desk.logins.users, desk.passwords

    @routes.get("")
    async def list_tokens(request: Request, *, everybody: OfAll = False) -> list[TokenView]:
        """List tokens, the newest first."""
        found = await offload(tokens.list, whose(person(request), everybody=everybody))
        return [TokenView(**_fields(token)) for token in found]

    @routes.post("", status_code=201)
    async def make_token(request: Request, new: NewToken) -> MadeToken:
        """Make a token, sent as Bearer or as the password of HTTP Basic. Its secret is shown this one time."""
        grant = person(request)

        def make() -> MadeToken:
            secret, token = tokens.make(users.get(grant.user), new.label, new.scopes, new.days)
            return MadeToken(**_fields(token), token=secret)

        return await offload(make)

    @routes.delete("/{number}", status_code=204)
    async def remove_token(request: Request, number: Number) -> None:
        """Remove a token: one's own, or for administrators anybody's."""
        await offload(tokens.remove, number, theirs(person(request)))

    return routes


def _fields(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "user": token.user,
        "label": token.label,
        "scopes": sorted(token.scopes),
        "created_us": token.created_us,
        "expires_us": token.expires_us,
        "used_us": token.used_us,
    }
