from itertools import count

import pytest

from calotype.errors import NotFound
from calotype.services.access.permissions import Right
from calotype.services.access.refusals import KEPT, KEPT_PER_ADDRESS, Refusals


@pytest.fixture
def refusals():
    return Refusals(count(1).__next__)


def test_the_same_thing_refused_again_is_counted(refusals):
    first = refusals.add("VIEWER", "10.0.0.7", Right.FIND)
    again = refusals.add("VIEWER", "10.0.0.7", Right.FIND)
    assert (again.id, again.count, again.first_us, again.last_us) == (first.id, 2, 1, 2)
    assert refusals.recent() == [again]


@pytest.mark.parametrize(
    ("title", "address", "right", "destination"),
    [
        ("OTHER", "10.0.0.7", Right.MOVE, "A"),
        ("VIEWER", "10.0.0.8", Right.MOVE, "A"),
        ("VIEWER", "10.0.0.7", Right.GET, "A"),
        ("VIEWER", "10.0.0.7", Right.MOVE, "B"),
    ],
)
def test_different_things_are_listed_the_last_one_first(refusals, title, address, right, destination):
    first = refusals.add("VIEWER", "10.0.0.7", Right.MOVE, destination="A")
    second = refusals.add(title, address, right, destination=destination)
    assert refusals.recent() == [second, first]


def test_one_address_fills_its_part_of_the_list_only(refusals):
    looked_for = refusals.add("VIEWER", "10.0.0.7", Right.FIND)
    for number in range(3 * KEPT):
        refusals.add(f"SCAN{number}", "10.6.6.6", Right.FIND)
    titles = [refusal.calling_ae_title for refusal in refusals.recent()]
    newest = [f"SCAN{number}" for number in reversed(range(3 * KEPT - KEPT_PER_ADDRESS, 3 * KEPT))]
    assert titles == [*newest, looked_for.calling_ae_title]


def test_the_list_is_bounded(refusals):
    for number in range(KEPT + 5):
        refusals.add("VIEWER", f"10.0.{number}.1", Right.FIND)
    assert len(refusals.recent()) == KEPT
    assert refusals.recent()[-1].address == "10.0.5.1"


def test_a_refusal_is_found_by_its_number(refusals):
    refusal = refusals.add("VIEWER", "10.0.0.7", Right.FIND)
    assert refusals.get(refusal.id) == refusal
    with pytest.raises(NotFound, match="no refusal 99"):
        refusals.get(99)


def test_settling_forgets_all_of_one_caller(refusals):
    refusals.add("VIEWER", "10.0.0.7", Right.FIND)
    refusals.add("VIEWER", "10.0.0.7", Right.MOVE)
    other = refusals.add("VIEWER", "10.0.0.8", Right.FIND)
    refusals.settle("VIEWER", "10.0.0.7")
    assert refusals.recent() == [other]
    for _ in range(KEPT_PER_ADDRESS):
        refusals.add("VIEWER", "10.0.0.7", Right.FIND)
    assert len(refusals.recent()) == 2
