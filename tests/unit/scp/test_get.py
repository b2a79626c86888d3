"""C-GET as a dialogue: the objects come back over the association that asked."""

import pytest

from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.uids import (
    CT_IMAGE_STORAGE,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
    STUDY_ROOT_GET,
)
from calotype.dicom.wire.messages import CCancelRQ, CGetRQ, CStoreRQ, CStoreRSP
from calotype.dicom.wire.pdu_items import RoleSelection
from calotype.network.failures import AssociationAborted
from calotype.scp.get import GetScp
from calotype.scu.sender import AssociationDelivery
from support import samples
from support.peers import NATIVE, STORAGE, Shelf, call, serving

STUDY = encode([Element(0x00080052, "CS", b"STUDY"), Element(0x0020000D, "UI", b"1.2.3")], EXPLICIT_VR_LITTLE_ENDIAN)
AS_SCP = [RoleSelection(CT_IMAGE_STORAGE, scu=False, scp=True)]
GET = (STUDY_ROOT_GET, NATIVE)


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def node(shelf):
    contexts = {STUDY_ROOT_GET: NATIVE, **STORAGE}
    with serving({CGetRQ: GetScp(shelf, AssociationDelivery)}, contexts, scp_contexts=STORAGE) as node:
        yield node


def fetch(association, *, answer=lambda _request: 0x0000, cancel_after=None):
    """Send a C-GET, answer each C-STORE; return the objects, and the responses as in C-MOVE."""
    association.send(1, CGetRQ(message_id=5, affected_sop_class_uid=STUDY_ROOT_GET), STUDY)
    objects, responses = [], []
    while True:
        received = association.receive()
        message = received.message
        if isinstance(message, CStoreRQ):
            data = association.read_identifier(limit_bytes=1 << 30)
            objects.append((message.affected_sop_instance_uid, received.context.transfer_syntax, data))
            if len(objects) == cancel_after:
                association.send(1, CCancelRQ(message_id_being_responded_to=5))
            response = CStoreRSP(message_id_being_responded_to=message.message_id, status=answer(message))
            association.send(received.context.context_id, response)
            continue
        uids = None
        if message.has_data_set:
            [element] = decode(association.read_identifier(), received.context.transfer_syntax)
            uids = element.raw.decode().rstrip("\0")
        responses.append(
            (
                message.status,
                message.number_of_remaining_suboperations,
                message.number_of_completed_suboperations,
                message.number_of_failed_suboperations,
                message.number_of_warning_suboperations,
                uids,
            )
        )
        if message.status != 0xFF00:
            return objects, responses


def test_get_sends_each_object_as_it_is_stored(node, shelf):
    uids = [
        shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"e" * 600_002),
        shelf.add(CT_IMAGE_STORAGE, IMPLICIT_VR_LITTLE_ENDIAN, b"i" * 20),
        shelf.add(CT_IMAGE_STORAGE, JPEG_BASELINE, b"jj"),
    ]
    contexts = [(CT_IMAGE_STORAGE, [ts]) for ts in (*NATIVE, JPEG_BASELINE)]
    with call(node, GET, *contexts, roles=AS_SCP) as association:
        objects, responses = fetch(association)
    assert objects == [
        (uids[0], EXPLICIT_VR_LITTLE_ENDIAN, b"e" * 600_002),
        (uids[1], IMPLICIT_VR_LITTLE_ENDIAN, b"i" * 20),
        (uids[2], JPEG_BASELINE, b"jj"),
    ]
    assert responses[0] == (0xFF00, 3, 0, 0, 0, None)
    assert responses[-1] == (0x0000, None, 3, 0, 0, None)


def test_get_fails_what_has_no_context_of_its_syntax(node, shelf):
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"ee")
    jpeg = shelf.add(CT_IMAGE_STORAGE, JPEG_BASELINE, b"jj")
    with call(node, GET, (CT_IMAGE_STORAGE, NATIVE), roles=AS_SCP) as association:
        objects, responses = fetch(association)
    assert [data for _, _, data in objects] == [b"ee"]
    assert responses[-1] == (0xB000, None, 1, 1, 0, jpeg)


def test_get_makes_another_form_for_a_peer_that_does_not_take_the_stored_one(node, shelf):
    uid = shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, samples.ct())
    with call(node, GET, (CT_IMAGE_STORAGE, [IMPLICIT_VR_LITTLE_ENDIAN]), roles=AS_SCP) as association:
        objects, responses = fetch(association)
    assert objects == [(uid, IMPLICIT_VR_LITTLE_ENDIAN, samples.ct(syntax=IMPLICIT_VR_LITTLE_ENDIAN))]
    assert responses[-1] == (0x0000, None, 1, 0, 0, None)


def test_get_sends_nothing_to_a_peer_that_did_not_offer_to_receive(node, shelf):
    # Without role selection the storage context is for the peer to send on (PS3.7 D.3.3.4).
    uid = shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"ee")
    with call(node, GET, (CT_IMAGE_STORAGE, NATIVE)) as association:
        objects, responses = fetch(association)
    assert objects == []
    assert responses[-1] == (0xA702, None, 0, 1, 0, uid)


def test_get_counts_what_the_peer_answers(node, shelf):
    uids = [shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"%d" % i) for i in range(3)]
    statuses = {uids[0]: 0x0000, uids[1]: 0xB000, uids[2]: 0xA700}
    with call(node, GET, (CT_IMAGE_STORAGE, NATIVE), roles=AS_SCP) as association:
        _, responses = fetch(association, answer=lambda request: statuses[request.affected_sop_instance_uid])
    assert responses[-1] == (0xB000, None, 1, 1, 1, uids[2])


def test_get_counts_an_object_that_is_gone_as_failed(node, shelf):
    uid = shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"ee")
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"f")
    shelf.missing.add(uid)
    with call(node, GET, (CT_IMAGE_STORAGE, NATIVE), roles=AS_SCP) as association:
        _, responses = fetch(association)
    assert responses[-1] == (0xB000, None, 1, 1, 0, uid)


def test_get_stops_at_a_cancel_and_tells_what_remains(node, shelf):
    for _ in range(10):
        shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"ee")
    with call(node, GET, (CT_IMAGE_STORAGE, NATIVE), roles=AS_SCP) as association:
        objects, responses = fetch(association, cancel_after=4)
    assert len(objects) == 4
    assert responses[-1] == (0xFE00, 6, 4, 0, 0, "")


def test_get_gives_each_sub_operation_a_message_id_of_its_own(node, shelf):
    for _ in range(3):
        shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"ee")
    ids = []
    with call(node, GET, (CT_IMAGE_STORAGE, NATIVE), roles=AS_SCP) as association:
        fetch(association, answer=lambda request: ids.append(request.message_id) or 0x0000)
    assert len(set(ids)) == 3


def test_get_aborts_when_the_peer_answers_another_message(node, shelf):
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"ee")
    association = call(node, GET, (CT_IMAGE_STORAGE, NATIVE), roles=AS_SCP)
    association.send(1, CGetRQ(message_id=5, affected_sop_class_uid=STUDY_ROOT_GET), STUDY)
    assert association.receive().message.status == 0xFF00
    request = association.receive()
    association.skip_data_set()
    response = CStoreRSP(message_id_being_responded_to=request.message.message_id + 1, status=0)
    association.send(request.context.context_id, response)
    with pytest.raises(AssociationAborted):
        association.receive()
    association.close()
