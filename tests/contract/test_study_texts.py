"""What every index must do about the text of studies: one suite, run over each implementation."""

from dataclasses import replace

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection
from calotype.dicom.query.model import Query
from calotype.errors import Conflict
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin, StudyText

STUDY = UID("1.2.3")
LATIN = ("ISO_IR 100",)
MODALITY = Origin(Channel.DIMSE, "MODALITY", "CALOTYPE", "192.0.2.7")


def record(number, name, *, origin=MODALITY, received_us=7, series="1.2.3.1"):
    return InstanceRecord(
        ref=InstanceRef(STUDY, UID(series), UID(f"{series}.{number}")),
        sop_class=UID("1.2.840.10008.5.1.4.1.1.2"),
        attributes={"PatientID": "P1", "PatientName": name, "Modality": "CT", "InstitutionName": name},
        location=ObjectLocation(f"{series}.{number}.dcm", 10, 3, 7, bytes(32), UID("1.2.840.10008.1.2.1")),
        header=name.encode(),
        origin=origin,
        received_us=received_us,
    )


def found(index, level):
    return [each.get("PatientName") for each in index.find(Query(level, fields=frozenset({"PatientName"})))]


def test_what_is_known_of_a_text_is_kept_and_replaced(index):
    assert index.study_text(STUDY) is None
    evidence = frozenset({(LATIN, "王伟".encode("gbk")), (("ISO_IR 6", "ISO 2022 IR 58"), b"\xd5\xc5")})
    for text in StudyText(evidence), StudyText(evidence, override=("GB18030",)), StudyText():
        index.keep_study_text(STUDY, text)
        assert index.study_text(STUDY) == text


def test_only_studies_not_read_as_declared_are_listed(index):
    repaired = StudyText(frozenset({(LATIN, "王伟".encode("gbk"))}))
    texts = {
        UID("1.1"): StudyText(frozenset({(LATIN, b"Jos\xe9")})),
        UID("1.2"): repaired,
        UID("1.3"): StudyText(override=("GBK",)),
        UID("1.4"): StudyText(frozenset({(("ISO_IR 6",), b"Jos\xe9")})),
    }
    for study, text in texts.items():
        index.keep_study_text(study, text)
    listed = index.study_texts(10)
    assert [(study, text.state) for study, text in listed] == [
        ("1.2", "repaired"),
        ("1.3", "overridden"),
        ("1.4", "uncertain"),
    ]
    assert index.study_texts(1) == [(UID("1.2"), repaired)]


def test_a_study_is_written_anew_in_the_order_of_arrival(index):
    for number in 3, 1, 2:
        index.add(record(number, "old", received_us=10 - number))
    elsewhere = record(1, "other", series="1.9.1")
    index.add(replace(elsewhere, ref=replace(elsewhere.ref, study=UID("1.9"))))
    before = sorted((stored.ref.instance, origin, us) for stored, origin, us in index.records())
    fresh = [record(number, f"new{number}", origin=Origin(Channel.REINDEX), received_us=0) for number in (1, 2, 3)]
    index.reread(STUDY, fresh)
    # The first to arrive says what the study and its patient are called.
    assert sorted(found(index, Level.STUDY)) == ["new3", "other"]
    # The other study is the same patient's, who was called as this study had it.
    assert found(index, Level.PATIENT) == ["new3"]
    assert [header for _, header in index.headers(Selection(Level.STUDY, studies=(STUDY,)))] == [
        b"new3",
        b"new1",
        b"new2",
    ]
    assert sorted((stored.ref.instance, origin, us) for stored, origin, us in index.records()) == before
    assert (index.statistics().instances, index.statistics().studies) == (4, 2)
    assert index.statistics().stored_bytes == 40


def test_a_study_that_has_changed_is_left_as_it_is(index):
    index.add(record(1, "old"))
    index.add(record(2, "old"))
    moved = record(2, "new")
    moved = replace(moved, location=replace(moved.location, key="elsewhere.dcm"))
    for fresh in ([record(1, "new")], [record(n, "new") for n in (1, 2, 3)], [record(1, "new"), moved], []):
        with pytest.raises(Conflict):
            index.reread(STUDY, fresh)
    assert found(index, Level.STUDY) == ["old"]


def test_a_rebuild_leaves_texts_alone(index):
    index.add(record(1, "old"))
    index.keep_study_text(STUDY, StudyText(override=("GBK",)))
    rebuild = index.rebuild()
    rebuild.add(record(1, "new"))
    rebuild.swap()
    assert found(index, Level.STUDY) == ["new"]
    assert index.study_text(STUDY) == StudyText(override=("GBK",))
