"""Users and what is theirs in memory, with hashes that cost next to nothing and clocks that a test sets."""

from __future__ import annotations

from dataclasses import dataclass, field

from calotype.services.access.logins import Logins
from calotype.services.access.passwords import Cost, Passwords
from calotype.services.access.preferences import Likings
from calotype.services.access.sessions import Sessions
from calotype.services.access.tokens import Tokens
from calotype.services.access.users import Users
from calotype.stores.index.memory_users import (
    MemoryAccess,
    MemoryPreferences,
    MemorySessions,
    MemoryTokens,
    MemoryUsers,
)

PASSWORD = "salted paper in the dark"
CHEAP = Cost(memory_kib=8, passes=1, lanes=1)


class CountingPasswords(Passwords):
    """Counts how many passwords were tested."""

    tested = 0

    def is_right(self, password_hash, password):
        self.tested += 1
        return super().is_right(password_hash, password)


@dataclass
class People:
    """All of access over one memory; ``now_s`` is the time."""

    now_s: float = 1_800_000_000.0
    kept: MemoryAccess = field(default_factory=MemoryAccess)
    passwords: CountingPasswords = field(default_factory=lambda: CountingPasswords(CHEAP))

    def __post_init__(self):
        self.user_store, self.session_store = MemoryUsers(self.kept), MemorySessions(self.kept)
        self.token_store = MemoryTokens(self.kept)
        self.users = Users(self.user_store, self.session_store, self.passwords)
        self.sessions = Sessions(self.session_store, self.user_store, clock_us=self.now_us)
        self.tokens = Tokens(self.token_store, self.user_store, clock_us=self.now_us)
        self.likings = Likings(MemoryPreferences(self.kept))
        self.logins = Logins(self.users, self.sessions, self.tokens, self.likings, clock_s=lambda: self.now_s)

    def now_us(self):
        return int(self.now_s * 1_000_000)
