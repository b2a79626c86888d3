from dataclasses import dataclass
from itertools import count

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN as BIG_ENDIAN
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN as IMPLICIT
from calotype.errors import NotFound, Unavailable
from calotype.scu.memory import MemoryCourier
from calotype.services.archive.forms import Forms, reachable
from calotype.services.archive.workshop import Workshop
from calotype.services.routing.cargo import Cargo
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Answer, Kind, Offer, Originator, Parcel, Result
from calotype.services.routing.send import carry
from support import samples
from support.transcoding import PIXELS, bytes_of, data_set, frames_in, read

CT = Kind(UID("1.2.840.10008.5.1.4.1.1.2"), UID("1.2.840.10008.1.2.1"))
CT_JPEG = Kind(CT.sop_class, UID("1.2.840.10008.1.2.4.70"))
CT_VIDEO = Kind(CT.sop_class, UID("1.2.840.10008.1.2.4.102"))
VIEWER = Node("VIEWER", "viewer.example", 104)
COMPLETED = Answer(Result.COMPLETED)
OTHERS = (IMPLICIT, BIG_ENDIAN, DEFLATED)
COMPRESSED = reachable(CT.transfer_syntax)[len(OTHERS) :]
"""What an object in explicit VR little endian can be made into."""


@dataclass
class BytesReader:
    data: bytes
    closed: bool = False

    @property
    def size_bytes(self):
        return len(self.data)

    def read_at(self, offset, size_bytes):
        return self.data[offset : offset + size_bytes]

    def fileno(self):
        return None

    def close(self):
        self.closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Shelf:
    """Makes cargo and remembers which of it was opened and closed."""

    def __init__(self):
        self.readers = []
        self._numbers = count(1)

    def cargo(self, kind=CT, *, opens_as=None, missing=False, data=None):
        number = next(self._numbers)
        data = f"data of {number}".encode() if data is None else data
        parcel = Parcel(kind, UID(f"1.2.3.{number}"), 10, len(data))

        def open_():
            if missing:
                raise NotFound("the object is gone")
            reader = BytesReader(b"0123456789" + data + b"trailing")
            self.readers.append(reader)
            if opens_as is not None:
                return Parcel(opens_as, parcel.sop_instance, 10, len(data)), reader
            return parcel, reader

        return Cargo(parcel, open_)


@pytest.fixture
def shelf():
    return Shelf()


def results(handovers):
    return [handover.answer.result.name for handover in handovers]


def test_carry_hands_over_each_data_set_in_order(shelf):
    courier = MemoryCourier()
    cargo = [shelf.cargo() for _ in range(3)]
    originator = Originator("ASKER", 7)

    handovers = list(carry(cargo, courier, VIEWER, originator))

    assert [(h.position, h.sop_instance, h.answer) for h in handovers] == [
        (i, item.parcel.sop_instance, COMPLETED) for i, item in enumerate(cargo)
    ]
    assert [d.data for d in courier.delivered] == [b"data of 1", b"data of 2", b"data of 3"]
    assert {d.originator for d in courier.delivered} == {originator}
    offers = tuple(Offer(CT.sop_class, syntaxes) for syntaxes in ((CT.transfer_syntax,), OTHERS, COMPRESSED))
    assert courier.connections == [offers]
    assert courier.open_deliveries == 0
    assert all(reader.closed for reader in shelf.readers)


def test_carry_of_nothing_connects_to_nobody():
    courier = MemoryCourier()
    assert list(carry([], courier, VIEWER)) == []
    assert courier.connections == []


def test_carry_fails_what_was_not_accepted_without_opening_it(shelf):
    courier = MemoryCourier(refused=frozenset({CT_VIDEO}))
    handovers = list(carry([shelf.cargo(), shelf.cargo(CT_VIDEO), shelf.cargo()], courier, VIEWER))
    assert results(handovers) == ["COMPLETED", "FAILED", "COMPLETED"]
    assert handovers[1].answer.comment == (
        "the node does not accept SOP class 1.2.840.10008.5.1.4.1.1.2 in transfer syntax 1.2.840.10008.1.2.4.102"
    )
    assert len(shelf.readers) == 2


def test_carry_fails_an_object_that_is_gone_and_goes_on(shelf):
    courier = MemoryCourier()
    handovers = list(carry([shelf.cargo(missing=True), shelf.cargo()], courier, VIEWER))
    assert results(handovers) == ["FAILED", "COMPLETED"]
    assert handovers[0].answer.comment == "the object is gone"


