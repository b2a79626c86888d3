"""``/api/session/preferences``: how whoever is logged in likes the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from calotype.errors import Refused
from calotype.services.access.model import Way
from calotype.services.access.preferences import COLUMN_PATTERN, MAX_COLUMNS, Language, Preferences, Scheme
from calotype.web.desk import Desk
from calotype.web.guard import person
from calotype.web.json_bodies import JsonRoute

NOT_KEPT: Final = "Login is off: there is nobody to keep this for, and each browser keeps its own."

ColumnName = Annotated[str, Field(pattern=COLUMN_PATTERN)]


class PreferencesChange(BaseModel):
    """What to choose; ``null``: no longer. What is not named stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Language | None = None
    scheme: Scheme | None = None
    study_columns: Annotated[list[ColumnName], Field(max_length=MAX_COLUMNS)] | None = None
    first_steps_done: StrictBool | None = None


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """What is chosen; ``null`` is not. ``is_kept`` is false where login is off: each browser keeps its own then."""

    is_kept: bool
    language: Language | None
    scheme: Scheme | None
    study_columns: Sequence[str] | None
    first_steps_done: bool | None


def router(desk: Desk | None) -> APIRouter:
    """Return the routes; without a ``desk`` nobody logs in, and nothing is kept."""
    routes = APIRouter(prefix="/session/preferences", tags=["access"], route_class=JsonRoute)

    @routes.get("")
    async def show_preferences(request: Request) -> PreferencesView:
        """Tell what one has chosen."""
        if desk is None:
            return _view(Preferences(), is_kept=False)
        return _view(await desk.lookups(desk.logins.likings.of, person(request).user))

    @routes.patch("")
    async def change_preferences(request: Request, change: PreferencesChange) -> PreferencesView:
        """Choose what is named, for oneself. What is changed in two places at once is as the later one says."""
        grant = person(request)
        if desk is None:
            raise Refused(NOT_KEPT)
        if grant.way is Way.TOKEN:
            raise Refused("What a person prefers is changed by who has logged in.")
        chosen = change.model_dump(exclude_unset=True)
        return _view(await desk.lookups(desk.logins.likings.change, grant.user, chosen))

    return routes


def _view(preferences: Preferences, *, is_kept: bool = True) -> PreferencesView:
    return PreferencesView(is_kept=is_kept, **asdict(preferences))
