"""What came of asking a node whether it is there: for people who wonder why it does not work.

The port that asks stands here too; ``scu.diagnosis`` implements it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from calotype.services.routing.nodes import Node


class Verdict(StrEnum):
    """How far the question got."""

    ANSWERS = "answers"
    NAME_UNKNOWN = "name-unknown"
    CONNECTION_REFUSED = "connection-refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls-failed"
    CALLED_AE_TITLE_REJECTED = "called-ae-title-rejected"
    CALLING_AE_TITLE_REJECTED = "calling-ae-title-rejected"
    REJECTED = "rejected"
    NO_CONTEXT = "no-presentation-context"
    ABORTED = "aborted"
    FAILED = "failed"
    """It answered with a failure, or with something that is no answer."""
    MISCONFIGURED = "misconfigured"
    """It was not called: its entry in the address book cannot be used."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict, in words too. ``total_ms`` is how long we were at it; the other numbers are of nodes that answer.

    ``associate_ms`` is the way from nothing to an association (TCP, TLS, A-ASSOCIATE), ``echo_ms`` the question and
    its answer, ``max_pdu_bytes`` the longest PDU that the node takes.
    """

    verdict: Verdict
    detail: str
    total_ms: float
    associate_ms: float | None = None
    echo_ms: float | None = None
    max_pdu_bytes: int | None = None


class Prober(Protocol):
    """Asks nodes whether they are there. Any thread may ask at any time."""

    def diagnose(self, node: Node) -> Diagnosis:
        """Ask ``node`` (C-ECHO). Never raises for anything that the node does or does not do."""
        ...
