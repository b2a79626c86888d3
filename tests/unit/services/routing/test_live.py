from dataclasses import replace

import pytest

from calotype.dicom.hierarchy import UID
from calotype.errors import Conflict, InvalidRequest, NotFound, Refused, Unavailable
from calotype.services.access.permissions import EVERYTHING, Permissions, Right
from calotype.services.routing.live import REFRESH_S, RESOLVED_S, Entry, Nodes
from calotype.services.routing.nodes import EVERY_ROLE, Node, Role
from calotype.stores.index.memory_nodes import MemoryNodes

ARCHIVE = Node("ARCHIVE", "pacs.example", 104)
VIEWER = Node("VIEWER", "10.0.0.7", 11112)
BOUND = replace(VIEWER, permissions=Permissions(bound_to_host=True))
J2K, JPEG_LS = UID("1.2.840.10008.1.2.4.90"), UID("1.2.840.10008.1.2.4.80")


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


class Failing(MemoryNodes):
    """A store that can be switched off, and counts how often it is read."""

    away = False
    reads = 0

    def nodes(self):
        self.reads += 1
        if self.away:
            raise Unavailable("the index does not answer")
        return super().nodes()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return Failing()


@pytest.fixture
def book(store, clock):
    return Nodes(store, [ARCHIVE], clock_s=clock)


def test_the_settings_nodes_and_the_stored_ones_are_one_book(book):
    book.add(VIEWER)
    assert book.entries() == [Entry(ARCHIVE, read_only=True), Entry(VIEWER, read_only=False)]
    assert book.nodes() == [ARCHIVE, VIEWER]
    assert book.find(" VIEWER ") == VIEWER


def test_an_unknown_title_says_what_to_do(book):
    with pytest.raises(NotFound, match="'NOBODY' is not in the address book: add it"):
        book.find("NOBODY")


def test_titles_are_kept_without_the_spaces_around_them(book):
    book.add(replace(VIEWER, ae_title=" VIEWER "))
    assert book.find("VIEWER") == VIEWER


def test_what_the_settings_say_is_read_only(book):
    with pytest.raises(Conflict, match="in the settings"):
        book.add(ARCHIVE)
    with pytest.raises(Refused, match=r"ARCHIVE stands in the settings' \[\[nodes\]\]: change it there"):
        book.replace(ARCHIVE)
    with pytest.raises(Refused, match="change it there"):
        book.remove("ARCHIVE")


def test_a_node_that_the_settings_take_over_is_theirs(store, clock):
    store.add(replace(ARCHIVE, port=4242))
    assert Nodes(store, [ARCHIVE], clock_s=clock).entries() == [Entry(ARCHIVE, read_only=True)]


def test_an_edit_is_seen_at_once(book):
    book.add(VIEWER)
    book.replace(replace(VIEWER, port=104))
    assert book.find("VIEWER").port == 104
    book.remove("VIEWER ")
    assert book.recognise("VIEWER", "10.0.0.7") is None


def test_anothers_edit_is_seen_after_a_while_and_the_store_is_not_asked_before(book, store, clock):
    reads = store.reads
    store.add(VIEWER)
    clock.now_s += REFRESH_S / 2
    for _ in range(100):
        assert book.recognise("VIEWER", "10.0.0.7") is None
    assert store.reads == reads
    clock.now_s += REFRESH_S
    assert book.recognise("VIEWER", "10.0.0.7") == VIEWER


def test_while_the_store_is_away_the_last_copy_serves(book, store, clock, caplog):
    book.add(VIEWER)
    store.away = True
    clock.now_s += REFRESH_S
    reads = store.reads
    for _ in range(10):
        assert book.find("VIEWER") == VIEWER
    assert store.reads == reads + 1
    assert "the last copy stays in use" in caplog.text


def test_who_calls_is_known_by_title_and_when_bound_by_address(store, clock):
    asked = []

    def resolve(host):
        asked.append(host)
        return {"10.0.0.7", "10.0.0.8"} if host == "viewer.example" else set()

    book = Nodes(store, [ARCHIVE], resolve=resolve, clock_s=clock)
    bound = replace(BOUND, host="viewer.example")
    book.add(bound)
    assert book.recognise("ARCHIVE", "192.0.2.1") == ARCHIVE
    assert book.recognise("VIEWER ", "10.0.0.8") == bound
    assert book.permissions_of("VIEWER", "10.0.0.7") == bound.permissions
    assert book.permissions_of("VIEWER", "10.0.0.9") is None
    assert asked == ["viewer.example"]
    clock.now_s += RESOLVED_S
    assert book.recognise("VIEWER", "10.0.0.7") == bound
    assert asked == ["viewer.example"] * 2


