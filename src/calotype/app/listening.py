"""From a listener's section of the settings to its port: its address and its TLS, and what it accepts there."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from calotype.app.settings import Listener, ServiceName, Settings
from calotype.app.talking import timeouts_of
from calotype.dicom import uids
from calotype.dicom.hierarchy import UID
from calotype.dicom.query.negotiated import SUPPORTED
from calotype.dicom.wire.negotiation import AcceptancePolicy, ExtendedAnswer
from calotype.network.settings import ListenerSettings
from calotype.network.tls import TlsProfile, server_context
from calotype.scu.calling import NATIVE_SYNTAXES

SERVED: Mapping[ServiceName, Sequence[UID]] = {
    "storage": tuple(sorted(uids.STORAGE_CLASSES)),
    "find": (uids.STUDY_ROOT_FIND, uids.PATIENT_ROOT_FIND),
    "move": (uids.STUDY_ROOT_MOVE, uids.PATIENT_ROOT_MOVE),
    "get": (uids.STUDY_ROOT_GET, uids.PATIENT_ROOT_GET),
    "worklist": (uids.MODALITY_WORKLIST_FIND,),
    "mpps": (uids.MODALITY_PERFORMED_PROCEDURE_STEP, uids.MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE),
    "commitment": (uids.STORAGE_COMMITMENT_PUSH,),
    "print": (),
}
"""The SOP classes behind each service of the settings; none: not built yet, its contexts are not accepted."""

_RETRIEVE_EXTENSIONS = ExtendedAnswer(bytes([1, 0]))
"""PS3.4 C.5.2.1, C.5.3.1: relational retrieval, no conversion to multi-frame images."""

EXTENSIONS: Mapping[ServiceName, ExtendedAnswer] = {
    # PS3.4 B.3.1: level 2 (full), signatures are kept (bit preserving), no coercion.
    "storage": ExtendedAnswer(bytes([2, 0, 3, 0, 0, 0]), limited_by_proposal=False),
    "find": ExtendedAnswer(SUPPORTED.to_bytes()),
    "move": _RETRIEVE_EXTENSIONS,
    "get": _RETRIEVE_EXTENSIONS,
}
"""What is answered to SOP class extended negotiation; the other services pass it over."""


def listener_settings(section: Listener, settings: Settings) -> ListenerSettings:
    """Return how one listener is opened. Refused or InvalidRequest for a certificate that cannot be used."""
    tls = section.tls
    context = None
    if tls.certificate is not None:
        context = server_context(
            tls.certificate,
            tls.key or tls.certificate,
            password=tls.key_password,
            client_ca=tls.client_ca,
            client_required=tls.client_certificate == "required",
            profile=TlsProfile(tls.profile),
            min_version=tls.min_version,
        )
    return ListenerSettings(
        name=section.name or str(section.port),
        host=section.bind,
        port=section.port,
        tls=context,
        peers=tuple(ipaddress.ip_network(peer, strict=False) for peer in section.peers),
        max_associations=section.max_associations,
        max_associations_per_peer=section.max_associations_per_peer,
        timeouts=timeouts_of(settings),
    )


def policy_of(section: Listener, settings: Settings) -> AcceptancePolicy:
    """Return what one listener accepts: AE titles, and the contexts of its services."""
    native = NATIVE_SYNTAXES
    every = uids.STORABLE_TRANSFER_SYNTAXES
    abstract: dict[UID, Sequence[UID]] = {uids.VERIFICATION: native}
    extended: dict[UID, ExtendedAnswer] = {}
    for name in section.services:
        abstract.update(dict.fromkeys(SERVED[name], every if name == "storage" else native))
        if name in EXTENSIONS:
            extended.update(dict.fromkeys(SERVED[name], EXTENSIONS[name]))
    # C-GET: the requestor receives, so it may be SCP of anything that can be stored.
    reversed_roles: dict[UID, Sequence[UID]] = (
        dict.fromkeys(uids.STORAGE_CLASSES, every) if "get" in section.services else {}
    )
    if "commitment" in section.services:
        # PS3.4 J: an archive that we asked for commitment calls us to report, as SCP.
        reversed_roles[uids.STORAGE_COMMITMENT_PUSH] = native
    return AcceptancePolicy(
        called_ae_titles=frozenset(section.ae_titles) if section.check_called_ae_title else None,
        calling_ae_titles=frozenset(section.calling_ae_titles) or None,
        abstract_syntaxes=abstract,
        scp_abstract_syntaxes=reversed_roles,
        unknown_abstract_syntax_as_storage="storage" in section.services
        and settings.dicom.unknown_classes_as_storage,
        storage_transfer_syntaxes=every,
        never_storage=frozenset(uids.SOP_CLASSES) - uids.STORAGE_CLASSES,
        wish_abstract_syntaxes=frozenset(SERVED["move"]),
        transfer_syntax_order=tuple(UID(uid) for uid in settings.dicom.transfer_syntaxes),
        max_pdu_bytes=settings.dicom.max_pdu_bytes,
        extended_answers=extended,
    )