def test_carry_checks_the_kind_of_an_object_that_was_overwritten(shelf):
    courier = MemoryCourier()
    handovers = list(carry([shelf.cargo(opens_as=CT_VIDEO), shelf.cargo(opens_as=CT)], courier, VIEWER))
    assert results(handovers) == ["FAILED", "COMPLETED"]
    assert all(reader.closed for reader in shelf.readers)


def test_carry_fails_everything_when_the_node_is_unreachable(shelf):
    courier = MemoryCourier(unreachable=frozenset({"VIEWER"}))
    handovers = list(carry([shelf.cargo(), shelf.cargo()], courier, VIEWER))
    assert results(handovers) == ["FAILED", "FAILED"]
    assert {h.answer.comment for h in handovers} == {"VIEWER@viewer.example:104 does not answer."}


def test_carry_uses_as_few_deliveries_as_the_kinds_allow(shelf):
    kinds = [Kind(UID(f"1.2.{i}"), CT_VIDEO.transfer_syntax) for i in range(5)]
    courier = MemoryCourier(offers_per_delivery=2)
    cargo = [shelf.cargo(kinds[i % 5]) for i in range(10)]
    handovers = list(carry(cargo, courier, VIEWER))
    offers = [Offer(kind.sop_class, (kind.transfer_syntax,)) for kind in kinds]
    assert courier.connections == [(offers[0], offers[1]), (offers[2], offers[3]), (offers[4],)]
    assert [h.position for h in handovers] == [0, 1, 5, 6, 2, 3, 7, 8, 4, 9]
    assert results(handovers) == ["COMPLETED"] * 10


class Breaks:
    """A neighbour that drops the association at these objects (counted from 0, every attempt)."""

    def __init__(self, *at):
        self._at = at
        self._attempt = count()

    def __call__(self, _parcel):
        if next(self._attempt) in self._at:
            raise Unavailable("connection lost")
        return COMPLETED


def test_carry_opens_a_new_delivery_after_the_object_that_broke_it(shelf):
    courier = MemoryCourier(judge=Breaks(1))
    handovers = list(carry([shelf.cargo() for _ in range(4)], courier, VIEWER))
    assert results(handovers) == ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    assert [h.position for h in handovers] == [0, 1, 2, 3]
    assert len(courier.connections) == 2
    assert courier.open_deliveries == 0


def test_carry_gives_up_after_three_breaks_in_a_row(shelf):
    courier = MemoryCourier(judge=Breaks(1, 2, 3))
    handovers = list(carry([shelf.cargo() for _ in range(6)], courier, VIEWER))
    assert results(handovers) == ["COMPLETED"] + ["FAILED"] * 5
    assert len(courier.connections) == 3


def test_carry_forgives_breaks_that_have_successes_between_them(shelf):
    courier = MemoryCourier(judge=Breaks(0, 2, 4, 6))
    handovers = list(carry([shelf.cargo() for _ in range(8)], courier, VIEWER))
    assert results(handovers) == ["FAILED", "COMPLETED"] * 4


def test_closing_the_iterator_stops_sending_and_takes_leave(shelf):
    courier = MemoryCourier()
    handovers = carry([shelf.cargo() for _ in range(4)], courier, VIEWER)
    next(handovers)
    next(handovers)
    assert courier.open_deliveries == 1
    handovers.close()
    assert courier.open_deliveries == 0
    assert len(courier.delivered) == 2


def test_carry_makes_another_form_of_what_is_not_taken_as_it_is(shelf):
    data = samples.small()
    courier = MemoryCourier(refused=frozenset({CT}))
    handovers = list(carry([shelf.cargo(data=data), shelf.cargo(data=data)], courier, VIEWER))
    assert results(handovers) == ["COMPLETED", "COMPLETED"]
    assert [(d.kind, d.data) for d in courier.delivered] == [
        (Kind(CT.sop_class, IMPLICIT), samples.small(syntax=IMPLICIT))
    ] * 2
    assert all(reader.closed for reader in shelf.readers)


def test_carry_meets_a_wish_before_the_nodes_own(shelf):
    node = Node("VIEWER", "viewer.example", 104, transfer_syntaxes=(IMPLICIT,))
    for wishes, expected in [((), IMPLICIT), ((BIG_ENDIAN,), BIG_ENDIAN), ((CT_JPEG.transfer_syntax,), IMPLICIT)]:
        courier = MemoryCourier()
        assert results(carry([shelf.cargo(data=samples.small())], courier, node, wishes=wishes)) == ["COMPLETED"]
        assert [d.kind.transfer_syntax for d in courier.delivered] == [expected]


