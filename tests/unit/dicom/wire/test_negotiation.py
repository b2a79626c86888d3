"""What becomes of an association request (PS3.8 7.1.1, PS3.7 D.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import (
    EXPLICIT_VR_BIG_ENDIAN,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    JPEG_2000,
    JPEG_LOSSLESS_SV1,
    STUDY_ROOT_MOVE,
)
from calotype.dicom.wire.negotiation import (
    STORAGE_SERVICE_CLASS,
    AcceptancePolicy,
    AcceptedContext,
    ExtendedAnswer,
    accepted_contexts,
    negotiate,
)
from calotype.dicom.wire.pdu import (
    REJECT_APPLICATION_CONTEXT,
    REJECT_CALLED_AE_TITLE,
    REJECT_CALLING_AE_TITLE,
    REJECT_NO_REASON,
    AssociateAC,
    AssociateRQ,
)
from calotype.dicom.wire.pdu_items import (
    AsyncOpsWindow,
    ContextResult,
    PresentationContextProposed,
    PresentationContextResult,
    RoleSelection,
    SopClassCommonExtended,
    SopClassExtended,
    UserIdentity,
    UserIdentityResponse,
    UserIdentityType,
    UserInformation,
)

IMPLICIT, EXPLICIT, JPEG = UID("1.2.840.10008.1.2"), UID("1.2.840.10008.1.2.1"), UID("1.2.840.10008.1.2.4.50")
VERIFICATION, CT, MR = UID("1.2.840.10008.1.1"), UID("1.2.3.2"), UID("1.2.3.4")
PRINT, PRIVATE, FIND = UID("1.2.5.1"), UID("1.2.9.9"), UID("1.2.6.1")

POLICY = AcceptancePolicy(
    called_ae_titles=frozenset({"CALOTYPE"}),
    abstract_syntaxes={VERIFICATION: (IMPLICIT,), CT: (IMPLICIT, EXPLICIT, JPEG), FIND: (IMPLICIT,)},
    storage_transfer_syntaxes=(IMPLICIT, EXPLICIT, JPEG),
    never_storage=frozenset({PRINT}),
)


def request(*contexts, called="CALOTYPE", calling="SCU", **user):
    proposed = tuple(
        PresentationContextProposed(2 * number + 1, abstract_syntax, tuple(transfer_syntaxes))
        for number, (abstract_syntax, transfer_syntaxes) in enumerate(contexts)
    )
    return AssociateRQ(called, calling, proposed, UserInformation(**user))


def results(answer):
    return [(context.context_id, context.result, context.transfer_syntax) for context in answer.presentation_contexts]


def test_acceptance_says_who_we_are_and_echoes_the_titles():
    answer = negotiate(request((CT, [IMPLICIT])), POLICY)

    assert answer == AssociateAC(
        called_ae_title="CALOTYPE",
        calling_ae_title="SCU",
        presentation_contexts=(PresentationContextResult(1, ContextResult.ACCEPTANCE, IMPLICIT),),
        user_information=UserInformation(
            max_pdu_bytes=262144,
            implementation_class_uid=IMPLEMENTATION_CLASS_UID,
            implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        ),
    )


REJECTED = {
    "called AE title": (request((CT, [IMPLICIT]), called="SOMEONE"), POLICY, REJECT_CALLED_AE_TITLE),
    "called AE title in other letters": (
        request((CT, [IMPLICIT]), called="calotype"),
        POLICY,
        REJECT_CALLED_AE_TITLE,
    ),
    "calling AE title": (
        request((CT, [IMPLICIT])),
        replace(POLICY, calling_ae_titles=frozenset({"FRIEND"})),
        REJECT_CALLING_AE_TITLE,
    ),
    "application context": (
        replace(request((CT, [IMPLICIT])), application_context=UID("1.2.3")),
        POLICY,
        REJECT_APPLICATION_CONTEXT,
    ),
    "no presentation contexts": (request(), POLICY, REJECT_NO_REASON),
}


@pytest.mark.parametrize(("rq", "policy", "rejection"), REJECTED.values(), ids=REJECTED)
def test_rejection_says_why(rq, policy, rejection):
    assert negotiate(rq, policy) == rejection


def test_any_title_will_do_where_the_policy_says_so():
    policy = replace(POLICY, called_ae_titles=None, calling_ae_titles=frozenset({"FRIEND"}))

    assert isinstance(negotiate(request((CT, [IMPLICIT]), called="", calling="FRIEND"), policy), AssociateAC)


def test_each_context_is_answered_for_itself():
    rq = request((CT, [JPEG, IMPLICIT]), (PRINT, [IMPLICIT]), (VERIFICATION, [EXPLICIT]), (CT, [EXPLICIT]), (CT, []))

    assert results(negotiate(rq, POLICY)) == [
        (1, ContextResult.ACCEPTANCE, JPEG),
        (3, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, IMPLICIT),
        (5, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, EXPLICIT),
        (7, ContextResult.ACCEPTANCE, EXPLICIT),
        (9, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, IMPLICIT),
    ]


@pytest.mark.parametrize(
    ("order", "chosen"),
    [((), JPEG), ((IMPLICIT, EXPLICIT), IMPLICIT), ((EXPLICIT, UID("1.9"), IMPLICIT), IMPLICIT), ((EXPLICIT,), JPEG)],
)
def test_proposers_first_syntax_is_taken_unless_we_have_an_order(order, chosen):
    rq = request((CT, [UID("1.9"), JPEG, IMPLICIT]))

    assert results(negotiate(rq, replace(POLICY, transfer_syntax_order=order))) == [(1, 0, chosen)]


def test_what_the_proposer_only_receives_is_in_its_own_order():
    policy = replace(POLICY, scp_abstract_syntaxes={CT: (EXPLICIT, IMPLICIT)}, transfer_syntax_order=(EXPLICIT,))
    rq = request((CT, [IMPLICIT, EXPLICIT]), roles=(RoleSelection(CT, scu=False, scp=True),))

    assert results(negotiate(rq, policy)) == [(1, 0, IMPLICIT)]


@pytest.mark.parametrize(("as_storage", "result"), [(True, 0), (False, 3)])
def test_abstract_syntax_in_no_table_is_storage_where_the_policy_says_so(as_storage, result):
    policy = replace(POLICY, unknown_abstract_syntax_as_storage=as_storage)

    assert results(negotiate(request((PRIVATE, [JPEG])), policy)) == [(1, result, JPEG)]


@pytest.mark.parametrize("syntax", [PRINT, UID(""), UID("1." * 32 + "1")])
def test_what_cannot_be_storage_is_not_taken_as_it(syntax):
    policy = replace(POLICY, unknown_abstract_syntax_as_storage=True)

    assert results(negotiate(request((syntax, [IMPLICIT])), policy)) == [(1, 3, IMPLICIT)]


@pytest.mark.parametrize(
    ("service", "general", "result"),
    [(STORAGE_SERVICE_CLASS, CT, 0), (STORAGE_SERVICE_CLASS, PRINT, 3), (UID("1.2.840.10008.4.99"), CT, 3)],
)
def test_unknown_class_is_served_as_its_related_general_class(service, general, result):
    common = SopClassCommonExtended(PRIVATE, service, (UID("1.77"), general))
    rq = request((PRIVATE, [IMPLICIT]), sop_class_common_extended=(common,))

    assert results(negotiate(rq, POLICY)) == [(1, result, IMPLICIT)]


GET_POLICY = replace(
    POLICY,
    abstract_syntaxes={FIND: (IMPLICIT,), CT: (IMPLICIT,)},
    scp_abstract_syntaxes={CT: (EXPLICIT, IMPLICIT), MR: (EXPLICIT,)},
)

ROLES = {
    # (class, roles proposed) -> roles answered, (SCU, SCP) of the requestor, syntax of the context
    "none proposed": (CT, None, None, (True, False), IMPLICIT),
    "SCU": (CT, (True, False), (True, False), (True, False), IMPLICIT),
    "SCP": (CT, (False, True), (False, True), (False, True), EXPLICIT),
    "both": (CT, (True, True), (True, True), (True, True), IMPLICIT),
    "both where only SCP is served": (MR, (True, True), (False, True), (False, True), EXPLICIT),
    "both where only SCU is served": (FIND, (True, True), (True, False), (True, False), IMPLICIT),
}


@pytest.mark.parametrize(("sop_class", "asked", "granted", "agreed", "syntax"), ROLES.values(), ids=ROLES)
def test_roles_are_granted_as_far_as_they_are_served(sop_class, asked, granted, agreed, syntax):
    roles = () if asked is None else (RoleSelection(sop_class, *asked),)
    rq = request((sop_class, [EXPLICIT, IMPLICIT]), roles=roles)
    answer = negotiate(rq, GET_POLICY)

    assert answer.user_information.roles == (() if granted is None else (RoleSelection(sop_class, *granted),))
    assert accepted_contexts(rq, answer) == (AcceptedContext(1, sop_class, syntax, *agreed),)


@pytest.mark.parametrize(
    ("sop_class", "asked"), [(MR, None), (MR, (True, False)), (FIND, (False, True)), (CT, (False, False))]
)
def test_context_without_any_role_left_is_not_accepted(sop_class, asked):
    roles = () if asked is None else (RoleSelection(sop_class, *asked),)
    answer = negotiate(request((sop_class, [EXPLICIT, IMPLICIT]), roles=roles), GET_POLICY)

    assert results(answer) == [(1, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, EXPLICIT)]
    assert answer.user_information.roles == ()


def test_unknown_storage_class_may_be_got_back():
    policy = replace(GET_POLICY, unknown_abstract_syntax_as_storage=True)
    rq = request((PRIVATE, [JPEG]), roles=(RoleSelection(PRIVATE, scu=False, scp=True),))

    assert accepted_contexts(rq, negotiate(rq, policy)) == (
        AcceptedContext(1, PRIVATE, JPEG, scu_role=False, scp_role=True),
    )


@pytest.mark.parametrize(
    ("proposed", "ours", "answered"),
    [
        (None, AsyncOpsWindow(1, 1), None),
        (AsyncOpsWindow(0, 0), AsyncOpsWindow(1, 1), AsyncOpsWindow(1, 1)),
        (AsyncOpsWindow(8, 2), AsyncOpsWindow(4, 4), AsyncOpsWindow(4, 2)),
        (AsyncOpsWindow(8, 0), AsyncOpsWindow(0, 0), AsyncOpsWindow(8, 0)),
    ],
)
def test_asynchronous_window_is_the_smaller_of_both(proposed, ours, answered):
    rq = request((CT, [IMPLICIT]), async_ops_window=proposed)

    assert negotiate(rq, replace(POLICY, async_ops_window=ours)).user_information.async_ops_window == answered


def test_extended_negotiation_is_answered_for_classes_that_have_an_answer():
    policy = replace(
        POLICY,
        extended_answers={
            FIND: ExtendedAnswer(b"\1\1\1\0"),
            CT: ExtendedAnswer(b"\2\0\0\0\1\0", limited_by_proposal=False),
        },
    )
    asked = (
        SopClassExtended(FIND, b"\1\0\1"),
        SopClassExtended(FIND, b"\1\0\1\1\1"),
        SopClassExtended(CT, b"\3"),
        SopClassExtended(MR, b"\1"),
    )
    answer = negotiate(request((FIND, [IMPLICIT]), sop_class_extended=asked), policy)

    assert answer.user_information.sop_class_extended == (
        SopClassExtended(FIND, b"\1\0\1\0"),
        SopClassExtended(CT, b"\2\0\0\0\1\0"),
    )


def test_a_context_carries_what_extended_negotiation_agreed_on():
    asked = (SopClassExtended(FIND, b"\1\1\0\1"),)
    rq = request((FIND, [IMPLICIT]), (CT, [IMPLICIT]), sop_class_extended=asked)
    policy = replace(POLICY, extended_answers={FIND: ExtendedAnswer(b"\1\1\1\0"), CT: ExtendedAnswer(b"\1")})
    answer = negotiate(rq, policy)
    unasked = replace(answer.user_information, sop_class_extended=(SopClassExtended(CT, b"\1"),))

    assert [c.application_information for c in accepted_contexts(rq, answer)] == [b"\1\1\0\0", b""]
    assert [c.application_information for c in accepted_contexts(rq, replace(answer, user_information=unasked))] == [
        b"",
        b"",
    ]


@pytest.mark.parametrize(
    ("wants_response", "response", "answered"),
    [(True, b"", UserIdentityResponse()), (True, None, None), (False, b"", None)],
)
def test_user_identity_is_answered_when_checked_and_asked_for(wants_response, response, answered):
    identity = UserIdentity(UserIdentityType.USERNAME, wants_response, b"bob")
    rq = request((CT, [IMPLICIT]), user_identity=identity)

    assert negotiate(rq, POLICY, identity_response=response).user_information.user_identity == answered


def test_answers_to_what_was_not_proposed_count_as_not_given():
    rq = request((CT, [IMPLICIT]), (MR, [IMPLICIT]), (FIND, [IMPLICIT]))
    answer = AssociateAC(
        "CALOTYPE",
        "SCU",
        (
            PresentationContextResult(1, ContextResult.ACCEPTANCE, JPEG),
            PresentationContextResult(3, ContextResult.USER_REJECTION, IMPLICIT),
            PresentationContextResult(5, ContextResult.ACCEPTANCE, IMPLICIT),
            PresentationContextResult(99, ContextResult.ACCEPTANCE, IMPLICIT),
        ),
        UserInformation(roles=(RoleSelection(FIND, scu=False, scp=True),)),
    )

    assert accepted_contexts(rq, answer) == (AcceptedContext(5, FIND, IMPLICIT, scu_role=True, scp_role=False),)


@pytest.mark.parametrize(
    ("proposed", "result", "syntax"),
    [
        # Only what is compressed: accepted, and its first is the wish.
        ([JPEG_2000, JPEG_LOSSLESS_SV1], ContextResult.ACCEPTANCE, JPEG_2000),
        # Something uncompressed, too: negotiated to that, no wish.
        ([JPEG_2000, IMPLICIT], ContextResult.ACCEPTANCE, IMPLICIT),
        ([JPEG_2000, EXPLICIT, IMPLICIT], ContextResult.ACCEPTANCE, EXPLICIT),
        # Uncompressed, but none that identifiers are read in.
        ([JPEG_2000, EXPLICIT_VR_BIG_ENDIAN], ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, JPEG_2000),
        # Of a syntax that nobody knows it cannot be told what it is.
        ([UID("1.2.3")], ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, UID("1.2.3")),
    ],
)
def test_a_move_in_compressed_syntaxes_only_states_a_wish(proposed, result, syntax):
    policy = replace(
        POLICY,
        abstract_syntaxes={STUDY_ROOT_MOVE: (EXPLICIT, IMPLICIT)},
        wish_abstract_syntaxes=frozenset({STUDY_ROOT_MOVE}),
    )
    assert results(negotiate(request((STUDY_ROOT_MOVE, proposed)), policy)) == [(1, result, syntax)]


def test_no_other_service_is_asked_for_in_compressed_syntaxes():
    policy = replace(POLICY, abstract_syntaxes={STUDY_ROOT_MOVE: (IMPLICIT,)})
    assert results(negotiate(request((STUDY_ROOT_MOVE, [JPEG_2000])), policy)) == [
        (1, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, JPEG_2000)
    ]
