"""``/api/users``: who may log in, and in which role. For administrators."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as model

from calotype.errors import InvalidRequest
from calotype.services.access.logins import Logins
from calotype.services.access.model import Role, User
from calotype.web.desk import Desk
from calotype.web.json_bodies import JsonRoute


@dataclass(frozen=True, slots=True)
class UserView:
    """A user. Times are UTC, microseconds since 1970; ``seen_us`` is the last login, 0 for none."""

    name: str
    role: Role
    must_change_password: bool
    created_us: int
    seen_us: int


@model(config=ConfigDict(extra="forbid"), frozen=True, slots=True)
class NewUser:
    """A user to add; the password is to be changed at the first login unless said otherwise."""

    name: str
    password: str
    role: Role = Role.VIEWER
    must_change_password: bool = True


@model(config=ConfigDict(extra="forbid"), frozen=True, slots=True)
class UserChange:
    """What to change; what is null stays. With another password all sessions of the user end."""

    role: Role | None = None
    password: str | None = None
    must_change_password: bool = True


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/users", tags=["access"], route_class=JsonRoute)
    logins, offload = desk.logins, desk.passwords

    @routes.get("")
    async def list_users() -> list[UserView]:
        """List everybody, by name."""
        return [view(user) for user in await offload(logins.users.list)]

    @routes.post("", status_code=201)
    async def add_user(new: NewUser) -> UserView:
        """Add a user; 409 when the name is taken."""
        return await offload(_added, logins, new)

    @routes.put("/{name}")
    async def change_user(name: str, change: UserChange) -> UserView:
        """Give a user another role, another password, or both; 409 for the last administrator's role."""
        return await offload(_changed, logins, name, change)

    @routes.delete("/{name}", status_code=204)
    async def remove_user(name: str) -> None:
        """Remove a user with sessions and tokens; 409 for the last administrator."""
        await offload(_removed, logins, name)

    return routes


def _added(logins: Logins, new: NewUser) -> UserView:
    return view(logins.users.add(new.name, new.password, new.role, must_change_password=new.must_change_password))


def _changed(logins: Logins, name: str, change: UserChange) -> UserView:
    if change.role is None and change.password is None:
        raise InvalidRequest("Give a role, a password, or both.")
    user = logins.users.get(name)
    if change.role is not None:
        user = logins.users.set_role(name, change.role)
    if change.password is not None:
        user = logins.users.set_password(name, change.password, must_change_password=change.must_change_password)
    logins.forget(user.name)
    return view(user)


def _removed(logins: Logins, name: str) -> None:
    user = logins.users.get(name)
    logins.users.remove(user.name)
    logins.forget(user.name)


def view(user: User) -> UserView:
    """Return what is shown of a user."""
    return UserView(user.name, user.role, user.must_change_password, user.created_us, user.seen_us)
