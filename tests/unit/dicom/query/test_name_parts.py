"""Fuzzy matching: a name is found by the beginning of any of its parts, a Chinese one by its pinyin as well."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.query.attributes import BY_KEYWORD
from calotype.dicom.query.keys import conditions
from calotype.dicom.query.matching import holds
from calotype.dicom.query.name_parts import MAX_CHARACTERS, MAX_PARTS, beginning, beginnings
from calotype.dicom.query.negotiated import Negotiated
from calotype.dicom.query.values import name_groups


def finds(asked: str, name: str) -> bool:
    found = conditions(BY_KEYWORD["PatientName"], asked, Negotiated(fuzzy_names=True))
    return all(holds(condition, {"PatientName": name}) for condition in found)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Smith^John^Q^Dr.^Jr.", "smith"),
        ("Smith^John^Q^Dr.^Jr.", "JOHN smi"),
        ("Smith^John^Q^Dr.^Jr.", "john^smith"),
        ("Smith^John^Q^Dr.^Jr.", "Smith, John"),
        ("Smith^John^Q^Dr.^Jr.", "smithjohn"),
        ("Smith^John^Q^Dr.^Jr.", "dr q"),
        ("Müller-Lüdenscheidt^Jörg", "jorg ludens"),
        ("Muller-Ludenscheidt^Jorg", "MÜLLER-LÜ"),
        ("O\N{RIGHT SINGLE QUOTATION MARK}Brien^Séan", "o'b sean"),
        ("O'Brien^Sean", "obrien"),
        ("Kim^Gil-dong", "gildong"),
        ("Kim^Gildong", "gil-dong"),
        ("de la Cruz^Maria Jose", "cruz jose"),
        ("ZHANG^SAN", "zhangsan"),
        ("ZHANG SAN", "san zhang"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "太郎 yamada"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "たろ"),
        ("김^철수", "철수"),
        ("A^B\\Doe^Jane", "jane"),
        # Hanzi, in one group or parted, by themselves and in pinyin with and without spaces.
        ("张三丰", "张三"),
        ("张三丰", "三丰"),
        ("张^三丰", "张三丰"),
        ("=张^三丰", "张 三丰"),
        ("张三丰", "zhangsanfeng"),
        ("张三丰", "zhang san feng"),
        ("张三丰", "Zhang Sanfeng"),
        ("张^三丰", "sanfeng zhang"),
        ("张^三丰", "sanfengzhang"),
        ("=张^三丰", "zhang sa"),
        ("Chang^S F=张^三丰", "zhang"),
        ("张三丰", "zsf"),
        ("张三丰", "zs"),
        ("张三丰", "zhangsf"),
        ("欧阳修", "ouyang xiu"),
        ("欧阳^修", "ouyangxiu"),
        ("单雄信", "shan xiongxin"),
        ("单雄信", "danxiong"),
        ("吕布", "lvbu"),
        ("吕布", "lubu"),
        ("吕布", "lyu bu"),
        ("呂^布", "lv"),
    ],
)
def test_a_name_is_found(name: str, asked: str) -> None:
    assert finds(asked, name)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Smith^John", "mith"),
        ("Smith^John", "smith jane"),
        ("Smith^John", "johnny smith"),
        ("张三丰", "hang"),
        ("张三丰", "zf"),
        ("张三丰", "李"),
        ("单雄信", "chan"),
        ("", "a"),
        ("^^^", "a"),
    ],
)
def test_a_name_is_not_found(name: str, asked: str) -> None:
    assert not finds(asked, name)


def test_nothing_asked_for_is_universal_matching() -> None:
    assert finds("- *", "") is True


def test_names_in_ascii_never_load_the_readings_of_hanzi() -> None:
    code = (
        "import sys; from calotype.dicom.query.name_parts import beginnings\n"
        "print(sorted(beginnings('doe^john')), 'pypinyin' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "['doejohn', 'johndoe'] False\n"


def test_endless_names_have_few_short_beginnings() -> None:
    found = beginnings("^".join(["a" * 100] * 1000))
    assert len(found) <= MAX_PARTS
    assert {len(each) for each in found} == {MAX_CHARACTERS}
    assert len(beginnings("张" * 1000)) <= 20 * MAX_PARTS
    assert finds("a" * 100, "a" * 100)


LETTERS = st.text(st.sampled_from("aBzÄ-'. ^=张吕单〇𠀀々ヤ山김(\\*\N{FULLWIDTH REVERSE SOLIDUS}"), max_size=12)


@given(LETTERS)
def test_a_name_is_found_by_each_of_its_groups_and_what_it_is_found_by_is_in_form(name: str) -> None:
    for group in name_groups(name.replace("\\", "").replace("*", "")):
        for part in group.split("^"):
            assert beginning(part) == "" or any(each.startswith(beginning(part)) for each in beginnings(group))
    for group in name_groups(name):
        assert all(each and len(each) <= MAX_CHARACTERS for each in beginnings(group))


@given(LETTERS, st.integers(1, 12))
def test_more_of_a_name_finds_no_more(name: str, length: int) -> None:
    word = beginning(name)
    for group in name_groups(name):
        longer = {each for each in beginnings(group) if each.startswith(word)}
        assert longer <= {each for each in beginnings(group) if each.startswith(word[:length])}