def test_carry_fails_what_is_too_damaged_for_another_form_and_goes_on(shelf):
    courier = MemoryCourier(refused=frozenset({CT}))
    cargo = [shelf.cargo(data=samples.small()[:-3]), shelf.cargo(data=samples.small())]
    handovers = list(carry(cargo, courier, VIEWER))
    assert results(handovers) == ["FAILED", "COMPLETED"]
    assert handovers[0].answer.comment.startswith(
        "it cannot be sent in another transfer syntax than its own: truncated"
    )


def multi_frame():
    return data_set(PIXELS["8 bits"], 5)


def sent_as(shelf, data, accepted, wishes=(), **how):
    """Send one object to whoever accepts these syntaxes; return what is delivered and what was said."""
    everything = (CT.transfer_syntax, *reachable(CT.transfer_syntax))
    refused = frozenset(Kind(CT.sop_class, syntax) for syntax in everything if syntax not in accepted)
    courier = MemoryCourier(refused=refused)
    [handover] = carry([shelf.cargo(data=data)], courier, VIEWER, wishes=wishes, **how)
    assert all(reader.closed for reader in shelf.readers)
    return courier.delivered, handover.answer


def test_pixels_are_compressed_for_whoever_takes_nothing_else(shelf):
    [delivered], answer = sent_as(shelf, multi_frame(), {CT_JPEG.transfer_syntax})
    assert answer == COMPLETED
    assert delivered.kind == CT_JPEG
    for new, old in zip(
        frames_in(delivered.data, delivered.kind.transfer_syntax), frames_of_multi_frame(), strict=True
    ):
        assert new.tolist() == old.tolist()


def frames_of_multi_frame():
    return frames_in(multi_frame(), CT.transfer_syntax)


def test_many_are_made_at_one_time_and_arrive_in_order(shelf):
    cargo = [shelf.cargo(data=data_set(PIXELS["8 bits"], SeriesNumber=number)) for number in range(12)]
    courier = MemoryCourier(refused=frozenset({CT}))
    wishes = (CT_JPEG.transfer_syntax,)
    with Workshop(2) as workshop:
        assert results(carry(cargo, courier, VIEWER, wishes=wishes, forms=Forms(workshop.map))) == ["COMPLETED"] * 12
    assert [read(d.data, d.kind.transfer_syntax).SeriesNumber for d in courier.delivered] == list(range(12))
    assert all(reader.closed for reader in shelf.readers)


def test_what_is_being_made_is_dropped_when_sending_stops(shelf):
    cargo = [shelf.cargo(data=multi_frame()) for _ in range(8)]
    with Workshop(1) as workshop:
        wishes, forms = (CT_JPEG.transfer_syntax,), Forms(workshop.map)
        handovers = carry(cargo, MemoryCourier(), VIEWER, wishes=wishes, forms=forms)
        next(handovers)
        handovers.close()
    assert all(reader.closed for reader in shelf.readers)


def damaged():
    file = read(multi_frame(), CT.transfer_syntax)
    file.NumberOfFrames = 7
    return bytes_of(file)


def test_damaged_pixels_go_as_they_are_where_that_is_taken(shelf):
    wish = CT_JPEG.transfer_syntax
    [delivered], answer = sent_as(shelf, damaged(), {CT.transfer_syntax, wish}, (wish,))
    assert (answer, delivered.kind, delivered.data) == (COMPLETED, CT, damaged())


def test_damaged_pixels_are_told_where_they_cannot_go_as_they_are(shelf):
    delivered, answer = sent_as(shelf, damaged(), {CT_JPEG.transfer_syntax})
    assert delivered == []
    assert "Number of Frames is 7; 5 are there" in answer.comment


def test_a_wish_for_a_report_changes_nothing(shelf):
    wish = CT_JPEG.transfer_syntax
    [delivered], answer = sent_as(shelf, samples.structured_report(), {CT.transfer_syntax, wish}, (wish,))
    assert (answer, delivered.kind) == (COMPLETED, CT)


def test_the_next_object_is_read_while_the_neighbour_thinks(shelf):
    courier = MemoryCourier(judge=lambda _uid: opened_when_judged.append(len(shelf.readers)) or COMPLETED)
    opened_when_judged = []
    assert results(carry([shelf.cargo() for _ in range(3)], courier, VIEWER)) == ["COMPLETED"] * 3
    assert opened_when_judged == [2, 3, 3]


def test_what_was_made_ready_is_closed_when_sending_stops(shelf):
    handovers = carry([shelf.cargo() for _ in range(4)], MemoryCourier(), VIEWER)
    next(handovers)
    assert [reader.closed for reader in shelf.readers] == [True, False]
    handovers.close()
    assert [reader.closed for reader in shelf.readers] == [True, True]
