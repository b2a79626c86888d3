"""Who may open an association, and how many at once: the decision behind every accept and reject.

AE titles and presentation contexts are ``dicom.wire.negotiation``'s part of it; addresses and limits are ours.
No socket is touched here.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.negotiation import AcceptancePolicy, negotiate
from calotype.dicom.wire.pdu import (
    REJECT_APPLICATION_CONTEXT,
    REJECT_CALLED_AE_TITLE,
    REJECT_CALLING_AE_TITLE,
    REJECT_LOCAL_LIMIT_EXCEEDED,
    REJECT_NO_REASON,
    REJECT_TEMPORARY_CONGESTION,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
)
from calotype.network.association import MIN_SEND_PDU_BYTES, send_limit
from calotype.network.settings import ListenerSettings

Wish = Callable[[str, str], Sequence[UID]]
"""(calling AE title, address) -> the transfer syntaxes that we like best from this peer, best first, or none."""


def no_wish(_calling_ae_title: str, _address: str) -> Sequence[UID]:
    """Wish for nothing: the policy alone decides."""
    return ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The PDU that says no, and what would have to change, for our own log."""

    pdu: AssociateRJ
    detail: str


def plain_address(address: str) -> str:
    """Return an address as people write it: IPv4 in its own form although an IPv6 socket took it, no zone."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


class Admission:
    """Counts the associations of one listener and decides on the next. Thread-safe.

    A ``wish`` comes before the policy's order of transfer syntaxes.
    """

    def __init__(self, settings: ListenerSettings, policy: AcceptancePolicy, wish: Wish = no_wish) -> None:
        self._settings = settings
        self._policy = policy
        self._wish = wish
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._stopping = False

    def stop(self) -> None:
        """Refuse everyone from now on."""
        self._stopping = True

    def decide(self, request: AssociateRQ, peer_address: str) -> AssociateAC | Refusal:
        """Answer a request. With an AssociateAC a place is taken: the caller MUST :meth:`leave` it."""
        if self._settings.peers and not self._is_peer(peer_address):
            # PS3.8 Table 9-21 has no word for an address, so "no reason given"; our own log has the reason.
            return Refusal(REJECT_NO_REASON, f"the address {peer_address} is in none of the listener's peer networks")
        if self._stopping:
            return Refusal(REJECT_TEMPORARY_CONGESTION, "the server is stopping")
        if send_limit(max_pdu_bytes := request.user_information.max_pdu_bytes) < MIN_SEND_PDU_BYTES:
            return Refusal(REJECT_NO_REASON, f"the peer takes PDUs of {max_pdu_bytes} bytes: too short to serve")
        answer = negotiate(request, self._policy_for(request.calling_ae_title, peer_address))
        if isinstance(answer, AssociateRJ):
            return Refusal(answer, _detail(answer, request))
        full = self._enter(peer_address)
        return answer if full is None else Refusal(REJECT_LOCAL_LIMIT_EXCEEDED, full)

    def leave(self, peer_address: str) -> None:
        """Give back the place of an accepted association."""
        with self._lock:
            self._running[peer_address] -= 1
            if not self._running[peer_address]:
                del self._running[peer_address]

    def _policy_for(self, calling_ae_title: str, peer_address: str) -> AcceptancePolicy:
        policy = self._policy
        wish = self._wish(calling_ae_title, peer_address)
        if not wish:
            return policy
        order = tuple(dict.fromkeys([*wish, *policy.transfer_syntax_order]))
        return replace(policy, transfer_syntax_order=order)

    def _is_peer(self, peer_address: str) -> bool:
        address = ipaddress.ip_address(peer_address)
        return any(address in network for network in self._settings.peers)

    def _enter(self, peer_address: str) -> str | None:
        with self._lock:
            if self._running.total() >= self._settings.max_associations:
                return f"all {self._settings.max_associations} associations of the listener are in use"
            if self._running[peer_address] >= self._settings.max_associations_per_peer:
                return f"{peer_address} has its {self._settings.max_associations_per_peer} associations already"
            self._running[peer_address] += 1
        return None


def _detail(answer: AssociateRJ, request: AssociateRQ) -> str:
    if answer == REJECT_CALLED_AE_TITLE:
        return f"the called AE title {request.called_ae_title!r} is none of the listener's"
    if answer == REJECT_CALLING_AE_TITLE:
        return f"the calling AE title {request.calling_ae_title!r} is not in the listener's list"
    if answer == REJECT_APPLICATION_CONTEXT:
        return f"the application context {request.application_context!r} is not DICOM's"
    if not request.presentation_contexts:
        return "no presentation context is proposed"
    return "the association request cannot be served"
