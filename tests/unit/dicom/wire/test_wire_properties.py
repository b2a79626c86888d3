"""What holds for every PDU, message and byte stream, however it is cut and whoever made it."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire import command_sets, pdu_items
from calotype.dicom.wire.command_sets import decode_message, encode_message
from calotype.dicom.wire.dimse import (
    CommandReceived,
    DataSetEnd,
    DataSetFragment,
    MessageAssembler,
    command_pdus,
    data_set_pdus,
)
from calotype.dicom.wire.messages import CEchoRQ, CStoreRQ, InvalidMessage
from calotype.dicom.wire.negotiation import AcceptancePolicy, accepted_contexts, negotiate
from calotype.dicom.wire.pdu import (
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    PDataTF,
    PresentationDataValue,
    ReleaseRP,
    ReleaseRQ,
    decode_pdu,
)
from calotype.dicom.wire.pdu_items import InvalidPdu, PresentationContextProposed, PresentationContextResult
from calotype.dicom.wire.states import State
from calotype.dicom.wire.upper_layer import (
    MAX_ASSOCIATE_BYTES,
    Aborted,
    CloseConnection,
    DataFragment,
    Role,
    SendBytes,
    UpperLayer,
)

uids = st.text("0123456789.", min_size=1, max_size=64).map(UID)
ae_titles = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=16)
secrets = st.binary(max_size=40)
flags = st.booleans()
context_ids = st.integers(0, 127).map(lambda number: 2 * number + 1)
windows = st.builds(pdu_items.AsyncOpsWindow, st.integers(0, 65535), st.integers(0, 65535))
identities = st.one_of(
    st.none(),
    st.builds(pdu_items.UserIdentity, st.integers(0, 255), flags, secrets, secrets),
    st.builds(pdu_items.UserIdentityResponse, secrets),
)


def tuples(strategy, max_size=4, **options):
    return st.lists(strategy, max_size=max_size, **options).map(tuple)


user_information = st.builds(
    pdu_items.UserInformation,
    max_pdu_bytes=st.integers(0, 0xFFFFFFFF),
    implementation_class_uid=st.just(UID("")) | uids,
    implementation_version_name=ae_titles,
    async_ops_window=st.none() | windows,
    roles=tuples(st.builds(pdu_items.RoleSelection, uids, flags, flags)),
    sop_class_extended=tuples(st.builds(pdu_items.SopClassExtended, uids, secrets)),
    sop_class_common_extended=tuples(st.builds(pdu_items.SopClassCommonExtended, uids, uids, tuples(uids))),
    user_identity=identities,
)
proposals = st.builds(PresentationContextProposed, context_ids, uids, tuples(uids))
answers = st.builds(PresentationContextResult, context_ids, st.integers(0, 255), st.just(UID("")) | uids)
pdvs = st.builds(PresentationDataValue, context_ids, flags, flags, st.binary(max_size=60))
requests = st.builds(
    AssociateRQ,
    ae_titles,
    ae_titles,
    tuples(proposals, unique_by=lambda context: context.context_id),
    user_information,
    uids,
    st.integers(0, 65535),
)
acceptances = st.builds(
    AssociateAC,
    ae_titles,
    ae_titles,
    tuples(answers, unique_by=lambda context: context.context_id),
    user_information,
    uids,
    st.integers(0, 65535),
)
bytes_1 = st.integers(0, 255)
rejections = st.builds(AssociateRJ, bytes_1, bytes_1, bytes_1)
data = st.builds(PDataTF, st.lists(pdvs, min_size=1, max_size=5).map(tuple))
aborts = st.builds(Abort, bytes_1, bytes_1)
releases = st.builds(ReleaseRQ) | st.builds(ReleaseRP)
pdus = st.one_of(requests, acceptances, rejections, data, releases, aborts)


@given(pdus)
def test_pdu_reads_back(pdu):
    raw = pdu.encode()

    assert int.from_bytes(raw[2:6], "big") == len(raw) - 6
    assert decode_pdu(raw[0], raw[6:]) == pdu


@given(bytes_1, st.binary(max_size=300))
def test_any_body_reads_as_a_pdu_or_not_at_all(pdu_type, body):
    try:
        pdu = decode_pdu(pdu_type, body)
    except InvalidPdu:
        return
    raw = pdu.encode()
    assert decode_pdu(raw[0], raw[6:]) == pdu


@st.composite
def damaged(draw, sources):
    """Bytes that were right once: some overwritten, inserted or cut."""
    raw = bytearray(draw(sources))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        raw[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(raw)


@given(damaged((requests | acceptances).map(lambda pdu: pdu.encode())))
def test_damaged_associate_reads_or_not_at_all(raw):
    try:
        pdu = decode_pdu(raw[0] if raw else 0, raw[6:])
    except InvalidPdu:
        return
    again = pdu.encode()
    assert decode_pdu(again[0], again[6:]) == pdu


_FIELD_VALUES = {
    "has_data_set": flags,
    "offending_elements": tuples(st.integers(0, 0xFFFFFFFF)),
    "attribute_identifiers": tuples(st.integers(0, 0xFFFFFFFF)),
    "error_comment": st.text(st.characters(min_codepoint=33, max_codepoint=91), max_size=64),
    "move_destination": ae_titles,
    "move_originator_ae_title": ae_titles,
}
us = st.integers(0, 65535)


def messages_of(message_type):
    values = {}
    for field in fields(message_type):
        strategy = _FIELD_VALUES.get(field.name, uids if field.name.endswith("_uid") else us)
        values[field.name] = st.none() | strategy if field.default is None else strategy
    return st.builds(message_type, **values)


messages = st.one_of([messages_of(message_type) for message_type in command_sets._MESSAGE_TYPES])


@given(messages)
def test_message_reads_back(message):
    raw = encode_message(message)

    assert int.from_bytes(raw[8:12], "little") == len(raw) - 12
    assert len(raw) % 2 == 0
    assert decode_message(raw) == message


@given(st.binary(max_size=120) | damaged(messages.map(encode_message)))
def test_any_command_set_reads_as_a_message_or_not_at_all(raw):
    try:
        message = decode_message(raw)
    except InvalidMessage:
        return
    assert isinstance(message, command_sets._MESSAGE_TYPES)


CONTEXT = PresentationContextProposed(1, UID("1.2"), (UID("1.3"),))
RQ = AssociateRQ("US", "THEM", (CONTEXT,), pdu_items.UserInformation())
AC = AssociateAC("US", "THEM", (PresentationContextResult(1, 0, UID("1.3")),), pdu_items.UserInformation())


def layer_in(state):
    """Return a machine in one of the states in which a peer can be heard."""
    requesting = state in {State.STA5, State.STA9, State.STA11}
    layer = UpperLayer(Role.REQUESTOR if requesting else Role.ACCEPTOR, max_pdu_bytes=1000)
    layer.connected()
    if requesting:
        layer.send(RQ)
    elif state is not State.STA2:
        layer.receive(memoryview(RQ.encode()))
    if state not in {State.STA2, State.STA3, State.STA5}:
        if requesting:
            layer.receive(memoryview(AC.encode()))
        else:
            layer.send(AC)
    if state in {State.STA7, State.STA9, State.STA10, State.STA11, State.STA12}:
        layer.send(ReleaseRQ())
    if state in {State.STA8, State.STA9, State.STA10, State.STA11, State.STA12}:
        layer.receive(memoryview(ReleaseRQ().encode()))
    if state is State.STA11:
        layer.send(ReleaseRP())
    if state is State.STA12:
        layer.receive(memoryview(ReleaseRP().encode()))
    if state is State.STA13:
        layer.send(Abort())
    assert layer.state is state
    return layer


HEARING = sorted(set(State) - {State.STA1, State.STA4})


def held_bytes(layer):
    return len(layer._body) + len(layer._partial)


def play(layer, chunks):
    """Feed chunks as a driver would; return what came out, the slices of each PDV joined, and what was sent."""
    out, slices = [], bytearray()
    for chunk in chunks:
        for event in layer.receive(memoryview(chunk)):
            if isinstance(event, DataFragment):
                slices += event.data
                if event.ends_pdv:
                    out.append((event.context_id, event.is_command, event.is_last, bytes(slices)))
                    slices.clear()
            else:
                out.append(event)
        assert held_bytes(layer) <= MAX_ASSOCIATE_BYTES + 5
    return [*out, bytes(slices), layer.state]


@st.composite
def cut(draw, raw):
    """Cut bytes at random places; pieces of a few bytes are as likely as long ones."""
    cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    if draw(flags):
        around = draw(st.integers(0, len(raw)))
        cuts = sorted({*cuts, *range(around, min(around + 30, len(raw)))})
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


streams = st.lists(
    st.one_of(data, data, data, pdus).map(lambda pdu: pdu.encode()) | st.binary(max_size=30), max_size=6
).map(b"".join)


@given(st.data(), streams | damaged(streams), st.sampled_from(HEARING))
def test_stream_means_the_same_however_it_is_cut(choices, stream, state):
    pieces = choices.draw(cut(stream))

    assert play(layer_in(state), pieces) == play(layer_in(state), [stream])


@given(st.lists(data, min_size=1, max_size=5), st.data())
def test_every_pdv_comes_out_as_it_was_sent(sent, choices):
    pieces = choices.draw(cut(b"".join(pdu.encode() for pdu in sent)))

    assert play(layer_in(State.STA6), pieces) == [
        *((pdv.context_id, pdv.is_command, pdv.is_last, pdv.data) for pdu in sent for pdv in pdu.pdvs),
        b"",
        State.STA6,
    ]


@pytest.mark.parametrize("state", HEARING)
@given(stream=st.binary(max_size=200) | streams | damaged(streams))
def test_whatever_comes_the_association_can_be_ended(state, stream):
    layer = layer_in(state)
    events = layer.receive(memoryview(stream))

    aborts_sent = [event for event in events if isinstance(event, SendBytes) and event.data[0] == 7]
    if layer.fault:
        assert aborts_sent
    if CloseConnection() in events:
        assert layer.state is State.STA1
    if any(isinstance(event, Aborted) for event in events):
        assert layer.state in {State.STA1, State.STA13}
    layer.connection_closed()
    assert layer.state is State.STA1
    assert layer.receive(memoryview(stream)) == []


@given(st.lists(data, max_size=6).map(lambda sent: b"".join(pdu.encode() for pdu in sent)))
def test_any_fragments_are_messages_or_refused(stream):
    assembler = MessageAssembler({1, 3})
    for event in layer_in(State.STA6).receive(memoryview(stream)):
        assert isinstance(event, DataFragment)
        try:
            parts = assembler.receive(event)
        except InvalidMessage:
            break
        assert all(isinstance(part, CommandReceived | DataSetFragment | DataSetEnd) for part in parts)


STORE = CStoreRQ(message_id=2, affected_sop_class_uid=UID("1.2"), affected_sop_instance_uid=UID("1.2.3"))


@given(st.lists(st.none() | st.binary(max_size=3000), max_size=4), st.integers(8, 1000), st.data())
def test_conversation_arrives_as_it_was_sent(objects, max_pdu_bytes, choices):
    sent, stream = [], bytearray()
    for data_set in objects:
        message = CEchoRQ(message_id=1) if data_set is None else STORE
        sent.append((message, data_set))
        stream += b"".join(command_pdus(3, message, max_pdu_bytes))
        if data_set is not None:
            stream += b"".join(data_set_pdus(3, data_set, max_pdu_bytes))
    layer, assembler = layer_in(State.STA6), MessageAssembler({3})
    received = []
    for chunk in choices.draw(cut(bytes(stream))):
        for fragment in layer.receive(memoryview(chunk)):
            for part in assembler.receive(fragment):
                if isinstance(part, CommandReceived):
                    received.append([part.message, b"" if part.message.has_data_set else None])
                elif isinstance(part, DataSetFragment):
                    received[-1][1] += part.data

    assert [tuple(pair) for pair in received] == sent
    assert assembler.is_between_messages


@given(requests, flags, flags)
def test_any_request_is_answered_and_the_answer_fits_the_wire(request, as_storage, serves_get):
    syntaxes = [syntax for context in request.presentation_contexts for syntax in context.transfer_syntaxes]
    policy = AcceptancePolicy(
        called_ae_titles=None,
        abstract_syntaxes={context.abstract_syntax: syntaxes for context in request.presentation_contexts[:1]},
        scp_abstract_syntaxes={UID("1"): syntaxes} if serves_get else {},
        unknown_abstract_syntax_as_storage=as_storage,
        storage_transfer_syntaxes=syntaxes,
    )
    answer = negotiate(replace(request, application_context=pdu_items.DICOM_APPLICATION_CONTEXT), policy)

    raw = answer.encode()
    assert decode_pdu(raw[0], raw[6:]) == answer
    if isinstance(answer, AssociateAC):
        offered = {context.context_id for context in request.presentation_contexts}
        assert {context.context_id for context in answer.presentation_contexts} == offered
        accepted = {context.context_id for context in accepted_contexts(request, answer)}
        assert accepted == {context.context_id for context in answer.presentation_contexts if context.is_accepted}
