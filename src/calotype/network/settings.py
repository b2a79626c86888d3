"""What an operator can decide about connections; plain frozen data, gathered by ``app.settings``."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from calotype.network.sockets import Capabilities, detect

MAX_PDU_BYTES = 256 * 1024
"""What we advertise as the longest P-DATA-TF we take."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for what, in seconds."""

    connect_s: float = 10.0
    """For the TCP connection, and for the TLS handshake."""
    artim_s: float = 30.0
    """The ARTIM timer of PS3.8 9.1.5: for the A-ASSOCIATE-RQ, and for the peer to close after the end."""
    idle_s: float = 600.0
    """For the next request, as acceptor."""
    dimse_s: float = 120.0
    """For a response, and for the answer to an A-ASSOCIATE-RQ or A-RELEASE-RQ."""
    network_s: float = 60.0
    """For the next bytes of a message under way, and for the peer to take the next bytes of ours."""


@dataclass(frozen=True, slots=True)
class DialSettings:
    """How to reach out to a peer."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    max_pdu_bytes: int = MAX_PDU_BYTES
    tls: ssl.SSLContext | None = None
    tls_server_name: str | None = None
    """The name that the peer's certificate must bear; the host dialled when ``None``."""
    capabilities: Capabilities = field(default_factory=detect)


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """One port that takes associations.

    ``host`` is the address to bind to, empty for all interfaces (IPv6 too, where there is one); ``port`` 0 takes
    a free one. ``peers`` are the networks that may connect, empty for everyone. AE titles, services and PDU length
    are the :class:`~calotype.dicom.wire.negotiation.AcceptancePolicy`'s.
    """

    name: str
    host: str = ""
    port: int = 11112
    tls: ssl.SSLContext | None = None
    peers: tuple[IPv4Network | IPv6Network, ...] = ()
    max_associations: int = 256
    max_associations_per_peer: int = 256
    timeouts: Timeouts = field(default_factory=Timeouts)
    capabilities: Capabilities = field(default_factory=detect)
