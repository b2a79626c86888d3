"""What becomes of an association request: (proposal, policy) -> accept or reject (PS3.8 7.1.1, PS3.7 Annex D.3).

Pure decisions on AE titles, presentation contexts, roles and extended negotiation. Addresses, limits and what
the services behind a context do are known elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    MAX_UID_CHARACTERS,
    TRANSFER_SYNTAXES,
)
from calotype.dicom.wire.pdu import (
    REJECT_APPLICATION_CONTEXT,
    REJECT_CALLED_AE_TITLE,
    REJECT_CALLING_AE_TITLE,
    REJECT_NO_REASON,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
)
from calotype.dicom.wire.pdu_items import (
    DICOM_APPLICATION_CONTEXT,
    AsyncOpsWindow,
    ContextResult,
    PresentationContextProposed,
    PresentationContextResult,
    RoleSelection,
    SopClassExtended,
    UserIdentity,
    UserIdentityResponse,
    UserInformation,
)
from calotype.dicom.wire.upper_layer import DEFAULT_MAX_PDU_BYTES

STORAGE_SERVICE_CLASS = UID("1.2.840.10008.4.2")
"""What common extended negotiation calls the storage service (PS3.4 B.3.1.3)."""
IMPLICIT_VR_LITTLE_ENDIAN = UID("1.2.840.10008.1.2")
_UNLIMITED = 0x10000


@dataclass(frozen=True, slots=True)
class ExtendedAnswer:
    """Our answer to SOP class extended negotiation of one SOP class.

    ``information`` is what we can do. When ``limited_by_proposal`` each byte is at most what was proposed, and no
    byte is added: the rule of Query/Retrieve (PS3.4 C.5.1.1). Storage answers with what it is (PS3.4 B.3.1).
    """

    information: bytes
    limited_by_proposal: bool = True

    def to(self, proposed: bytes) -> bytes:
        """Return the service class application information to answer with."""
        if not self.limited_by_proposal:
            return self.information
        return bytes(min(pair) for pair in zip(self.information, proposed, strict=False))


@dataclass(frozen=True, slots=True)
class AcceptancePolicy:
    """What one listener accepts. Where a set of AE titles is ``None``, any will do.

    ``abstract_syntaxes`` maps what we serve as SCP to transfer syntaxes; ``scp_abstract_syntaxes`` what the peer may
    serve as SCP when it asks for that role (storage classes, for C-GET). Abstract syntaxes in neither table and
    not in ``never_storage`` are storage classes that nobody told us of, if ``unknown_abstract_syntax_as_storage``;
    they then get ``storage_transfer_syntaxes``, and the SCP role if ``scp_abstract_syntaxes`` holds anything.

    Of several transfer syntaxes the proposer's first that we have is taken, unless ``transfer_syntax_order`` is
    given: then the first in that order, and those not in it after them, in the proposer's order. Contexts in which
    the proposer only receives are in the proposer's order always.

    Some programs ask for a C-MOVE in contexts of encapsulated syntaxes only and mean that objects should be sent so.
    For those of ``wish_abstract_syntaxes`` such a context is accepted, in its first syntax that exists: data sets of
    it are in explicit VR little endian (PS3.5 A.4), and the syntax is what the proposer wishes. A context with any
    other syntax is negotiated as always and states no wish.
    """

    called_ae_titles: frozenset[str] | None
    abstract_syntaxes: Mapping[UID, Sequence[UID]]
    calling_ae_titles: frozenset[str] | None = None
    scp_abstract_syntaxes: Mapping[UID, Sequence[UID]] = field(default_factory=dict)
    unknown_abstract_syntax_as_storage: bool = False
    storage_transfer_syntaxes: Sequence[UID] = ()
    never_storage: frozenset[UID] = frozenset()
    wish_abstract_syntaxes: frozenset[UID] = frozenset()
    transfer_syntax_order: Sequence[UID] = ()
    max_pdu_bytes: int = DEFAULT_MAX_PDU_BYTES
    async_ops_window: AsyncOpsWindow = AsyncOpsWindow(1, 1)  # noqa: RUF009 - frozen, one for all is right
    extended_answers: Mapping[UID, ExtendedAnswer] = field(default_factory=dict)
    implementation_class_uid: UID = IMPLEMENTATION_CLASS_UID
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME


@dataclass(frozen=True, slots=True)
class AcceptedContext:
    """A presentation context that data flows on. The roles are those of the association *requestor*."""

    context_id: int
    abstract_syntax: UID
    transfer_syntax: UID
    scu_role: bool = True
    scp_role: bool = False
    application_information: bytes = b""
    """What SOP class extended negotiation agreed on (PS3.7 D.3.3.5); empty when it did not take place."""


@dataclass(frozen=True, slots=True)
class _Served:
    """What a policy has to say about one abstract syntax, for each role of the requestor."""

    as_scu: Sequence[UID] | None
    as_scp: Sequence[UID] | None


def negotiate(
    rq: AssociateRQ, policy: AcceptancePolicy, *, identity_response: bytes | None = None
) -> AssociateAC | AssociateRJ:
    """Answer an association request.

    ``identity_response`` is given by whoever has checked the user identity; it is sent when the peer asked for a
    positive response (PS3.7 D.3.3.7). Without it the identity is passed over, as the Standard lets an acceptor do.
    """
    if rq.application_context != DICOM_APPLICATION_CONTEXT:
        return REJECT_APPLICATION_CONTEXT
    if policy.called_ae_titles is not None and rq.called_ae_title not in policy.called_ae_titles:
        return REJECT_CALLED_AE_TITLE
    if policy.calling_ae_titles is not None and rq.calling_ae_title not in policy.calling_ae_titles:
        return REJECT_CALLING_AE_TITLE
    if not rq.presentation_contexts:
        return REJECT_NO_REASON
    proposed_roles = {role.sop_class: role for role in rq.user_information.roles}
    general = _general_classes(rq)
    results, roles = [], {}
    for context in rq.presentation_contexts:
        served = _served(context.abstract_syntax, policy, general)
        role = _grant(proposed_roles.get(context.abstract_syntax), context.abstract_syntax, served)
        result = _answer(context, served, role, policy)
        results.append(result)
        if result.is_accepted and context.abstract_syntax in proposed_roles:
            roles[context.abstract_syntax] = role
    return AssociateAC(
        called_ae_title=rq.called_ae_title,
        calling_ae_title=rq.calling_ae_title,
        presentation_contexts=tuple(results),
        user_information=_user_information(rq, policy, tuple(roles.values()), identity_response),
    )


def accepted_contexts(rq: AssociateRQ, ac: AssociateAC) -> tuple[AcceptedContext, ...]:
    """Return what both sides agreed upon, for either side.

    Answers to what was not proposed - a context, a transfer syntax, a role - count as not given: a peer that
    sends them has not understood us, and nothing that we could send on them would be understood.
    """
    proposed = {context.context_id: context for context in rq.presentation_contexts}
    asked = {role.sop_class: role for role in rq.user_information.roles}
    granted = {role.sop_class: role for role in ac.user_information.roles}
    extended = {
        item.sop_class: item.service_class_application_information
        for item in ac.user_information.sop_class_extended
        if any(item.sop_class == proposal.sop_class for proposal in rq.user_information.sop_class_extended)
    }
    contexts = []
    for result in ac.presentation_contexts:
        context = proposed.get(result.context_id)
        if not result.is_accepted or context is None or result.transfer_syntax not in context.transfer_syntaxes:
            continue
        ask, grant = asked.get(context.abstract_syntax), granted.get(context.abstract_syntax)
        # PS3.7 D.3.3.4: without a proposal and an answer "the default roles" apply: the requestor is the SCU.
        scu, scp = (ask.scu and grant.scu, ask.scp and grant.scp) if ask and grant else (True, False)
        contexts.append(
            AcceptedContext(
                *(context.context_id, context.abstract_syntax, result.transfer_syntax, scu, scp),
                application_information=extended.get(context.abstract_syntax, b""),
            )
        )
    return tuple(contexts)


def _general_classes(rq: AssociateRQ) -> dict[UID, tuple[UID, ...]]:
    return {
        common.sop_class: common.related_general_sop_classes
        for common in rq.user_information.sop_class_common_extended
        if common.service_class == STORAGE_SERVICE_CLASS
    }


def _served(abstract_syntax: UID, policy: AcceptancePolicy, general: Mapping[UID, tuple[UID, ...]]) -> _Served:
    # PS3.7 D.3.3.6: an acceptor may serve a class that it does not know as one of its related general classes.
    for sop_class in (abstract_syntax, *general.get(abstract_syntax, ())):
        as_scu = policy.abstract_syntaxes.get(sop_class)
        as_scp = policy.scp_abstract_syntaxes.get(sop_class)
        if as_scu is not None or as_scp is not None:
            return _Served(as_scu, as_scp)
    is_plausible = 0 < len(abstract_syntax) <= MAX_UID_CHARACTERS and abstract_syntax not in policy.never_storage
    if policy.unknown_abstract_syntax_as_storage and is_plausible:
        as_scp = policy.storage_transfer_syntaxes if policy.scp_abstract_syntaxes else None
        return _Served(policy.storage_transfer_syntaxes, as_scp)
    return _Served(None, None)


def _grant(proposed: RoleSelection | None, sop_class: UID, served: _Served) -> RoleSelection:
    """Return the roles that the requestor gets; "off" is all that may be answered to a role not proposed."""
    if proposed is None:
        return RoleSelection(sop_class, scu=served.as_scu is not None, scp=False)
    return RoleSelection(
        sop_class,
        scu=proposed.scu and served.as_scu is not None,
        scp=proposed.scp and served.as_scp is not None,
    )


def _answer(
    context: PresentationContextProposed, served: _Served, role: RoleSelection, policy: AcceptancePolicy
) -> PresentationContextResult:
    # A rejected context carries a transfer syntax too, one that means nothing (PS3.8 9.3.3.2).
    any_syntax = next(iter(context.transfer_syntaxes), IMPLICIT_VR_LITTLE_ENDIAN)
    if not (role.scu or role.scp):
        result = ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED
        return PresentationContextResult(context.context_id, result, any_syntax)
    known = frozenset((served.as_scu if role.scu else served.as_scp) or ())
    possible = [syntax for syntax in context.transfer_syntaxes if syntax in known]
    if not possible and context.abstract_syntax in policy.wish_abstract_syntaxes:
        possible = _wishes(context)[:1]
    if not possible:
        result = ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED
        return PresentationContextResult(context.context_id, result, any_syntax)
    # What comes in is as we like it best; what only goes out (C-GET), as the proposer does.
    order = policy.transfer_syntax_order if role.scu else ()
    chosen = next((syntax for syntax in order if syntax in possible), possible[0])
    return PresentationContextResult(context.context_id, ContextResult.ACCEPTANCE, chosen)


def _wishes(context: PresentationContextProposed) -> list[UID]:
    """Return the proposed syntaxes if all of them are for compressed objects only and hence can only be a wish."""
    known = [TRANSFER_SYNTAXES.get(syntax) for syntax in context.transfer_syntaxes]
    wishes = [syntax.uid for syntax in known if syntax is not None and syntax.encapsulated]
    return wishes if len(wishes) == len(known) else []


def _user_information(
    rq: AssociateRQ, policy: AcceptancePolicy, roles: tuple[RoleSelection, ...], identity_response: bytes | None
) -> UserInformation:
    asked = rq.user_information
    proposed = {item.sop_class: item.service_class_application_information for item in asked.sop_class_extended}
    wants_response = isinstance(asked.user_identity, UserIdentity) and asked.user_identity.positive_response_requested
    return UserInformation(
        max_pdu_bytes=policy.max_pdu_bytes,
        implementation_class_uid=policy.implementation_class_uid,
        implementation_version_name=policy.implementation_version_name,
        async_ops_window=_window(asked.async_ops_window, policy.async_ops_window),
        roles=roles,
        sop_class_extended=tuple(
            SopClassExtended(sop_class, policy.extended_answers[sop_class].to(information))
            for sop_class, information in proposed.items()
            if sop_class in policy.extended_answers
        ),
        user_identity=None
        if identity_response is None or not wants_response
        else UserIdentityResponse(identity_response),
    )


def _window(proposed: AsyncOpsWindow | None, ours: AsyncOpsWindow) -> AsyncOpsWindow | None:
    """Return the smaller window of both, 0 being unlimited; none when none was proposed (PS3.7 D.3.3.3.2)."""
    if proposed is None:
        return None
    return AsyncOpsWindow(
        min(proposed.max_invoked or _UNLIMITED, ours.max_invoked or _UNLIMITED) % _UNLIMITED,
        min(proposed.max_performed or _UNLIMITED, ours.max_performed or _UNLIMITED) % _UNLIMITED,
    )
