"""Handing out what is stored, and asking what there is."""

import pytest

from calotype.dicom.hierarchy import UID, Level, Selection, StudyRef
from calotype.dicom.query.model import Exact, Query
from calotype.errors import NotFound
from calotype.services.archive.ingest import DuplicatePolicy
from calotype.services.archive.ports import Total
from support import samples

STUDY = Selection.of(StudyRef(UID(samples.uid(2, 1))))


def test_located_objects_open_as_files(house):
    house.store(samples.ct())
    (stored,) = house.archive.retrieve.locate(STUDY)
    with house.archive.retrieve.open(stored) as reader:
        assert reader.read_at(stored.location.data_offset, reader.size_bytes) == samples.ct()


def test_an_object_overwritten_since_it_was_located_opens_as_it_is_now(house_with):
    house = house_with(duplicates=DuplicatePolicy.OVERWRITE)
    house.store(samples.ct())
    (stale,) = house.archive.retrieve.locate(STUDY)
    house.store(samples.ct(32, 32))
    with pytest.raises(NotFound):
        house.archive.retrieve.open(stale)
    current, reader = house.archive.retrieve.open_current(stale)
    with reader:
        assert reader.read_at(current.location.data_offset, reader.size_bytes) == samples.ct(32, 32)


def test_an_unchanged_object_opens_as_located(house):
    house.store(samples.ct())
    (stored,) = house.archive.retrieve.locate(STUDY)
    current, reader = house.archive.retrieve.open_current(stored)
    reader.close()
    assert current is stored


def test_an_object_that_is_gone_is_not_found(house):
    house.store(samples.ct())
    (stored,) = house.archive.retrieve.locate(STUDY)
    house.objects.delete(stored.location.key)
    with pytest.raises(NotFound):
        house.archive.retrieve.open_current(stored)
    house.index.remove(stored.ref)
    with pytest.raises(NotFound):
        house.archive.retrieve.open_current(stored)


def test_search_asks_the_index(house):
    house.store(samples.ct())
    query = Query(Level.STUDY, (Exact("PatientID", "P0001"),), frozenset({"PatientID"}))
    (match,) = house.archive.search.find(query)
    assert (match["PatientID"], match["StudyInstanceUID"]) == ("P0001", samples.uid(2, 1))
    assert house.archive.search.count(query) == Total(1)
    assert house.archive.search.statistics().instances == 1
