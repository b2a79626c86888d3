"""One box for everything: which studies words find, by the definition of matching."""

import pytest

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.matching import matches
from calotype.dicom.query.model import Query
from calotype.dicom.query.search_box import MAX_WORDS, conditions
from calotype.errors import InvalidRequest

STUDY = {
    "StudyInstanceUID": "1.2.840.10008.7",
    "PatientName": "Zhang^Sanfeng=张^三丰",
    "PatientID": "P0042",
    "AccessionNumber": "acc*7",
    "StudyDescription": "CT Thorax mit Kontrastmittel",
}


def finds(text, **also):
    return matches(Query(Level.STUDY, conditions(text, **also)), STUDY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "zhang",
        "sanfeng ZHANG",
        "张三",
        "三丰",
        "zsf",
        "p00",
        "P0042",
        "ACC*7",
        "thorax",
        "kontrast zhang p0042",
        "1.2.840.10008.7",
        "***",
        "p*2",
        "th?rax",
    ],
)
def test_words_find(text):
    assert finds(text)


@pytest.mark.parametrize("text", ["0042", "wang", "zhang abdomen", "1.2.840.10008", "1.2.840.10008.7.1", "p*1", '""'])
def test_words_do_not_find(text):
    assert not finds(text)


def test_other_ways_to_be_known_count():
    asked = []

    def known(word):
        asked.append(word)
        return [UID("1.2.840.10008.7")] if word == "board" else []

    assert finds("zhang board", also_in=known)
    assert asked == ["zhang", "board"]


@pytest.mark.parametrize("text", ["x" * 257, "a\x00b", " ".join("abcdefghi")])
def test_too_much_is_refused(text):
    assert MAX_WORDS == 8
    with pytest.raises(InvalidRequest):
        conditions(text)
