"""What a neighbour may be allowed, as data. Who has which rights is in the address book; who asks, in ``access``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Right(StrEnum):
    """One service that a peer may use here. C-ECHO is none of them: whoever gets an association may ask for it."""

    STORE = "store"
    FIND = "find"
    MOVE = "move"
    GET = "get"
    WORKLIST = "worklist"
    MPPS = "mpps"
    COMMITMENT = "commitment"
    PRINT = "print"


EVERY_RIGHT: Final = frozenset(Right)


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one AE may do besides what is open to all.

    ``destinations`` are the AE titles that it may have images sent to (C-MOVE), ``None`` for every node; itself is
    always among them. When ``bound_to_host`` its AE title counts only from the host in the address book: called from
    elsewhere it is a stranger.
    """

    rights: frozenset[Right] = EVERY_RIGHT
    destinations: frozenset[str] | None = None
    bound_to_host: bool = False


EVERYTHING: Final = Permissions()
