"""Which set text is really in: tables of what devices declare wrongly, and of what must be left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom import charsets
from calotype.dicom.repair import Judgement, Reading, Verdict, common_hanzi, judge, judge_key, judge_study

LATIN, UTF_8, GB = ("ISO_IR 100",), ("ISO_IR 192",), ("GB18030",)
SINGLE_BYTE = ("", "ISO_IR 100", "ISO_IR 101", "ISO_IR 144", "ISO_IR 126", "ISO_IR 148", "\\ISO 2022 IR 100")
"""Declarations under which Chinese devices send Chinese all the same."""

CHINESE_STUDIES = (
    ("张三丰", "胸部CT平扫", "第一人民医院"),
    ("王^伟", "头颅MR平扫+增强", "放射科"),
    ("欧阳^娜娜", "腰椎正侧位"),
    ("李^婷", "髋关节\uff08左\uff09正位", "市中医院影像科"),
    ("黄晓明",),
    ("陈静", "放射科"),
    ("朱镕基", "上腹部增强CT扫描"),
    ("赵敏\\王医生", "病人躁动\uff0c重复扫描。"),
)


def terms(value):
    return charsets.terms(value)[0]


def encoded(values, codec):
    return [value.encode(codec) for value in values]


@pytest.mark.parametrize("declared", SINGLE_BYTE)
@pytest.mark.parametrize("values", CHINESE_STUDIES)
def test_chinese_bytes_under_a_single_byte_set_are_read_as_chinese(declared, values):
    assert judge(terms(declared), encoded(values, "gb18030")) == Verdict(GB)


@pytest.mark.parametrize("declared", ["", "ISO_IR 100"])
@pytest.mark.parametrize("name", ["谢然", "梅^英", "姚^梅英", "欧平思", "头颅CT平扫", "莫萍", "全^萍"])
def test_chinese_that_is_valid_utf_8_by_chance_is_read_as_chinese(declared, name):
    assert judge(terms(declared), [name.encode("gbk")]) == Verdict(GB)


@pytest.mark.parametrize("declared", ["", "ISO_IR 192"])
@pytest.mark.parametrize(
    "name",
    ["Núñez^José", "Иванов^Пётр", "Müller Иванов", "Παπαδόπουλος^Γιώργος", "5 cm² ± 2 µm", "«élan»", "Șerban^Ștefan",
     "Nguyễn^Thị Ơn", "Məmmədov^Əli", "כהן^דוד", "محمد^علي", "Հակոբյան^Արամ", "ù ó é", "2ª vértebra"],
)  # fmt: skip
def test_real_utf_8_of_two_bytes_is_not_read_as_chinese(declared, name):
    assert judge(terms(declared), [name.encode("utf-8")]) == Verdict(UTF_8)


@pytest.mark.parametrize("declared", ["", "ISO_IR 100", "ISO_IR 101", "ISO_IR 148"])
@pytest.mark.parametrize("name", ["吴^林", "郎^丽", "栾^云远", "武^怡", "温^敏", "赵^敏", "谢^霆锋", "男性,52岁"])
def test_a_lone_chinese_name_that_could_be_latin_letters_is_read_as_chinese(declared, name):
    # As Latin-1 吴^林 is "Îâ^ÁÖ": no language has words, and names of words, without one plain letter.
    assert judge(terms(declared), [name.encode("gbk")]) == Verdict(GB)


@pytest.mark.parametrize("declared", ["", "ISO_IR 100"])
@pytest.mark.parametrize(
    "values",
    [
        ("김^희중",),
        ("박지성",),
        ("이^순신", "흉부 촬영"),
        ("Kim^Hui Jung==김^희중",),
        ("최 민수", "서울대학교병원", "두부"),
    ],
)
def test_korean_names_under_a_latin_set_or_none_are_no_hanzi(declared, values):
    assert judge(terms(declared), encoded(values, "euc_kr")) == Verdict(("ISO 2022 IR 149",))


@pytest.mark.parametrize("declared", ["", "ISO_IR 100"])
@pytest.mark.parametrize("name", ["ПЕТРОВ^ИВАН", "ЩЕРБАКОВ^ЮРИЙ", "Иванов^Пётр"])
def test_cyrillic_of_windows_is_no_chinese(declared, name):
    assert judge(terms(declared), [name.encode("cp1251")]).charsets == terms(declared)


@pytest.mark.parametrize("values", [("鼻骨正位",), ("救护车",), ("价^格", "王^伟"), ("何^军",), ("郭^峰", "颈椎MRI")])
def test_chinese_is_not_korean(values):
    assert judge(LATIN, encoded(values, "gbk")) == Verdict(GB)


@pytest.mark.parametrize("declared", ["", "ISO_IR 100", "ISO_IR 192"])
@pytest.mark.parametrize("key", ["王*", "张*", "胸*", "*华*", "王^?", "李"])
def test_a_single_hanzi_is_a_key_in_the_wrong_set_too(declared, key):
    assert judge_key(terms(declared), key.encode("gbk")) == Verdict(GB)
    assert judge_key(terms(declared), key.encode("utf-8")) == Verdict(UTF_8)


@pytest.mark.parametrize(
    ("declared", "codec", "key"),
    [
        ("ISO_IR 100", "latin-1", "Mü*"),
        ("ISO_IR 100", "latin-1", "*ü*"),
        ("ISO_IR 100", "latin-1", "Ö*"),
        ("ISO_IR 100", "latin-1", "Øå*"),
        ("ISO_IR 100", "latin-1", "ÉÉ N*"),
        ("ISO_IR 144", "iso8859_5", "ИВ*"),
        ("ISO_IR 126", "iso8859_7", "ΑΘ*"),
        ("ISO_IR 127", "iso8859_6", "مح*"),
        ("ISO_IR 166", "iso8859_11", "สม*"),
        ("ISO_IR 13", "shift_jis", "ﾔﾏ*"),
        ("\\ISO 2022 IR 149", "euc_kr", "김*"),
        ("GB18030", "gb18030", "Jé*"),
        ("ISO_IR 192", "utf-8", "Ä*"),
    ],
)
def test_a_key_that_is_declared_right_is_left_alone(declared, codec, key):
    assert judge_key(terms(declared), key.encode(codec)).charsets == terms(declared)


@pytest.mark.parametrize("declared", [*SINGLE_BYTE, "ISO_IR 13", "ISO_IR 127", "ISO_IR 138", "ISO_IR 166"])
@pytest.mark.parametrize(
    "values", [*CHINESE_STUDIES, ("José", "Łódź"), ("Иванов^Иван",), ("山田^太郎",), ("홍^길동",)]
)
def test_utf_8_bytes_under_a_single_byte_set_are_read_as_utf_8(declared, values):
    assert judge(terms(declared), encoded(values, "utf-8")) == Verdict(UTF_8)


@pytest.mark.parametrize("values", [*CHINESE_STUDIES, ("杨",), ("王", "张"), ("邝萱",), ("闵^燕",)])
def test_chinese_bytes_declared_as_utf_8_are_read_as_chinese(values):
    assert judge(UTF_8, encoded(values, "gb18030")) == Verdict(GB)


@pytest.mark.parametrize("declared", ["GB18030", "GBK", "\\ISO 2022 IR 58", "\\ISO 2022 IR 149", "\\ISO 2022 IR 87"])
@pytest.mark.parametrize("values", [*CHINESE_STUDIES, ("张三",), ("山田^太郎", "胸部レントゲン")])
def test_utf_8_bytes_under_a_multi_byte_set_are_read_as_utf_8(declared, values):
    assert judge(terms(declared), encoded(values, "utf-8")) == Verdict(UTF_8)


REAL = [
    ("ISO_IR 100", "latin-1", ["Müller^Jörg", "Señor^Núñez", "Buc^Jérôme", "Ångström", "ÄÖÜ", "Þórður", "ÉMILE"]),
    (
        "ISO_IR 100",
        "latin-1",
        ["37°C", "5 µm", "½ Dosis", "«Élan»", "m²", "±2", "3\u00d75 cm", "naïve façade", "BÜSCHGES"],
    ),
    ("ISO_IR 100", "latin-1", ["Größe", "Øystein Sørensen", "Ærøskøbing", "São João", "DAÏÉ", "LÉÀ"]),
    ("ISO_IR 101", "iso8859_2", ["Wałęsa", "Dvořák^Antonín", "Łukasz Żółć", "Kovács^Ágnes", "Čapek", "ŻÓŁĆ", "Győr"]),
    ("ISO_IR 109", "iso8859_3", ["Ĥamil", "Ġorġ Ċensu", "ĉiuĵaŭde"]),
    ("ISO_IR 110", "iso8859_4", ["Ŗā", "Bērziņš^Jānis", "Žemaitė"]),
    ("ISO_IR 144", "iso8859_5", ["Люксембург", "Иванов^Иван", "ПЭТ", "ЦГБ", "Щербаков^Юрий", "Ёлкина", "ГБУЗ №1"]),
    ("ISO_IR 126", "iso8859_7", ["Διονυσιος", "Παπαδόπουλος^Γιώργος", "ΑΘΗΝΑ", "Ώρα"]),
    ("ISO_IR 127", "iso8859_6", ["قباني^لنزار", "محمد", "مستشفى الملك، جدة", "عبد الرحمن"]),
    ("ISO_IR 138", "iso8859_8", ["שרון^דבורה", "בית חולים", "כהן"]),
    ("ISO_IR 148", "iso8859_9", ["Çavuşoğlu", "İstanbul", "Şükrü^Iş\u0131k", "ÖĞÜŞ"]),
    ("ISO_IR 203", "iso8859_15", ["€ Œuvre", "Élodie"]),
    ("ISO_IR 166", "iso8859_11", ["นายสมชาย", "เขต", "โรงพยาบาล", "เอก", "กรุงเทพมหานคร", "ทรวงอก"]),
    ("ISO_IR 13", "shift_jis", ["ﾔﾏﾀﾞ^ﾀﾛｳ", "ﾅｶ", "ﾏｴ^ﾐｴ", "ｻﾄｳ"]),
    ("ISO_IR 13", "shift_jis", ["山田^太郎", "胸部レントゲン", "ﾔﾏﾀﾞ=鈴木", "腹部"]),
    ("\\ISO 2022 IR 149", "cp949", ["홍길동", "洪^吉洞", "가슴 정면", "서울대학교병원", "똠방각하"]),
    ("ISO 2022 IR 149", "cp949", ["김희중", "뷁"]),
    ("GB18030", "gb18030", ["张三丰", "程恺", "𠀀㐂", "Jérôme", "龘靐", "山田かな"]),
    ("GBK", "gbk", ["張三豐", "誠乗", "镕"]),
    ("\\ISO 2022 IR 58", "gb2312", ["张^小东", "王"]),
    ("ISO_IR 192", "utf-8", ["José", "张三丰", "홍길동", "Ž", "𠀀"]),
]


@pytest.mark.parametrize(("declared", "codec", "values"), REAL)
def test_what_is_declared_right_is_left_alone(declared, codec, values):
    assert judge(terms(declared), encoded(values, codec)) == Verdict(terms(declared))
    for value in values:
        assert judge(terms(declared), [value.encode(codec)]) == Verdict(terms(declared)), value


def test_shift_jis_beside_iso_2022_is_read_as_shift_jis():
    assert judge(terms("\\ISO 2022 IR 87"), encoded(["山田^太郎"], "shift_jis")) == Verdict(("ISO_IR 13",))


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("", [b"Jos\xe9"]),
        ("", encoded(["Müller", "Dvořák"], "iso8859_2")),
        ("", encoded(["Иванов^Иван"], "cp1251")),
        ("ISO_IR 192", [b"M\xfcller"]),
        ("ISO_IR 192", [b"\xff\xfe"]),
        ("GB18030", [b"\xff\xff"]),
        ("\\ISO 2022 IR 149", [b"\xff\xff"]),
        ("ISO_IR 127", [b"\xff\xff"]),
        ("ISO_IR 13", [b"\xff\xff"]),
    ],
)
def test_where_nothing_is_plausible_the_declared_set_stands_and_that_is_told(declared, values):
    assert judge(terms(declared), values) == Verdict(terms(declared), certain=False)


def test_one_value_may_tell_what_another_cannot():
    # As Latin-1 杨 is "Ñî" and could be a name.
    name, hospital = encoded(["杨", "第一人民医院"], "gbk")
    assert judge(LATIN, [name]) == Verdict(LATIN)
    assert judge(LATIN, [name, hospital]) == Verdict(GB)


def test_one_value_that_is_surely_latin_keeps_all_latin():
    assert judge(LATIN, [*encoded(["第一人民医院"], "gbk"), "Müller".encode("latin-1")]) == Verdict(LATIN)
    assert judge(LATIN, [*encoded(["José"], "utf-8"), "José".encode("latin-1")]) == Verdict(LATIN)


def test_values_with_escape_sequences_and_ascii_say_nothing():
    assert judge(LATIN, [b"Zhang", b"\x1b$)A\xd5\xc5\xc8\xfd"]) == Verdict(LATIN)


def test_a_study_is_judged_by_declaration():
    chinese, latin = "王伟".encode("gbk"), "José".encode("latin-1")
    evidence = frozenset({(LATIN, chinese), (("ISO_IR 144",), "Иванов".encode("iso8859_5")), (UTF_8, latin)})
    judged = judge_study(evidence)
    assert judged == Judgement(Reading(repaired=((LATIN, GB),)), certain=False)
    assert [judged.reading.of(each) for each in (LATIN, UTF_8, ())] == [GB, UTF_8, ()]


def test_what_a_person_says_goes_before_all_evidence():
    judged = judge_study(frozenset({(LATIN, "王伟".encode("gbk"))}), override=("ISO_IR 144",))
    assert judged == Judgement(Reading(override=("ISO_IR 144",)))
    assert judged.reading.of(UTF_8) == ("ISO_IR 144",)


def test_no_evidence_means_as_declared():
    assert judge_study(frozenset()) == Judgement()


def test_common_hanzi_are_level_1_of_gb_2312_and_what_names_need():
    assert 3755 < len(common_hanzi()) < 4200
    assert set("的一是张三丰婷镕髋") <= common_hanzi()
    assert not set("寮犱笁鐜嬪皬") <= common_hanzi()


@given(
    st.lists(st.binary(min_size=1, max_size=24), max_size=4),
    st.sampled_from([each[0] for each in REAL] + ["", "Klingon", "ISO 2022 IR 13\\ISO 2022 IR 87"]),
)
def test_a_verdict_can_always_be_read_by(values, declared):
    verdict = judge(terms(declared), values)
    if verdict.charsets != terms(declared):
        for value in values:
            if b"\x1b" not in value:
                value.decode(charsets.BY_TERM[verdict.charsets[0]].codec)


@given(st.lists(st.text(alphabet="张三丰王伟李娜医院胸部平扫Az ^", min_size=1, max_size=8), min_size=1, max_size=4))
def test_gb18030_that_is_declared_right_is_never_changed(values):
    assert judge(GB, encoded(values, "gb18030")) == Verdict(GB)


@given(st.lists(st.text(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюя ", max_size=12).map(str.title), max_size=5))
def test_cyrillic_words_are_never_changed(values):
    assert judge(("ISO_IR 144",), encoded(values, "iso8859_5")) == Verdict(("ISO_IR 144",))
