"""C-STORE SCU: the courier over real associations."""

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, JPEG_BASELINE
from calotype.dicom.wire.messages import CStoreRQ
from calotype.errors import InvalidRequest, Unavailable
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Kind, Offer, Originator, Parcel, Result
from calotype.services.routing.send import Cargo, carry
from support.peers import CALLER, NATIVE, PREFIX, STORAGE, BytesReader, Sink, serving

CT = Kind(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN)
CT_JPEG = Kind(CT_IMAGE_STORAGE, JPEG_BASELINE)
COURIER = DimseCourier(CALLER)


def offers(*kinds):
    return [Offer(kind.sop_class, (kind.transfer_syntax,)) for kind in kinds]


def parcel(data, kind=CT, uid="1.2.3.4"):
    return Parcel(kind, UID(uid), len(PREFIX), len(data)), BytesReader(PREFIX + data + b"what stands after it")


def test_store_sends_the_data_set_and_nothing_else():
    sink, data = Sink(), bytes(range(256)) * 5000 + b"even"
    with serving({CStoreRQ: sink}, STORAGE) as node, COURIER.connect(node, offers(CT)) as delivery:
        assert delivery.store(*parcel(data), Originator("ASKER", 77)).result is Result.COMPLETED
    [(request, syntax, received)] = sink.received
    assert received == data
    assert syntax == EXPLICIT_VR_LITTLE_ENDIAN
    assert request.affected_sop_class_uid == CT_IMAGE_STORAGE
    assert request.affected_sop_instance_uid == "1.2.3.4"
    assert (request.move_originator_ae_title, request.move_originator_message_id) == ("ASKER", 77)
    assert sink.calling_ae_titles == {"TESTER"}


def test_store_pads_an_odd_data_set_for_the_wire():
    # PS3.8 Annex E: fragments are even.
    sink = Sink()
    with serving({CStoreRQ: sink}, STORAGE) as node, COURIER.connect(node, offers(CT)) as delivery:
        delivery.store(*parcel(b"odd"))
    assert [data for _, _, data in sink.received] == [b"odd\0"]


def test_store_has_no_originator_of_its_own():
    sink = Sink()
    with serving({CStoreRQ: sink}, STORAGE) as node, COURIER.connect(node, offers(CT)) as delivery:
        delivery.store(*parcel(b"data"))
    [(request, _, _)] = sink.received
    assert (request.move_originator_ae_title, request.move_originator_message_id) == ("", None)


def test_store_uses_the_context_of_the_stored_syntax():
    sink = Sink()
    with serving({CStoreRQ: sink}, STORAGE) as node, COURIER.connect(node, offers(CT, CT_JPEG)) as delivery:
        delivery.store(*parcel(b"jpeg", CT_JPEG))
        delivery.store(*parcel(b"as it is", CT))
    assert [(syntax, data) for _, syntax, data in sink.received] == [
        (JPEG_BASELINE, b"jpeg"),
        (EXPLICIT_VR_LITTLE_ENDIAN, b"as it is"),
    ]


def test_delivery_accepts_what_the_node_accepted():
    with serving({}, {CT_IMAGE_STORAGE: NATIVE}) as node, COURIER.connect(node, offers(CT, CT_JPEG)) as delivery:
        assert delivery.syntaxes(CT.sop_class) == {EXPLICIT_VR_LITTLE_ENDIAN}
        assert delivery.syntaxes(UID("1.2.3")) == frozenset()


@pytest.mark.parametrize(
    ("status", "result", "comment"),
    [
        (0xB000, Result.WARNING, "B000"),
        (0xB007, Result.WARNING, "B007"),
        (0x0111, Result.FAILED, "0111 Duplicate SOP instance"),
        (0xA700, Result.FAILED, "A700 Out of resources"),
        (0xC123, Result.FAILED, "C123 Cannot understand"),
        (0xFF00, Result.FAILED, "FF00"),
    ],
)
def test_store_tells_what_a_status_means(status, result, comment):
    sink = Sink(judge=lambda _request: status)
    with serving({CStoreRQ: sink}, STORAGE) as node, COURIER.connect(node, offers(CT)) as delivery:
        answer = delivery.store(*parcel(b"data"))
    assert (answer.result, answer.status) == (result, status)
    assert answer.comment.startswith(comment)


def test_connect_calls_a_rejection_unavailable():
    # Whoever asked us to send may do so; it is the node that cannot be had.
    with (
        serving({}, STORAGE, ae_title="OTHER") as node,
        pytest.raises(Unavailable, match="called AE title not recognized"),
    ):
        COURIER.connect(Node("NODE", node.host, node.port), offers(CT))


def drops(association, _received):
    association.abort()


def test_store_over_a_lost_association_is_unavailable():
    with (
        serving({CStoreRQ: drops}, STORAGE) as node,
        COURIER.connect(node, offers(CT)) as delivery,
        pytest.raises(Unavailable),
    ):
        delivery.store(*parcel(b"data" * 100_000))


class DropsAt:
    """A node that aborts at these objects and keeps the others."""

    def __init__(self, *uids):
        self.uids, self.sink = uids, Sink()

    def __call__(self, association, received):
        if received.message.affected_sop_instance_uid in self.uids:
            association.abort()
        else:
            self.sink(association, received)


def test_carry_sends_the_rest_over_a_new_association():
    node_drops = DropsAt("1.2.3.2")
    cargo = []
    for number in range(5):
        what, reader = parcel(b"data %d" % number, uid=f"1.2.3.{number}")
        cargo.append(Cargo(what, lambda what=what, reader=reader: (what, reader)))
    with serving({CStoreRQ: node_drops}, STORAGE) as node:
        results = [handover.answer.result.name for handover in carry(cargo, COURIER, node)]
    assert results == ["COMPLETED", "COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    assert [data for _, _, data in node_drops.sink.received] == [b"data 0", b"data 1", b"data 3", b"data 4"]


def test_store_of_an_object_shorter_than_announced_breaks_the_association_not_the_peer():
    sink = Sink()
    what, reader = parcel(b"data" * 1000)
    short = BytesReader(reader.data[:1000])
    with (
        serving({CStoreRQ: sink}, STORAGE) as node,
        COURIER.connect(node, offers(CT)) as delivery,
        pytest.raises(Unavailable),
    ):
        delivery.store(what, short)
    assert sink.received == []


def test_store_chunks_sends_what_they_make():
    sink, chunks = Sink(), [b"a" * 700_000, b"b" * 900_001, b"c"]
    with serving({CStoreRQ: sink}, STORAGE) as node, COURIER.connect(node, offers(CT)) as delivery:
        answer = delivery.store_chunks(CT, UID("1.2.3.4"), iter(chunks), Originator("ASKER", 77))
    assert answer.result is Result.COMPLETED
    [(request, syntax, received)] = sink.received
    assert (syntax, received) == (EXPLICIT_VR_LITTLE_ENDIAN, b"".join(chunks))
    assert (request.move_originator_ae_title, request.move_originator_message_id) == ("ASKER", 77)


def test_store_of_chunks_that_fail_half_way_breaks_the_association_not_the_peer():
    def failing():
        yield b"a" * 2_000_000
        raise InvalidRequest("the rest cannot be read")

    sink = Sink()
    with (
        serving({CStoreRQ: sink}, STORAGE) as node,
        COURIER.connect(node, offers(CT)) as delivery,
        pytest.raises(Unavailable, match="the rest cannot be read"),
    ):
        delivery.store_chunks(CT, UID("1.2.3.4"), failing())
    assert sink.received == []
