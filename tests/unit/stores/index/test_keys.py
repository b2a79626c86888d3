"""What stands in the key columns."""

from __future__ import annotations

import pytest

from calotype.dicom.query.attributes import INDEXED
from calotype.stores.index.keys import absent_columns, clean, columns, key_columns, keys


@pytest.mark.parametrize(
    ("keyword", "text", "expected"),
    [
        ("PatientID", "aB 1", ("aB 1",)),
        ("PatientID", "A\\B", ("\\A\\B",)),
        ("PatientComments", "A\\B", ("a\\b",)),
        ("PatientName", "Müller^Jörg^^", ("muller^jorg", "", "")),
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ", ("yamada^tarou", "山田^太郎", "やまだ")),
        ("OperatorsName", "A=山\\B", ("\\a\\b", "\\山\\", "\\\\")),
        ("StudyDate", "2024.01.31", ("20240131",)),
        ("StudyDate", "soon", ("",)),
        ("StudyDate", "soon\\20240131", ("\\\\20240131",)),
        ("StudyTime", "0815", ("081500.000000",)),
        ("ModalitiesInStudy", "ct\\MR", ("\\CT\\MR",)),
        ("SOPClassesInStudy", "1.2\\1.3", ("\\1.2\\1.3",)),
        ("InstanceNumber", "007", (7,)),
        ("InstanceNumber", "seven", (None,)),
        ("InstanceNumber", "99999999999999999999", (None,)),
        ("StudyDescription", "a\N{FULLWIDTH REVERSE SOLIDUS}b", ("a\N{FULLWIDTH REVERSE SOLIDUS}b",)),
    ],
)
def test_a_key_is_the_form_that_is_compared(keyword: str, text: str, expected: tuple[str | int | None, ...]) -> None:
    assert keys(keyword, text) == expected


def test_absent_text_has_as_many_keys_as_any() -> None:
    for attribute in INDEXED:
        if key_columns(attribute):
            assert len(keys(attribute.keyword, "")) == len(key_columns(attribute))
            assert not any(keys(attribute.keyword, ""))


@pytest.mark.parametrize("length", [1, 128, 129, 10_000])
def test_columns_are_the_kept_text_and_its_keys_whatever_its_length(length: int) -> None:
    assert columns("StudyDescription", f" {'A' * (length - 1)}\0A ") == ("A" * length, "a" * length)


def test_columns_of_padding_alone_are_those_of_nothing() -> None:
    for attribute in INDEXED:
        if key_columns(attribute):
            assert columns(attribute.keyword, " \0 ") == absent_columns(attribute)


@pytest.mark.parametrize(
    ("text", "vr", "expected"),
    [(" a ", "LO", "a"), ("a\0b\0", "LO", "ab"), ("\\ \\", "LO", ""), ("\\ \\", "LT", "\\ \\"), ("A\\", "CS", "A\\")],
)
def test_text_is_kept_without_padding(text: str, vr: str, expected: str) -> None:
    assert clean(text, vr) == expected
