"""Reaches out: TCP connection, TLS handshake and association request to a peer.

What is said over the association is ``scu``'s and ``scp``'s business.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from calotype.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from calotype.dicom.wire.negotiation import accepted_contexts
from calotype.dicom.wire.pdu import Abort, AssociateAC, AssociateRJ, AssociateRQ
from calotype.dicom.wire.pdu_items import (
    PresentationContextProposed,
    RoleSelection,
    SopClassExtended,
    UserInformation,
)
from calotype.dicom.wire.upper_layer import AssociationAccepted, Role, UpperLayer
from calotype.dicom.wire.upper_layer import AssociationRejected as RejectionReceived
from calotype.dicom.wire.upper_layer import ConnectionLost as TransportLost
from calotype.errors import CalotypeError, InvalidRequest, Unavailable
from calotype.network.association import MIN_SEND_PDU_BYTES, Association, send_limit
from calotype.network.failures import (
    AssociationAborted,
    AssociationEnded,
    AssociationRejected,
    Hindrance,
    Unreachable,
)
from calotype.network.pump import Pump
from calotype.network.settings import DialSettings
from calotype.network.sockets import Stream
from calotype.network.tls import why


def dial(
    host: str,
    port: int,
    *,
    calling_ae_title: str,
    called_ae_title: str,
    contexts: Sequence[PresentationContextProposed],
    roles: Sequence[RoleSelection] = (),
    extended: Sequence[SopClassExtended] = (),
    settings: DialSettings | None = None,
) -> Association:
    """Open an association, for use as a context manager.

    What the peer made of ``extended`` stands in the ``application_information`` of the contexts it accepted.
    Unavailable when nobody answers there, or not as DICOM does; AssociationRejected (Refused) when the peer does
    not want us. Every message is one line that names the peer.
    """
    settings = settings or DialSettings()
    peer = f"{called_ae_title} ({host}:{port})"
    request = AssociateRQ(
        called_ae_title=called_ae_title,
        calling_ae_title=calling_ae_title,
        presentation_contexts=tuple(contexts),
        user_information=UserInformation(
            max_pdu_bytes=settings.max_pdu_bytes,
            implementation_class_uid=IMPLEMENTATION_CLASS_UID,
            implementation_version_name=IMPLEMENTATION_VERSION_NAME,
            roles=tuple(roles),
            sop_class_extended=tuple(extended),
        ),
    )
    connection = _secure(_connect(host, port, peer, settings), host, peer, settings)
    stream = Stream(connection, settings.capabilities)
    pump = Pump(stream, UpperLayer(Role.REQUESTOR, max_pdu_bytes=settings.max_pdu_bytes), settings.timeouts)
    # A peer may send right behind its answer, so what we proposed is good until we know what it took.
    pump.context_ids.update(context.context_id for context in contexts)
    try:
        answer = _ask(pump, request, peer, is_encrypted=stream.encrypted)
    except BaseException:
        pump.abort(Abort())
        raise
    return Association(
        pump,
        calling_ae_title=calling_ae_title,
        called_ae_title=called_ae_title,
        peer_address=host,
        contexts={context.context_id: context for context in accepted_contexts(request, answer)},
        max_send_pdu_bytes=send_limit(answer.user_information.max_pdu_bytes),
        is_requestor=True,
    )


def _connect(host: str, port: int, peer: str, settings: DialSettings) -> socket.socket:
    if not 0 < port <= 0xFFFF:
        raise InvalidRequest(f"the port of {peer} does not exist: choose one from 1 to 65535")
    try:
        return socket.create_connection((host, port), timeout=settings.timeouts.connect_s)
    except TimeoutError as error:
        raise Unreachable(
            f"{peer} does not answer within {settings.timeouts.connect_s:g} s: check address, network and firewall",
            Hindrance.NO_ANSWER,
        ) from error
    except ConnectionRefusedError as error:
        message = f"nobody listens at {peer}: check the port, and whether the peer runs"
        raise Unreachable(message, Hindrance.NOBODY_LISTENS) from error
    except socket.gaierror as error:
        message = f"the host name of {peer} is not known: check its spelling"
        raise Unreachable(message, Hindrance.NAME_UNKNOWN) from error
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{peer} cannot be reached: {error}", Hindrance.NO_WAY) from error


def _secure(connection: socket.socket, host: str, peer: str, settings: DialSettings) -> socket.socket:
    if settings.tls is None:
        return connection
    try:
        return settings.tls.wrap_socket(connection, server_hostname=settings.tls_server_name or host)
    except OSError as error:
        connection.close()
        raise Unreachable(f"no TLS connection to {peer}: {why(error)}", Hindrance.TLS) from error


def _ask(pump: Pump, request: AssociateRQ, peer: str, *, is_encrypted: bool) -> AssociateAC:
    try:
        pump.transmit(request)
        pump.connected()
        event = pump.next_event(pump.timeouts.dimse_s)
    except AssociationEnded as error:
        raise Unavailable(f"{peer} did not answer the association request: {error}") from error
    if isinstance(event, RejectionReceived):
        raise _rejected(event.pdu, peer)
    if not isinstance(event, AssociationAccepted):
        detail = pump.tls_fault or getattr(event, "detail", "")
        # A TLS server that is spoken to in plain DICOM hangs up, and its alert rarely gets through before.
        if not detail and not is_encrypted and isinstance(event, TransportLost):
            detail = "does that port want TLS?"
        because = f" ({detail})" if detail else ""
        raise AssociationAborted(f"{peer} ended the connection instead of answering the association request{because}")
    if send_limit(event.pdu.user_information.max_pdu_bytes) < MIN_SEND_PDU_BYTES:
        raise Unavailable(f"{peer} takes PDUs of {event.pdu.user_information.max_pdu_bytes} bytes: too short to use")
    return event.pdu


def _rejected(pdu: AssociateRJ, peer: str) -> CalotypeError:
    again = ", try again later" if pdu.is_transient else ""
    return AssociationRejected(
        f"{peer} rejected the association: {pdu.in_words}{again}",
        result=pdu.result,
        source=pdu.source,
        code=pdu.reason,
    )
