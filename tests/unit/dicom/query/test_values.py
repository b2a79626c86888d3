from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.query import values


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("20240131", "20240131"),
        ("2024.01.31", "20240131"),
        ("20240231", "20240231"),
        ("2024.0131", None),
        ("202401", None),
        ("20241301", None),
        ("20240100", None),
        ("20240132", None),
        ("2024-01-31", None),
        ("٢٠٢٤٠١٣١", None),
        ("", None),
    ],
)
def test_date_key(text: str, key: str | None) -> None:
    assert values.date_key(text) == key


@given(st.dates())
def test_every_date_is_its_own_key(day: dt.date) -> None:
    text = f"{day.year:04}{day.month:02}{day.day:02}"
    assert values.date_key(text) == values.date_key(f"{text[:4]}.{text[4:6]}.{text[6:]}") == text


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("10", ("100000.000000", "105959.999999")),
        ("1011", ("101100.000000", "101159.999999")),
        ("101112", ("101112.000000", "101112.999999")),
        ("101112.5", ("101112.500000", "101112.500000")),
        ("10:11:12", ("101112.000000", "101112.999999")),
        ("10:11", ("101100.000000", "101159.999999")),
        ("235960", ("235960.000000", "235960.999999")),
        ("10:1112", None),
        ("24", None),
        ("1060", None),
        ("101161", None),
        ("101", None),
        ("1011.5", None),
        ("101112.1234567", None),
    ],
)
def test_time_span(text: str, span: tuple[str, str] | None) -> None:
    assert values.time_span(text) == span
    assert values.time_key(text) == (span and span[0])


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("007", 7), (" +7 ", 7), ("-3", -3), ("1_0", None), ("1.0", None), ("", None), ("9" * 19, None)],
)
def test_integer_key(text: str, number: int | None) -> None:
    assert values.integer_key(text) == number


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("Müller^Jörg^^^", ("muller^jorg", "", "")),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ("yamada^tarou", "山田^太郎", "やまだ^たろう")),
        ("=王^小東", ("", "王^小東", "")),
        (" Doe ^ John ", ("doe^john", "", "")),
        ("a=b=c=d", ("a", "b", "c=d")),
        ("", ("", "", "")),
    ],
)
def test_name_groups_are_folded_one_by_one(name: str, groups: tuple[str, str, str]) -> None:
    assert values.name_groups(name) == groups


def test_code_key_raises_ascii_letters_only() -> None:
    assert values.code_key("ct-é_1") == "CT-é_1"


def test_split_values_drops_padding_and_empty_values() -> None:
    assert values.split_values(" CT \\\\MR\0", "CS") == ["CT", "MR"]


def test_split_values_keeps_a_backslash_in_prose() -> None:
    assert values.split_values("a\\b", "LT") == ["a\\b"]
