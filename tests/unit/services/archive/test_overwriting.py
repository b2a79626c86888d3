"""Studies that are sent again under ``overwrite``: what is told of them, and what that costs."""

import logging

import pytest

from calotype.dicom.hierarchy import UID, Level, StudyRef
from calotype.dicom.query.model import Query
from calotype.errors import NotFound
from calotype.services.archive.ingest import DuplicatePolicy, IngestSettings
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from support import indexes, samples
from support.archives import House

STUDY = samples.uid(2, 1)
OVERWRITE = IngestSettings(duplicates=DuplicatePolicy.OVERWRITE)


class Watched(MemoryObjectStore):
    """Counts how often objects are opened."""

    def __init__(self):
        super().__init__()
        self.opened = 0

    def open(self, key):
        self.opened += 1
        return super().open(key)


@pytest.fixture(params=["memory", "sqlite"])
def house(request, tmp_path):
    index = MemoryIndex() if request.param == "memory" else indexes.in_folder(tmp_path)
    yield House(Watched(), index, OVERWRITE)
    index.close()


def send(house, *numbers, **said):
    for number in numbers:
        series = samples.uid(3, 1 + number % 2)
        house.store(samples.small(sop_uid=samples.uid(4, number), series_uid=series, **said))


def told(house, level=Level.STUDY):
    fields = frozenset({"PatientName", "PatientID", "StudyDescription", "SeriesDescription", "ModalitiesInStudy"})
    return list(house.index.find(Query(level, fields=fields)))


@pytest.mark.parametrize("charset", ["ISO_IR 192", "GB18030"])
def test_a_corrected_study_is_found_by_what_it_says_now_and_by_nothing_else(house, charset):
    numbers = range(1, 7)
    send(house, *numbers, patient_name="Falsch^Vorname")
    right = {"patient_name": "张^三丰", "patient_id": "P0002", "charset": charset}
    send(house, *numbers, **right, changes={0x00081030: ("LO", "Hüfte" if charset == "ISO_IR 192" else "髋")})
    for level in (Level.PATIENT, Level.STUDY, Level.SERIES):
        for match in told(house, level):
            assert (match["PatientName"], match["PatientID"]) == ("张^三丰", "P0002")
    assert house.index.statistics().patients == 1
    assert list(house.index.conflicts()) == []
    before = [told(house, level) for level in Level], house.index.statistics()
    report = house.archive.curate.reindex()
    assert (report.rebuilt, report.problems) == (6, ())
    assert ([told(house, level) for level in Level], house.index.statistics()) == before
    assert list(house.index.conflicts()) == []


def test_the_first_of_several_changes_what_is_said_and_the_others_disagree(house):
    send(house, 1, 2, 3, patient_name="Old^Name")
    send(house, 1, patient_name="New^Name")
    (match,) = told(house)
    assert match["PatientName"] == "New^Name"
    (conflict,) = house.index.conflicts()
    assert conflict.ref.instance == samples.uid(4, 2)
    house.archive.curate.reindex()
    assert told(house) == [match]
    assert list(house.index.conflicts()) == [conflict]


def test_sending_a_study_again_reads_each_object_a_few_times_at_most(tmp_path):
    """More objects than are read again each time, two contradictions, and each order."""
    index = indexes.in_folder(tmp_path)
    house = House(Watched(), index, OVERWRITE)
    numbers = range(1, 201)
    for number in numbers:
        send(house, number, patient_name=f"Old{number % 3}^Name")
    for again, order in enumerate((numbers, numbers[::-1])):
        house.objects.opened = 0
        send(house, *order, patient_name=f"New{again}^Name")
        assert house.objects.opened <= 12 * len(numbers)
        assert [match["PatientName"] for match in told(house)] == [f"New{again}^Name"]
        assert list(index.conflicts()) == []
    index.close()


def test_words_follow_even_where_another_object_cannot_be_read(house, caplog):
    send(house, 1, 2, 3, patient_name="Old^Name")
    house.objects.delete(house.index.instance(UID(samples.uid(4, 2))).location.key)
    with caplog.at_level(logging.WARNING):
        send(house, 1, patient_name="New^Name")
    assert "which failed" in caplog.text
    assert [match["PatientName"] for match in told(house)] == ["New^Name"]
    with pytest.raises(NotFound):
        house.archive.texts.reread(UID(STUDY))
    # Sent again it heals.
    send(house, 2, 3, patient_name="New^Name")
    assert list(house.index.conflicts()) == []
    assert house.archive.texts.reread(UID(STUDY)) == 3


def test_the_feed_tells_of_every_object_and_of_the_study(house):
    send(house, 1, 2, patient_name="Old^Name")
    before = house.archive.changes.page(0).last
    send(house, 1, 2, patient_name="New^Name")
    changes = house.archive.changes.page(before).changes
    assert [(change.action, change.level, change.instances) for change in changes] == [
        ("updated", Level.IMAGE, 1),
        ("updated", Level.STUDY, 2),
        ("updated", Level.IMAGE, 1),
    ]


def test_a_study_in_the_recycle_bin_is_not_told_of_by_its_successors(house):
    send(house, 1, 2, patient_name="Old^Name")
    send(house, 1, 2, patient_name="New^Name")
    before = told(house), house.index.statistics()
    taken = house.archive.recycling.delete(StudyRef(UID(STUDY)), by="me")
    assert told(house) == []
    house.archive.recycling.restore(taken.id, by="me")
    assert (told(house), house.index.statistics()) == before
