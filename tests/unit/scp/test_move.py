"""C-MOVE as a dialogue between three: who asks, we who send, and the node that receives."""

import threading

import pytest

from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.uids import (
    CT_IMAGE_STORAGE,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
    MR_IMAGE_STORAGE,
    PATIENT_ROOT_MOVE,
    STORABLE_TRANSFER_SYNTAXES,
    STUDY_ROOT_MOVE,
)
from calotype.dicom.wire.messages import CCancelRQ, CMoveRQ, CStoreRQ
from calotype.scp import suboperations
from calotype.scp.move import MoveScp
from calotype.scp.suboperations import failed_list
from calotype.scu.memory import MemoryCourier
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import FixedAddressBook, Node, Role
from calotype.services.routing.ports import Answer, Kind, Originator, Result
from calotype.services.routing.send import Dispatch
from support.peers import CALLER, NATIVE, PREFIX, STORAGE, Shelf, Sink, call, serving

FAILED_LIST = 0x00080058
VIEWER = Node("VIEWER", "viewer.example", 104)
STUDY = encode([Element(0x00080052, "CS", b"STUDY"), Element(0x0020000D, "UI", b"1.2.3")], EXPLICIT_VR_LITTLE_ENDIAN)


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def courier():
    return MemoryCourier()


@pytest.fixture
def node(shelf, courier):
    scp = MoveScp(Dispatch(shelf, courier), FixedAddressBook([VIEWER]))
    contexts = dict.fromkeys((STUDY_ROOT_MOVE, PATIENT_ROOT_MOVE, CT_IMAGE_STORAGE), NATIVE)
    with serving({CMoveRQ: scp}, contexts) as node:
        yield node


def responses(association, destination="VIEWER", data=STUDY, *, message_id=9):
    """Send a C-MOVE; yield (status, remaining, completed, failed, warning, failed UIDs) up to the final one."""
    context = next(iter(association.contexts.values()))
    request = CMoveRQ(
        message_id=message_id, affected_sop_class_uid=context.abstract_syntax, move_destination=destination
    )
    association.send(context.context_id, request, data)
    while True:
        r = association.receive().message
        assert r.message_id_being_responded_to == message_id
        uids = None
        if r.has_data_set:
            [element] = decode(association.read_identifier(), context.transfer_syntax)
            assert element.tag == FAILED_LIST
            uids = element.raw.decode().rstrip("\0")
        yield (
            r.status,
            r.number_of_remaining_suboperations,
            r.number_of_completed_suboperations,
            r.number_of_failed_suboperations,
            r.number_of_warning_suboperations,
            uids,
        )
        if r.status != 0xFF00:
            return


def moved(node, *args, **kwargs):
    with call(node, (STUDY_ROOT_MOVE, NATIVE)) as association:
        return list(responses(association, *args, **kwargs))


def test_move_tells_the_total_first_and_success_last(node, shelf, courier):
    for number in range(3):
        shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"data %d!" % number)
    first, *_, last = moved(node)
    assert first == (0xFF00, 3, 0, 0, 0, None)
    assert last == (0x0000, None, 3, 0, 0, None)
    assert [d.data for d in courier.delivered] == [b"data 0!", b"data 1!", b"data 2!"]
    assert {d.node for d in courier.delivered} == {VIEWER}
    assert {d.originator for d in courier.delivered} == {Originator("TESTER", 9)}


def test_move_hands_the_keys_on_as_a_selection(node, shelf):
    moved(node)
    assert shelf.selections == [Selection(Level.STUDY, studies=(UID("1.2.3"),))]


def test_move_of_nothing_is_success_without_pending(node, courier):
    assert moved(node) == [(0x0000, None, 0, 0, 0, None)]
    assert courier.connections == []


def test_move_to_a_node_that_takes_no_objects_is_a801(shelf, courier):
    printer = Node("PRINTER", "printer.example", 104, roles=frozenset({Role.PRINT}))
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"data")
    scp = MoveScp(Dispatch(shelf, courier), FixedAddressBook([printer]))
    with serving({CMoveRQ: scp}, {STUDY_ROOT_MOVE: NATIVE}) as node:
        assert moved(node, "PRINTER") == [(0xA801, None, None, None, None, None)]
    assert courier.connections == []


def test_move_to_an_unknown_destination_is_a801(node, shelf):
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"data")
    assert moved(node, "NOBODY") == [(0xA801, None, None, None, None, None)]
    assert shelf.selections == []


def test_move_without_the_unique_key_is_a900(node):
    data = encode([Element(0x00080052, "CS", b"STUDY")], EXPLICIT_VR_LITTLE_ENDIAN)
    assert moved(node, data=data) == [(0xA900, None, None, None, None, None)]


def test_move_on_a_context_of_another_service_is_a900(node):
    with call(node, (CT_IMAGE_STORAGE, NATIVE)) as association:
        assert list(responses(association)) == [(0xA900, None, None, None, None, None)]


def test_move_to_a_node_that_does_not_answer_is_a702_and_names_what_failed(node, shelf, courier):
    courier.unreachable = frozenset({"VIEWER"})
    uids = [shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"data") for _ in range(2)]
    assert moved(node)[-1] == (0xA702, None, 0, 2, 0, "\\".join(uids))


def test_move_that_fails_in_part_is_b000_and_names_what_failed(node, shelf, courier):
    good = shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"good")
    bad = shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"bad!")
    courier.judge = lambda uid: Answer(Result.FAILED if uid == bad else Result.COMPLETED)
    assert moved(node)[-1] == (0xB000, None, 1, 1, 0, bad)
    assert [d.sop_instance for d in courier.delivered] == [good]


