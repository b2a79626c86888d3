"""What was turned away, kept for people to read: the last ones in words, and counters for all.

Fed by ``listener``; read by whoever shows it. Nothing here decides.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from calotype.clock import utc_now_us
from calotype.dicom.uids import SOP_CLASSES
from calotype.dicom.wire.pdu import REJECT_REASONS, AssociateAC, AssociateRJ, AssociateRQ, RejectResult, RejectSource
from calotype.dicom.wire.pdu_items import ContextResult

RESULTS: Mapping[int, str] = {
    RejectResult.PERMANENT: "rejected permanently",
    RejectResult.TRANSIENT: "rejected for now",
}
"""PS3.8 Table 9-21, Result."""

SOURCES: Mapping[int, str] = {
    RejectSource.SERVICE_USER: "service user",
    RejectSource.SERVICE_PROVIDER_ACSE: "service provider (association)",
    RejectSource.SERVICE_PROVIDER_PRESENTATION: "service provider (presentation)",
}
"""PS3.8 Table 9-21, Source."""


CONTEXT_RESULTS: Mapping[int, str] = {
    ContextResult.USER_REJECTION: "refused",
    ContextResult.NO_REASON: "refused",
    ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED: "not served on this port",
    ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED: "in none of the transfer syntaxes that are known here",
}
"""PS3.8 Table 9-18, in the words of who has to find out why a device cannot do what it wants."""

_NAMED_CONTEXTS = 5


def contexts_in_words(request: AssociateRQ, answer: AssociateAC) -> str:
    """Return which presentation contexts were not accepted, and why; empty when all were."""
    proposed = {context.context_id: context.abstract_syntax for context in request.presentation_contexts}
    told: dict[str, None] = {}
    for context in answer.presentation_contexts:
        if not context.is_accepted:
            uid = proposed[context.context_id]
            name = SOP_CLASSES[uid].name if uid in SOP_CLASSES else uid[:64]
            told[f"{name}: {CONTEXT_RESULTS.get(context.result, 'refused')}"] = None
    more = [f"and {len(told) - _NAMED_CONTEXTS} more"] if len(told) > _NAMED_CONTEXTS else []
    return "; ".join([*list(told)[:_NAMED_CONTEXTS], *more])


def in_words(pdu: AssociateRJ) -> tuple[str, str, str]:
    """Return result, source and reason in words; numbers that are not in the Standard stay numbers."""
    return (
        RESULTS.get(pdu.result, f"result {pdu.result}"),
        SOURCES.get(pdu.source, f"source {pdu.source}"),
        REJECT_REASONS.get((pdu.source, pdu.reason), f"reason {pdu.reason}"),
    )


@dataclass(frozen=True, slots=True)
class Rejection:
    """One association or connection that was turned away.

    ``time_us`` is UTC, microseconds since 1970. AE titles are empty when the connection never got that far, and
    ``result`` is then ``"closed"``. ``detail`` says what would have to change.
    """

    time_us: int
    listener: str
    peer_address: str
    calling_ae_title: str
    called_ae_title: str
    result: str
    source: str
    reason: str
    detail: str


class Rejections:
    """A bounded, thread-safe memory of rejections, newest first."""

    def __init__(self, keep: int = 1000) -> None:
        self._recent: deque[Rejection] = deque(maxlen=keep)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(
        self,
        *,
        listener: str,
        peer_address: str,
        calling_ae_title: str = "",
        called_ae_title: str = "",
        words: tuple[str, str, str],
        detail: str,
    ) -> Rejection:
        """Remember one; ``words`` are result, source and reason."""
        result, source, reason = words
        rejection = Rejection(
            time_us=utc_now_us(),
            listener=listener,
            peer_address=peer_address,
            calling_ae_title=calling_ae_title,
            called_ae_title=called_ae_title,
            result=result,
            source=source,
            reason=reason,
            detail=detail,
        )
        with self._lock:
            self._recent.appendleft(rejection)
            self._counts[reason] += 1
        return rejection

    def recent(self, limit: int = 100) -> list[Rejection]:
        """Return the last rejections, newest first."""
        with self._lock:
            return [rejection for rejection, _ in zip(self._recent, range(limit), strict=False)]

    def counts(self) -> dict[str, int]:
        """Return how many there were since the start, by reason."""
        with self._lock:
            return dict(self._counts)
