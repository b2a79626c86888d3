"""How an association can fail, in words; all of them are ``calotype.errors``.

A service class that is asked to answer an error MUST let :class:`AssociationEnded` pass: nobody is left to
answer to.
"""

from __future__ import annotations

from enum import Enum, auto

from calotype.errors import Refused, Unavailable


class Hindrance(Enum):
    """What kept us from getting through to a peer at all."""

    NAME_UNKNOWN = auto()
    NOBODY_LISTENS = auto()
    NO_ANSWER = auto()
    """Nothing came back in time, neither yes nor no."""
    NO_WAY = auto()
    """The system knows no way there, or the way broke."""
    TLS = auto()


class Unreachable(Unavailable):
    """No connection came about, so nothing was asked; ``hindrance`` tells programs what the message tells people."""

    def __init__(self, message: str, hindrance: Hindrance) -> None:
        super().__init__(message)
        self.hindrance = hindrance


class AssociationEnded(Unavailable):
    """The association is over although its user was not done; the subclass says how."""


class AssociationAborted(AssociationEnded):
    """Either side sent an A-ABORT, or we closed the connection because the peer broke the protocol."""


class ConnectionLost(AssociationEnded):
    """The connection ended without A-RELEASE or A-ABORT."""


class AssociationTimedOut(AssociationEnded):
    """The peer was silent for too long, so the association was aborted."""


class AssociationRejected(Refused):
    """The peer answered our request with A-ASSOCIATE-RJ.

    ``result``, ``source`` and ``code`` are the numbers of PS3.8 Table 9-21; the message has them in words.
    """

    def __init__(self, message: str, *, result: int, source: int, code: int) -> None:
        super().__init__(message)
        self.result = result
        self.source = source
        self.code = code
