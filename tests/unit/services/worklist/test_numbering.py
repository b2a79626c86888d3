"""Numbers for items that come without any."""

from datetime import UTC, datetime

import pytest

from calotype.errors import OutOfResources
from calotype.services.worklist.numbering import Numbered
from calotype.services.worklist.worklist import Worklist
from calotype.stores.index.memory_worklist import MemoryWorklist
from support.archives import NOON_US
from support.worklists import given

DAY = datetime.fromtimestamp(NOON_US / 1_000_000, UTC).astimezone().strftime("%Y%m%d")
BOTH = (Numbered.ACCESSION, Numbered.PATIENT)


@pytest.fixture
def worklist():
    return Worklist(MemoryWorklist(), clock=lambda: NOON_US)


def scheduled(worklist, number, accession="", patient="", numbered=BOTH):
    item = worklist.schedule(given(number, AccessionNumber=accession, PatientID=patient), numbered)
    return item.attributes.get("AccessionNumber"), item.attributes.get("PatientID")


def test_numbers_count_up_within_the_day(worklist):
    assert scheduled(worklist, 1) == (f"{DAY}0001", f"T{DAY}0001")
    assert scheduled(worklist, 2) == (f"{DAY}0002", f"T{DAY}0002")


def test_what_is_given_stays_and_is_counted_on_from(worklist):
    assert scheduled(worklist, 1, f"{DAY}0041", "P1") == (f"{DAY}0041", "P1")
    assert scheduled(worklist, 2, "", "P2") == (f"{DAY}0042", "P2")


def test_others_numbers_that_look_alike_do_not_count(worklist):
    scheduled(worklist, 1, f"{DAY}ABCD", "P1")
    scheduled(worklist, 2, f"{DAY}00017", "P2")
    assert scheduled(worklist, 3, "", "P3") == (f"{DAY}0001", "P3")


def test_nothing_is_numbered_unless_asked_for(worklist):
    assert scheduled(worklist, 1, "", "P1", numbered=()) == (None, "P1")


def test_a_day_has_an_end(worklist):
    scheduled(worklist, 1, f"{DAY}9999", "P1")
    with pytest.raises(OutOfResources, match="by hand"):
        scheduled(worklist, 2)