def test_move_with_warnings_only_is_b000_with_an_empty_list(node, shelf, courier):
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"odd!")
    courier.judge = lambda _uid: Answer(Result.WARNING, 0xB000)
    assert moved(node)[-1] == (0xB000, None, 0, 0, 1, "")


def test_move_fails_an_object_whose_syntax_is_not_accepted(node, shelf, courier):
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"plain")
    jpeg = shelf.add(CT_IMAGE_STORAGE, JPEG_BASELINE, b"jpeg")
    courier.refused = frozenset({Kind(CT_IMAGE_STORAGE, JPEG_BASELINE)})
    assert moved(node)[-1] == (0xB000, None, 1, 1, 0, jpeg)


def test_move_stops_at_a_cancel_and_tells_what_remains(node, shelf, courier, monkeypatch):
    monkeypatch.setattr(suboperations, "LOOK_INTERVAL_S", 0)
    is_cancelled = threading.Event()

    def wait_for_the_cancel(_sop_instance):
        assert is_cancelled.wait(60)
        return Answer(Result.COMPLETED)

    courier.judge = wait_for_the_cancel
    for _ in range(1000):
        shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"data")
    with call(node, (STUDY_ROOT_MOVE, NATIVE)) as association:
        stream = responses(association)
        next(stream)
        association.send(1, CCancelRQ(message_id_being_responded_to=9))
        is_cancelled.set()
        *_, (status, remaining, completed, failed, warning, uids) = stream
    assert (status, failed, warning, uids) == (0xFE00, 0, 0, "")
    assert completed == len(courier.delivered) < 1000
    assert remaining + completed == 1000
    assert courier.open_deliveries == 0


def test_failed_list_of_a_thousand_uids_is_still_readable_in_explicit_vr():
    # 1,100 UIDs of 64 characters do not fit the 16-bit length of UI; PS3.5 6.2.2 makes it UN then.
    uids = [UID("1." + str(i).rjust(62, "1")) for i in range(1100)]
    [element] = decode(failed_list(uids, EXPLICIT_VR_LITTLE_ENDIAN), EXPLICIT_VR_LITTLE_ENDIAN)
    assert (element.tag, element.vr) == (FAILED_LIST, "UN")
    assert element.raw.decode().rstrip("\0").split("\\") == uids
    [element] = decode(failed_list(uids, IMPLICIT_VR_LITTLE_ENDIAN), IMPLICIT_VR_LITTLE_ENDIAN)
    assert element.raw.decode().rstrip("\0").split("\\") == uids


def test_move_sends_over_the_network_one_context_per_class_and_syntax(shelf):
    sent = [
        (CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"a" * 1_000_000),
        (MR_IMAGE_STORAGE, IMPLICIT_VR_LITTLE_ENDIAN, b"b" * 70_002),
        (CT_IMAGE_STORAGE, JPEG_BASELINE, b"c" * 10),
    ]
    uids = [shelf.add(*each) for each in sent]
    sink = Sink()
    with serving({CStoreRQ: sink}, STORAGE, ae_title="VIEWER") as viewer:
        scp = MoveScp(Dispatch(shelf, DimseCourier(CALLER)), FixedAddressBook([viewer]))
        with serving({CMoveRQ: scp}, {STUDY_ROOT_MOVE: NATIVE}) as node:
            assert moved(node)[-1] == (0x0000, None, 3, 0, 0, None)
    assert [(r.affected_sop_class_uid, syntax, data) for r, syntax, data in sink.received] == sent
    assert [r.affected_sop_instance_uid for r, _, _ in sink.received] == uids
    assert {(r.move_originator_ae_title, r.move_originator_message_id) for r, _, _ in sink.received} == {
        ("TESTER", 9)
    }
    assert PREFIX not in b"".join(data for _, _, data in sink.received)


def test_move_needs_no_more_associations_than_128_contexts_allow(shelf):
    kinds = [(sop, ts) for sop in (CT_IMAGE_STORAGE, MR_IMAGE_STORAGE) for ts in STORABLE_TRANSFER_SYNTAXES]
    kinds += [(UID(f"1.2.3.{i}"), EXPLICIT_VR_LITTLE_ENDIAN) for i in range(130 - len(kinds))]
    for kind in kinds:
        shelf.add(*kind, b"data")
    sink, served = Sink(), []
    contexts = STORAGE | {UID(f"1.2.3.{i}"): NATIVE for i in range(130)}
    with serving({CStoreRQ: sink}, contexts, ae_title="VIEWER") as viewer:

        class Counting(DimseCourier):
            def connect(self, node, offers):
                served.append(len(offers))
                return super().connect(node, offers)

        scp = MoveScp(Dispatch(shelf, Counting(CALLER)), FixedAddressBook([viewer]))
        with serving({CMoveRQ: scp}, {STUDY_ROOT_MOVE: NATIVE}) as node:
            assert moved(node)[-1] == (0x0000, None, 130, 0, 0, None)
    # Two classes in 58 syntaxes each; 14 in one, which stands alone beside two offers of what it can be made into.
    assert served == [128, 30]


def test_move_to_a_node_that_rejects_us_is_a702_not_a_refusal(shelf):
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"data")
    with serving({}, STORAGE, ae_title="OTHER") as other:
        book = FixedAddressBook([Node("VIEWER", other.host, other.port)])
        scp = MoveScp(Dispatch(shelf, DimseCourier(CALLER)), book)
        with serving({CMoveRQ: scp}, {STUDY_ROOT_MOVE: NATIVE}) as node:
            assert moved(node)[-1][0] == 0xA702
