"""Chinese names in Latin letters, as tables that a reader of Chinese can check."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.romanise import COMPOUND_SURNAMES, SURNAME_READINGS, has_hanzi, romanise_name, romanise_text


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("张三丰", "Zhang^Sanfeng"),
        ("张^三丰", "Zhang^Sanfeng"),
        ("張^三豐", "Zhang^Sanfeng"),
        ("=张^三丰", "Zhang^Sanfeng"),
        ("张　三丰", "Zhang^Sanfeng"),
        ("张 三", "Zhang^San"),
        ("张", "Zhang"),
        ("張三^^^先生", "Zhang^San^^Xiansheng"),
        ("王^小东^^^博士", "Wang^Xiaodong^^^Boshi"),
        ("王五(2)", "Wang^Wu(2)"),
        ("张三\\李四", "Zhang^San\\Li^Si"),
        ("", ""),
    ],
)
def test_surname_and_given_name_are_told_apart(name, latin):
    assert romanise_name(name) == latin


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("欧阳娜娜", "Ouyang^Nana"),
        ("欧阳^修", "Ouyang^Xiu"),
        ("歐陽修", "Ouyang^Xiu"),
        ("司马光", "Sima^Guang"),
        ("上官婉儿", "Shangguan^Waner"),
        ("诸葛亮", "Zhuge^Liang"),
        ("尉迟恭", "Yuchi^Gong"),
        ("万俟卨", "Moqi^Xie"),
        ("长孙无忌", "Zhangsun^Wuji"),
        ("澹台灭明", "Tantai^Mieming"),
        ("令狐冲", "Linghu^Chong"),
        # A full name has a given name, so here the first hanzi alone is the surname.
        ("诸葛", "Zhu^Ge"),
        # Double surnames of married women, and what stands before the caret anyway.
        ("范徐^丽泰", "Fanxu^Litai"),
        ("单查^氏", "Shanzha^Shi"),
    ],
)
def test_compound_surnames_stay_whole(name, latin):
    assert romanise_name(name) == latin


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("单雄信", "Shan^Xiongxin"),
        ("仇英", "Qiu^Ying"),
        ("解缙", "Xie^Jin"),
        ("查良镛", "Zha^Liangyong"),
        ("曾国藩", "Zeng^Guofan"),
        ("区志强", "Ou^Zhiqiang"),
        ("任正非", "Ren^Zhengfei"),
        ("华罗庚", "Hua^Luogeng"),
        ("盖叫天", "Ge^Jiaotian"),
        ("朴槿惠", "Piao^Jinhui"),
        ("翟志刚", "Zhai^Zhigang"),
        ("乐毅", "Yue^Yi"),
        ("缪荃孙", "Miao^Quansun"),
        ("覃^海洋", "Qin^Haiyang"),
        ("种师道", "Chong^Shidao"),
        ("黑敬之", "He^Jingzhi"),
    ],
)
def test_surnames_have_their_own_readings(name, latin):
    assert romanise_name(name) == latin


def test_the_reading_of_a_surname_is_that_of_a_surname_only():
    assert romanise_name("王^单") == "Wang^Dan"


@pytest.mark.parametrize(
    ("name", "latin"), [("吕布", "Lyu^Bu"), ("女娲", "Nyu^Wa"), ("陆绿", "Lu^Lyu"), ("王略", "Wang^Lyue")]
)
def test_the_umlaut_is_written_as_passports_write_it(name, latin):
    assert romanise_name(name) == latin


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("阿依古丽·买买提", "Ayiguli^Maimaiti"),
        ("迪丽热巴・迪力木拉提", "Dilireba^Dilimulati"),
        ("史密斯^约翰", "Shimisi^Yuehan"),
        ("买买提明江", "Maimaitimingjiang"),
    ],
)
def test_a_foreign_name_in_hanzi_is_not_parted_like_a_chinese_one(name, latin):
    assert romanise_name(name) == latin


@pytest.mark.parametrize(
    "name",
    [
        "Zhang^San=张^三",
        "Wang^XiaoDong=王^小东=",
        "Müller^Jörg",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "X^^^Dr",
    ],
)
def test_an_alphabetic_group_is_used_as_it_is(name):
    assert romanise_name(name) == name.split("=")[0]


def test_an_alphabetic_group_is_used_wherever_it_stands():
    assert romanise_name("王^小东=Wang^XiaoDong") == "Wang^XiaoDong"


@pytest.mark.parametrize(
    "name",
    [
        "山田^太郎=やまだ^たろう",
        "=山田^太郎=やまだ^たろう",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
        "佐々木^健",
        "洪^吉洞=홍^길동",
        "홍길동",
        "タナカ",
    ],
)
def test_kana_hangul_and_the_hanzi_beside_them_are_not_put_through_pinyin(name):
    assert romanise_name(name) == name


@pytest.mark.parametrize(
    ("value", "latin"),
    [
        ("胸部CT平扫", "XiongBu CT PingSao"),
        ("胸部", "XiongBu"),
        ("MR 头颅", "MR TouLu"),
        # Words have their own readings.
        ("银行", "YinHang"),
        ("重复", "ChongFu"),
        ("Thorax a.p.", "Thorax a.p."),
        ("胸部レントゲン", "胸部レントゲン"),
        ("가슴 胸部", "가슴 胸部"),
    ],
)
def test_other_text_keeps_what_is_not_chinese(value, latin):
    assert romanise_text(value) == latin


def test_every_surname_in_the_tables_is_one_of_hanzi_with_a_latin_reading():
    for hanzi, reading in (COMPOUND_SURNAMES | SURNAME_READINGS).items():
        assert has_hanzi(hanzi)
        assert len(hanzi) == (2 if hanzi in COMPOUND_SURNAMES else 1)
        assert reading.isascii()
        assert reading == reading.capitalize()


@given(st.text(alphabet="张三丰欧阳单Zhang^= \\·やま홍éЖ\u3000(2)㐂𠀀", max_size=30))
def test_any_name_is_survived(name):
    latin = romanise_name(name)
    assert len(latin.split("\\")) == len(name.split("\\"))
    assert romanise_name(latin) == latin or not latin.isascii()


def test_nothing_heavy_is_imported_until_there_is_something_to_read():
    # Escaped: a command line of another character set could not hold it.
    code = (
        r"import sys; from calotype.dicom.romanise import romanise_name; romanise_name('Zhang^San=\u5f20^\u4e09'); "
        "sys.exit('pypinyin' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
