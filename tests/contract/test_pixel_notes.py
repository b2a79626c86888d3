"""What every keeper of notes about pixels must do: one suite, run over each implementation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.ports import (
    Channel,
    DamageRecord,
    InstanceRecord,
    ObjectLocation,
    Origin,
)
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_pixels import MemoryPixelNotes
from calotype.stores.index.pixels import SqlitePixelNotes


@pytest.fixture
def notes(index):
    return MemoryPixelNotes(index) if isinstance(index, MemoryIndex) else SqlitePixelNotes(index)


def digest(number):
    return bytes([number]) * 32


def record(number, *, content=None):
    return InstanceRecord(
        ref=InstanceRef(UID("1.2.3"), UID("1.2.3.1"), UID(f"1.2.3.1.{number}")),
        sop_class=UID("1.2.840.10008.5.1.4.1.1.2"),
        attributes={"PatientID": "P1", "PatientName": "Doe^John", "Modality": "CT"},
        location=ObjectLocation(
            f"{number}-{content or number}.dcm", 10, 3, 7, digest(content or number), UID("1.2.840.10008.1.2.1")
        ),
        header=b"",
        origin=Origin(Channel.DIMSE),
        received_us=7,
    )


FIRST, SECOND = record(1), record(2)
ONE, TWO = FIRST.ref.instance, SECOND.ref.instance


def rebuild(index, *records):
    made = index.rebuild()
    for each in records:
        made.add(each)
    made.swap()


def test_a_layout_is_kept_and_replaced(index, notes):
    index.add(FIRST)
    assert notes.layout(ONE, digest(1)) is None
    for layout in (b"where frames are", b"where frames really are"):
        notes.keep_layout(ONE, digest(1), layout)
        assert notes.layout(ONE, digest(1)) == layout
    assert notes.layout(ONE, digest(9)) is None
    assert notes.layout(TWO, digest(1)) is None


def test_nothing_is_kept_of_what_is_not_here(index, notes):
    index.add(FIRST)
    for uid, content in ((TWO, 2), (ONE, 9)):
        notes.keep_layout(uid, digest(content), b"where frames were")
        notes.note_damage(uid, digest(content), "cut off", 5)
        assert notes.layout(uid, digest(content)) is None
    assert list(notes.damaged()) == []


def test_of_what_was_replaced_or_removed_nothing_is_known(index, notes):
    for each in (FIRST, SECOND):
        index.add(each)
        notes.keep_layout(each.ref.instance, each.location.digest, b"where frames are")
        notes.note_damage(each.ref.instance, each.location.digest, "cut off", 5)
    index.replace(record(1, content=9))
    index.remove(SECOND.ref)

    assert [notes.layout(uid, digest(content)) for uid, content in ((ONE, 1), (ONE, 9), (TWO, 2))] == [None] * 3
    assert list(notes.damaged()) == []
    notes.note_damage(ONE, digest(9), "cut off, too", 6)
    assert [each.detail for each in notes.damaged()] == ["cut off, too"]


def test_damage_is_listed_newest_first_and_as_it_was_noted_first(index, notes):
    index.add(FIRST)
    index.add(SECOND)
    notes.note_damage(ONE, digest(1), "cut off", 5)
    notes.note_damage(TWO, digest(2), "no JPEG", 6)
    notes.note_damage(ONE, digest(1), "still cut off", 7)

    assert list(notes.damaged()) == [DamageRecord(SECOND.ref, "no JPEG", 6), DamageRecord(FIRST.ref, "cut off", 5)]
    notes.forget_damage(TWO)
    notes.forget_damage(TWO)
    assert [each.ref for each in notes.damaged()] == [FIRST.ref]


def test_a_rebuild_keeps_what_is_known(index, notes):
    index.add(FIRST)
    notes.keep_layout(ONE, digest(1), b"where frames are")
    notes.note_damage(ONE, digest(1), "cut off", 5)

    rebuild(index, FIRST)

    assert notes.layout(ONE, digest(1)) == b"where frames are"
    assert [each.detail for each in notes.damaged()] == ["cut off"]


def test_an_object_that_moves_to_another_study_keeps_its_mark(index, notes):
    index.add(FIRST)
    notes.note_damage(ONE, digest(1), "cut off", 5)
    elsewhere = replace(FIRST, ref=InstanceRef(UID("1.9"), UID("1.9.1"), ONE))

    index.replace(elsewhere)

    assert [each.ref for each in notes.damaged()] == [elsewhere.ref]
