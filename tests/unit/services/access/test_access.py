import pytest

from calotype.errors import Refused
from calotype.services.access.access import SERVED_TOGETHER, Access, AccessSettings
from calotype.services.access.permissions import EVERY_RIGHT, EVERYTHING, Permissions, Right

HOME = "10.0.0.7"


class Book:
    """Who is known, by AE title; those in ``bound`` from one address only."""

    def __init__(self, bound=(), **known):
        self.known = known
        self.bound = dict(bound)

    def permissions_of(self, ae_title, address):
        return None if self.bound.get(ae_title, address) != address else self.known.get(ae_title)


def access(book=None, open_to_all=frozenset({Right.STORE})):
    return Access(AccessSettings(frozenset(open_to_all), "CALOTYPE"), book or Book())


@pytest.mark.parametrize("right", sorted(EVERY_RIGHT - {Right.STORE}))
def test_a_stranger_may_store_and_nothing_else(right):
    door = access()
    door.check(Right.STORE, "STRANGER", HOME)
    with pytest.raises(Refused, match=f"STRANGER is not admitted to {right}"):
        door.check(right, "STRANGER", HOME)


@pytest.mark.parametrize("right", sorted(EVERY_RIGHT))
def test_a_service_that_is_open_to_all_asks_nobody(right):
    access(open_to_all={right}).check(right, "STRANGER", HOME, "ANYWHERE")


def test_what_is_known_may_do_what_its_permissions_say():
    door = access(Book(VIEWER=Permissions(frozenset({Right.FIND}))))
    door.check(Right.FIND, "VIEWER  ", HOME)
    with pytest.raises(Refused, match="VIEWER is not admitted to get"):
        door.check(Right.GET, "VIEWER", HOME)


def test_an_ae_title_from_another_address_is_a_stranger_when_the_book_says_so():
    door = access(Book({"VIEWER": HOME}, VIEWER=EVERYTHING))
    door.check(Right.FIND, "VIEWER", HOME)
    with pytest.raises(Refused):
        door.check(Right.FIND, "VIEWER", "10.0.0.8")


def test_images_move_to_the_listed_destinations_and_to_the_caller_itself():
    door = access(Book(VIEWER=Permissions(destinations=frozenset({"ARCHIVE"}))))
    for destination in ("ARCHIVE", "ARCHIVE ", "VIEWER"):
        door.check(Right.MOVE, "VIEWER", HOME, destination)
    with pytest.raises(Refused, match="VIEWER may not move to ELSEWHERE"):
        door.check(Right.MOVE, "VIEWER", HOME, "ELSEWHERE")
    assert door.refusals.recent()[0].destination == "ELSEWHERE"


def test_without_a_list_images_move_anywhere():
    access(Book(VIEWER=EVERYTHING)).check(Right.MOVE, "VIEWER", HOME, "ANYWHERE")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
def test_we_may_ask_ourselves_anything_from_this_machine(address):
    access().check(Right.FIND, "CALOTYPE", address)


@pytest.mark.parametrize(("title", "address"), [("CALOTYPE", "10.0.0.7"), ("OTHER", "127.0.0.1")])
def test_our_name_from_elsewhere_or_another_from_here_is_a_stranger(title, address):
    with pytest.raises(Refused):
        access().check(Right.FIND, title, address)


def test_a_refusal_fits_into_an_error_comment():
    door = access(Book(SIXTEEN_LETTERS_=Permissions(destinations=frozenset())))
    for caller, right in [("STRANGE_SIXTEEN_", Right.COMMITMENT), ("SIXTEEN_LETTERS_", Right.MOVE)]:
        with pytest.raises(Refused) as caught:
            door.check(right, caller, HOME, "ANOTHER_SIXTEEN_")
        assert len(str(caught.value)) <= 64
        assert str(caught.value).endswith((": have it admitted", ": have it added"))


def test_what_is_refused_is_remembered_and_logged(caplog):
    door = access(Book(VIEWER=Permissions(frozenset())))
    for title in ("STRANGER", "VIEWER", "STRANGER"):
        with pytest.raises(Refused):
            door.check(Right.FIND, title, HOME)
    first, second = door.refusals.recent()
    assert (first.calling_ae_title, first.count, first.known, first.right) == ("STRANGER", 2, False, Right.FIND)
    assert (second.calling_ae_title, second.count, second.known, second.address) == ("VIEWER", 1, True, HOME)
    assert "refused find to 'STRANGER' at 10.0.0.7" in caplog.text
    assert "setting access.find" in caplog.text


def test_every_right_is_served_together_with_itself():
    assert {right: right in family for right, family in SERVED_TOGETHER.items()} == dict.fromkeys(Right, True)
