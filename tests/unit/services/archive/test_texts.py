"""Studies whose text is not in the set that it claims: as they come, when more comes, and when a person decides."""

import json

import pytest

from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.model import Query
from calotype.errors import Conflict, InvalidRequest, NotFound
from calotype.services.archive.ports import Flag
from calotype.services.archive.texts import Texts
from support import samples

STUDY = "1.2.3"
GBK, LATIN = "gbk", "latin-1"


def data(number, name, *, declared="ISO_IR 100", codec=GBK, place="", study=STUDY):
    """A small object whose text is in ``codec`` and says that it is in ``declared``."""
    rows = [
        (0x00080005, "CS", declared),
        (0x00080016, "UI", samples.CT),
        (0x00080018, "UI", f"{study}.1.{number}"),
        (0x00080060, "CS", "CT"),
        (0x00080080, "LO", place.encode(codec)),
        (0x00100010, "PN", name.encode(codec)),
        (0x00100020, "LO", "P1"),
        (0x0020000D, "UI", study),
        (0x0020000E, "UI", f"{study}.1"),
        (0x00200013, "IS", str(number)),
        (0x00204000, "LT", place.encode(codec)),
    ]
    return samples.encode([row for row in rows if row[2] not in {b"", ""}])


def names(house, study=STUDY):
    fields = frozenset({"PatientName", "InstitutionName"})
    found = list(house.index.find(Query(Level.STUDY, fields=fields)))
    return [each["PatientName"] for each in found if each["StudyInstanceUID"] == study]


def documents(house, study=STUDY):
    selection = Selection(Level.STUDY, studies=(UID(study),))
    return [json.loads(document) for _, document in house.archive.retrieve.headers(selection)]


def document_names(house):
    return [each["00100010"]["Value"][0]["Alphabetic"] for each in documents(house)]


def test_misdeclared_text_is_indexed_as_it_is_meant_and_the_file_keeps_its_bytes(house):
    sent = data(1, "王^伟", place="第一人民医院")
    receipt = house.store(sent)
    assert Flag.REPAIRED_TEXT in receipt.flags
    assert Flag.BAD_TEXT not in receipt.flags
    assert names(house) == ["王^伟"]
    assert documents(house)[0]["00204000"]["Value"] == ["第一人民医院"]
    assert house.served("1.2.3.1.1") == sent


@pytest.mark.parametrize(("declared", "codec"), [("ISO_IR 192", "gb18030"), ("GB18030", "utf-8"), ("", "utf-8")])
def test_other_wrong_declarations(house, declared, codec):
    assert Flag.REPAIRED_TEXT in house.store(data(1, "张^三丰", declared=declared, codec=codec)).flags
    assert names(house) == ["张^三丰"]


@pytest.mark.parametrize(
    ("declared", "codec", "name"),
    [("ISO_IR 100", LATIN, "Müller^Jörg"), ("ISO_IR 144", "iso8859_5", "Иванов"), ("GB18030", "gb18030", "张三丰")],
)
def test_text_that_is_declared_right_is_not_touched(house, declared, codec, name):
    assert house.store(data(1, name, declared=declared, codec=codec)).flags == frozenset()
    assert names(house) == [name]
    assert house.archive.texts.notable() == []


def test_ascii_is_no_evidence(house):
    house.store(data(1, "Zhang^San"))
    assert house.index.study_text(UID(STUDY)) is None


def test_text_that_is_as_declared_costs_no_row(house):
    house.store(data(1, "张三丰", declared="GB18030", codec="gb18030"))
    assert house.index.study_text(UID(STUDY)) is None


def test_what_nothing_fits_is_flagged(house):
    assert Flag.BAD_TEXT in house.store(data(1, "Müller", declared="", codec=LATIN)).flags
    assert [(study, text.state) for study, text in house.archive.texts.notable()] == [(STUDY, "uncertain")]


def test_a_later_object_may_show_how_the_earlier_ones_are_to_be_read(house):
    # As Latin-1 杨 is "Ñî", which could be a name.
    house.store(data(1, "杨"))
    assert names(house) == ["Ñî"]
    before = list(house.index.records())
    house.store(data(2, "杨", place="第一人民医院"))
    assert names(house) == ["杨"]
    assert document_names(house) == ["杨", "杨"]
    assert next(house.index.records())[1:] == before[0][1:]
    assert house.index.statistics().instances == 2
    assert house.archive.curate.verify().is_sound


def test_a_later_object_may_show_that_a_repair_was_wrong(house):
    house.store(data(1, "王伟"))
    assert names(house) == ["王伟"]
    house.store(data(2, "Müller", codec=LATIN))
    assert names(house) == ["王伟".encode(GBK).decode(LATIN)]


