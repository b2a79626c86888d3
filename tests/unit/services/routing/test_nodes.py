import pytest

from calotype.errors import InvalidRequest, NotFound
from calotype.services.routing.nodes import FixedAddressBook, Node

ARCHIVE = Node("ARCHIVE", "pacs.example", 104)
VIEWER = Node("VIEWER", "10.0.0.7", 11112)


def test_address_book_finds_a_node_whatever_its_padding():
    assert FixedAddressBook([ARCHIVE, VIEWER]).find("VIEWER  ") == VIEWER


def test_address_book_says_what_to_do_about_an_unknown_node():
    with pytest.raises(NotFound, match=r"'NOBODY' is not in the address book: add it to \[\[nodes\]\]"):
        FixedAddressBook([ARCHIVE]).find("NOBODY")


def test_address_book_is_case_sensitive():
    # PS3.5 Table 6.2-1 folds no case in an AE.
    with pytest.raises(NotFound):
        FixedAddressBook([ARCHIVE]).find("archive")


def test_address_book_lists_nodes_by_ae_title():
    assert FixedAddressBook([VIEWER, ARCHIVE]).nodes() == [ARCHIVE, VIEWER]


def test_address_book_refuses_two_nodes_of_one_name():
    with pytest.raises(InvalidRequest, match="ARCHIVE stands twice"):
        FixedAddressBook([ARCHIVE, Node("ARCHIVE ", "other.example", 104)])


@pytest.mark.parametrize(
    ("ae_title", "host", "port", "complaint"),
    [
        ("", "host", 104, "must not be empty"),
        ("   ", "host", 104, "must not be empty"),
        ("SEVENTEEN_LETTERS", "host", 104, "longer than 16"),
        ("BACK\\SLASH", "host", 104, "other than printable ASCII"),
        ("TAB\tBED", "host", 104, "other than printable ASCII"),
        ("KÖLN", "host", 104, "other than printable ASCII"),
        ("NODE", " ", 104, "has no host"),
        ("NODE", "host", 0, "not between 1 and 65535"),
        ("NODE", "host", 65536, "not between 1 and 65535"),
    ],
)
def test_node_refuses_what_cannot_be_one(ae_title, host, port, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        Node(ae_title, host, port)


def test_node_prints_as_people_write_it():
    assert str(ARCHIVE) == "ARCHIVE@pacs.example:104"
    assert str(Node("SIX", "::1", 104)) == "SIX@[::1]:104"