def test_a_callers_wish_is_its_nodes_until_a_retrieve_has_one(book):
    book.add(replace(VIEWER, incoming_transfer_syntaxes=(J2K,)))
    assert book.incoming_wish("STRANGER", "10.0.0.7") == ()
    assert book.incoming_wish("VIEWER", "10.0.0.7") == (J2K,)
    with book.wishing("VIEWER ", [JPEG_LS]):
        assert book.incoming_wish("VIEWER", "10.0.0.7") == (JPEG_LS,)
        with book.wishing("VIEWER", [J2K, JPEG_LS]):
            assert book.incoming_wish("VIEWER", "10.0.0.7") == (J2K, JPEG_LS)
        assert book.incoming_wish("VIEWER", "10.0.0.7") == (JPEG_LS,)
    assert book.incoming_wish("VIEWER", "10.0.0.7") == (J2K,)


def test_many_are_taken_over_at_once(book):
    book.add(VIEWER)
    other = Node("OTHER", "10.0.0.9", 104)
    book.add(other)
    counts = book.take_over([VIEWER, replace(other, port=105), Node("NEW", "h", 1), replace(ARCHIVE, port=9)])
    assert counts == {"unchanged": 1, "replaced": 1, "added": 1, "kept": 1}
    assert [node.port for node in book.nodes()] == [104, 1, 105, 11112]


def test_admitting_a_stranger_makes_it_a_node_where_it_calls_from(book):
    node = book.admit("WORKSTATION ", "10.0.0.30", [Right.FIND], port=4006)
    assert (node.title, node.host, node.port) == ("WORKSTATION", "10.0.0.30", 4006)
    assert book.permissions_of("WORKSTATION", "10.0.0.30") == Permissions(frozenset({Right.FIND}))


@pytest.mark.parametrize(
    ("rights", "how", "roles"),
    [
        ([Right.WORKLIST, Right.MPPS], {}, frozenset()),
        ([Right.FIND, Right.MOVE, Right.GET], {}, {Role.STORE}),
        ([Right.WORKLIST], {"port": 4006}, EVERY_ROLE),
        ([Right.WORKLIST], {"port": 104}, EVERY_ROLE),
    ],
    ids=["a modality", "a workstation", "one whose port is told", "one that is told to listen at the usual port"],
)
def test_a_stranger_is_asked_for_nothing_that_it_may_not_serve(book, rights, how, roles):
    assert book.admit("STRANGER", "10.0.0.30", rights, **how).roles == roles


def test_admitting_a_node_adds_to_what_it_may_do(book):
    few = Permissions(frozenset({Right.FIND}), destinations=frozenset({"A"}))
    book.add(replace(VIEWER, permissions=few))
    book.admit("VIEWER", "10.9.9.9", [Right.MOVE], destination="B ")
    assert book.find("VIEWER") == replace(
        VIEWER, permissions=Permissions(frozenset({Right.FIND, Right.MOVE}), destinations=frozenset({"A", "B"}))
    )


def test_admitting_does_not_move_a_bound_node_nor_change_the_settings(book):
    book.add(BOUND)
    with pytest.raises(Refused, match=r"VIEWER is bound to 10\.0\.0\.7 and was called from 10\.9\.9\.9"):
        book.admit("VIEWER", "10.9.9.9", [Right.MOVE])
    with pytest.raises(Refused, match="change it there"):
        book.admit("ARCHIVE", "10.9.9.9", [Right.MOVE])
    assert book.find("VIEWER") == BOUND


def test_an_ae_title_that_is_none_cannot_be_admitted(book):
    with pytest.raises(InvalidRequest, match="must not be empty"):
        book.admit("  ", "10.9.9.9", [Right.FIND])
    assert book.permissions_of("ARCHIVE", "") == EVERYTHING
