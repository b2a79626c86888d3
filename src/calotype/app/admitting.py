"""From settings to users and what is theirs; opens them alone, for commands without serving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from calotype.app.index import open_index
from calotype.app.settings import Settings
from calotype.clock import Clock, utc_now_us
from calotype.services.access.logins import Logins
from calotype.services.access.preferences import Likings
from calotype.services.access.sessions import Sessions, SessionSettings
from calotype.services.access.tokens import Tokens
from calotype.services.access.users import Users
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.index.users import SqlitePreferences, SqliteSessions, SqliteTokens, SqliteUsers


def logins_over(index: SqliteIndex, settings: Settings, clock_us: Clock = utc_now_us) -> Logins:
    """Return who may log in over HTTP, and how long that lasts."""
    access = settings.http.access
    users, sessions = SqliteUsers(index), SqliteSessions(index)
    return Logins(
        Users(users, sessions),
        Sessions(
            sessions, users, SessionSettings(access.idle_minutes * 60.0, access.session_hours * 3600.0), clock_us
        ),
        Tokens(SqliteTokens(index), users, clock_us=clock_us),
        Likings(SqlitePreferences(index)),
    )


@contextmanager
def open_logins(settings: Settings) -> Iterator[Logins]:
    """Open them, also beside a server that runs; make the index when there is none yet."""
    with closing(open_index(settings)) as index:
        yield logins_over(index, settings)