def test_what_looked_declared_before_a_restart_is_judged_with_what_comes_after_it(house):
    # By itself the first object is as declared, and nothing is written down; the next comes to another process.
    house.store(data(1, "杨"))
    house.archive = type(house.archive).over(house.objects, house.index, house.settings, house.clock)
    house.store(data(2, "王^伟", place="第一人民医院"))
    assert document_names(house) == ["杨", "王^伟"]


def test_an_object_that_cannot_be_looked_into_fails_no_other(house):
    house.store(data(1, "杨"))
    house.archive = type(house.archive).over(house.objects, house.index, house.settings, house.clock)
    for key in list(house.objects.keys()):
        house.objects.delete(key)
    assert Flag.REPAIRED_TEXT in house.store(data(2, "王^伟", place="第一人民医院")).flags


def test_studies_are_judged_each_for_itself(house):
    house.store(data(1, "王伟"))
    house.store(data(1, "Müller", codec=LATIN, study="1.2.4"))
    assert names(house) == ["王伟"]
    assert names(house, "1.2.4") == ["Müller"]


def test_what_was_learned_outlives_the_process(house):
    house.store(data(1, "杨", place="第一人民医院"))
    house.archive = type(house.archive).over(house.objects, house.index, house.settings, house.clock)
    assert Flag.REPAIRED_TEXT in house.store(data(2, "杨")).flags
    assert document_names(house) == ["杨", "杨"]


def test_a_person_overrides_and_takes_it_back(house):
    house.store(data(1, "杨"))
    house.store(data(2, "杨"))
    texts = house.archive.texts
    assert texts.override(UID(STUDY), "GBK") == 2
    assert names(house) == ["杨"]
    assert document_names(house) == ["杨", "杨"]
    assert [(study, text.state) for study, text in texts.notable()] == [(STUDY, "overridden")]
    # What comes now is read so, too.
    house.store(data(3, "李", declared="ISO_IR 192", codec=GBK))
    assert document_names(house)[2] == "李"
    assert texts.override(UID(STUDY), "") == 3
    assert names(house) == ["Ñî"]


def test_an_override_survives_a_reindex_and_is_honoured_by_it(house):
    house.store(data(1, "杨"))
    house.archive.texts.override(UID(STUDY), "GB18030")
    report = house.archive.curate.reindex()
    assert (report.rebuilt, report.problems) == (1, ())
    assert names(house) == ["杨"]
    assert house.index.study_text(UID(STUDY)).override == ("GB18030",)


def test_a_reindex_reads_a_study_as_all_of_it_shows(house):
    house.store(data(1, "杨"))
    house.store(data(2, "杨", place="第一人民医院"))
    again = type(house)(house.objects, type(house.index)()) if hasattr(house.index, "live") else house
    assert again.archive.curate.reindex().problems == ()
    assert document_names(again) == ["杨", "杨"]
    assert names(again) == ["杨"]


def test_what_names_no_set_or_no_study_is_refused(house):
    house.store(data(1, "杨"))
    with pytest.raises(InvalidRequest, match="Klingon"):
        house.archive.texts.override(UID(STUDY), "Klingon")
    for ask in (house.archive.texts.of, house.archive.texts.reread, lambda s: house.archive.texts.override(s, "GBK")):
        with pytest.raises(NotFound):
            ask(UID("9.9"))


class _Growing:
    """An index whose study changes each time it is read again."""

    def __init__(self, index):
        self._index = index
        self.tries = 0

    def __getattr__(self, name):
        return getattr(self._index, name)

    def reread(self, study, records):
        self.tries += 1
        raise Conflict("objects came meanwhile")


def test_a_study_that_keeps_changing_is_given_up_with_a_word(house):
    house.store(data(1, "杨"))
    index = _Growing(house.index)
    with pytest.raises(Conflict, match="keep coming"):
        Texts(house.objects, index).reread(UID(STUDY))
    assert index.tries == 8


def test_evidence_is_not_committed_with_each_object(house):
    index = _Counting(house.index)
    house.archive = type(house.archive).over(house.objects, index, house.settings, house.clock)
    for number in range(1, 40):
        house.store(data(number, f"王伟{number}", place=f"第{number}人民医院"))
    assert 1 <= index.kept <= 7


class _Counting:
    def __init__(self, index):
        self._index = index
        self.kept = 0

    def __getattr__(self, name):
        return getattr(self._index, name)

    def keep_study_text(self, study, text):
        self.kept += 1
        self._index.keep_study_text(study, text)


def test_another_process_decision_is_seen_after_a_moment(house):
    house.store(data(1, "杨"))
    now = [0.0]
    texts = Texts(house.objects, house.index, lambda: now[0])
    archive = type(house.archive).over(house.objects, house.index, house.settings, house.clock)
    assert texts.reread(UID(STUDY)) == 1
    archive.texts.override(UID(STUDY), "GBK")
    now[0] = 2.0
    assert texts.reread(UID(STUDY)) == 1
    assert names(house) == ["杨"]
