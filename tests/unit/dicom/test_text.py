"""Text in every character set of the Standard: the examples of PS3.5 Annexes H to K, and what devices really send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom import charsets, text


def terms(value):
    return charsets.terms(value)[0]


JAPANESE_1 = (
    b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
    "\\ISO 2022 IR 87",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
)
JAPANESE_2 = (
    b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
    "ISO 2022 IR 13\\ISO 2022 IR 87",
    "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
)
KOREAN = (
    b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
    "\\ISO 2022 IR 149",
    "Hong^Gildong=洪^吉洞=홍^길동",
)
CHINESE_UTF_8 = (
    b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=",
    "ISO_IR 192",
    "Wang^XiaoDong=王^小東=",
)
CHINESE_GB18030 = (b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "GB18030", "Wang^XiaoDong=王^小东=")
CHINESE_GBK = (b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "GBK", "Wang^XiaoDong=王^小东=")
CHINESE_IR_58 = (
    b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
    "\\ISO 2022 IR 58",
    "Zhang^XiaoDong=张^小东=",
)
WITHOUT_EXTENSIONS = [
    (b"Buc^J\xe9r\xf4me", "ISO_IR 100", "Buc^Jérôme"),
    (b"Wa\xb3\xeasa", "ISO_IR 101", "Wałęsa"),
    (b"\xa6amil", "ISO_IR 109", "Ĥamil"),
    (b"\xa3\xe0", "ISO_IR 110", "Ŗā"),
    (b"\xbb\xee\xda\xe1\xd5\xdc\xd1\xe3\xe0\xd3", "ISO_IR 144", "Люксембург"),
    (b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "ISO_IR 127", "قباني^لنزار"),
    (b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "ISO_IR 126", "Διονυσιος"),
    (b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "ISO_IR 138", "שרון^דבורה"),
    (b"\xc7avu\xfeo\xf0lu", "ISO_IR 148", "Çavuşoğlu"),
    (b"\xa4 \xbcuvre", "ISO_IR 203", "€ Œuvre"),
    (b"\xcf\xc0\xde\xb6", "ISO_IR 13", "ﾏﾀﾞｶ"),
    (b"\xb9\xd2\xc2\xca\xc1\xaa\xd2\xc2", "ISO_IR 166", "นายสมชาย"),
]
EXAMPLES = [
    JAPANESE_1,
    JAPANESE_2,
    KOREAN,
    CHINESE_UTF_8,
    CHINESE_GB18030,
    CHINESE_GBK,
    CHINESE_IR_58,
    *WITHOUT_EXTENSIONS,
]


@pytest.mark.parametrize(("raw", "value", "expected"), EXAMPLES)
def test_a_name_is_read_as_the_standard_writes_it(raw, value, expected):
    assert text.decode_checked(raw, terms(value), "PN") == (expected, True)


@pytest.mark.parametrize(("raw", "value", "expected"), EXAMPLES)
def test_a_name_is_written_as_the_standard_writes_it(raw, value, expected):
    assert text.encode(expected, terms(value), "PN") == raw


def test_a_text_over_several_lines_is_reset_at_each_line():
    # PS3.5 I.3: the sets of value 1 are active again after each line end.
    raw = b"\x1b$)C\xb1\xe8\xc8\xf1\r\n\x1b$)C\xc1\xdf\r\nend"
    assert text.decode_checked(raw, terms("\\ISO 2022 IR 149"), "LT") == ("김희\r\n중\r\nend", True)
    assert text.encode("김희\r\n중\r\nend", terms("\\ISO 2022 IR 149"), "LT") == raw


def test_chinese_text_over_several_lines():
    # PS3.5 K.3
    lines = "1. 第一行文字。\r\n2. 第二行文字。\r\n3. 第三行文字。\r\n"
    raw = text.encode(lines, terms("\\ISO 2022 IR 58"), "LT")
    assert raw.startswith(b"1. \x1b$)A\xb5\xda\xd2\xbb\xd0\xd0")
    assert text.decode_checked(raw, terms("\\ISO 2022 IR 58"), "LT") == (lines, True)


def test_a_second_half_of_5c_delimits_nothing():
    # In JIS X 0208 the horizontal bar is 213DH, "!=", and katakana SO is 253DH, "%=": no delimiters of a name.
    value = "―表\\ソ―"
    raw = text.encode(value, terms("\\ISO 2022 IR 87"), "LO")
    assert raw == b"\x1b$B!=I=\x1b(B\\\x1b$B%=!=\x1b(B"
    assert text.decode_checked(raw, terms("\\ISO 2022 IR 87"), "LO") == (value, True)


def test_a_second_byte_of_5c_in_gbk_is_half_a_character():
    raw = "誠\\乗".encode("gbk")
    assert raw == b"\xd5\x5c\\\x81\x5c"
    assert text.decode_checked(raw, ("GBK",), "LO") == ("誠\\乗", True)


def test_four_byte_characters_of_gb18030():
    assert text.decode_checked("𠀀㐂".encode("gb18030"), ("GB18030",), "PN") == ("𠀀㐂", True)


def test_supplementary_kanji_are_read_and_written():
    raw = text.encode("丂丄", terms("\\ISO 2022 IR 87\\ISO 2022 IR 159"), "PN")
    assert raw == b'\x1b$(D0!0"\x1b(B'
    assert text.decode_checked(raw, terms("\\ISO 2022 IR 159"), "PN") == ("丂丄", True)


def test_two_alphabets_in_one_value():
    raw = b"Dionysios^\x1b-F\xc4\xe9\xef\xed\x1b-A^J\xe9"
    both = terms("ISO 2022 IR 100\\ISO 2022 IR 126")
    assert text.decode_checked(raw, both, "PN") == ("Dionysios^Διον^Jé", True)
    assert text.encode("Dionysios^Διον^Jé", both, "PN") == raw


@pytest.mark.parametrize(
    ("raw", "value", "expected"),
    [
        pytest.param(b"\xcd\xf5^\xd0\xa1\xb6\xab", "", "王^小东", id="GB 2312, nothing declared"),
        pytest.param("王^小东".encode(), "", "王^小东", id="UTF-8, nothing declared"),
        pytest.param(b"\xcd\xf5\xd0\xa1\xb6\xab", "ISO_IR 100", "王小东", id="GB 2312 declared Latin"),
        pytest.param("王小东".encode(), "ISO_IR 100", "王小东", id="UTF-8 declared Latin"),
        pytest.param("王小东".encode(), "GB18030", "王小东", id="UTF-8 declared GB 18030"),
        pytest.param(b"\xcd\xf5\xd0\xa1\xb6\xab", "ISO_IR 192", "王小东", id="GB 18030 declared UTF-8"),
        pytest.param(b"\xcd\xf5^\xd0\xa1\xb6\xab", "\\ISO 2022 IR 58", "王^小东", id="no escape sequence at all"),
        pytest.param(
            b"Wang=\x1b$)A\xcd\xf5^\xd0\xa1\xb6\xab", "\\ISO 2022 IR 58", "Wang=王^小东", id="not again after ^"
        ),
        pytest.param(b"\x1b$B;3ED\x1b(B^X", "", "山田^X", id="Japanese, nothing declared"),
        pytest.param(b"Jos\xe9", "", "José", id="Latin, nothing declared"),
        pytest.param(b"\xc8\xab\xb1\xe6\xb5\xbf\x8c\x63", "\\ISO 2022 IR 149", "홍길동똠", id="Korean by Windows"),
        pytest.param(b"\x1b$)A\xe9F\xd6\xd8", "\\ISO 2022 IR 58", "镕重", id="GBK under the name of GB 2312"),
    ],
)
def test_misdeclared_text_is_repaired_and_told(raw, value, expected):
    assert text.decode_checked(raw, terms(value), "PN") == (expected, False)


@pytest.mark.parametrize("name", ["Jérôme", "Müller^Jörg", "Þórður", "Núñez^Íñigo", "Ångström", "ÄÖÜ"])
def test_latin_names_are_not_taken_for_chinese(name):
    assert text.decode_checked(name.encode("latin-1"), ("ISO_IR 100",), "PN") == (name, True)


def test_korean_named_alone_as_value_1_is_read():
    raw = b"\xc8\xab^\xb1\xe6\xb5\xbf"
    assert text.decode_checked(raw, terms("ISO 2022 IR 149"), "PN") == ("홍^길동", True)


def test_upper_bytes_in_a_vr_of_ascii_are_told():
    assert text.decode_checked(b"\xd0\xd8\xb2\xbf", ("GB18030",), "CS") == ("胸部", False)


def test_padding_goes_and_leading_space_stays():
    assert text.decode(b"  ab \0 ", text.DEFAULT_CHARSETS, "LT") == "  ab"


@given(raw=st.binary(max_size=80), value=st.sampled_from([e[1] for e in EXAMPLES] + ["", "nonsense"]))
def test_decoding_never_raises(raw, value):
    for vr in "PN", "LO", "LT", "CS":
        decoded, good = text.decode_checked(raw, terms(value), vr)
        assert isinstance(decoded, str)
        assert not good or "\ufffd" not in decoded or b"\xef\xbf\xbd" in raw or "GB" in value


_SCRIPTS = {
    "\\ISO 2022 IR 87\\ISO 2022 IR 159": "Az09 ^=漢字かなカナ山田太郎丂丄",
    "ISO 2022 IR 13\\ISO 2022 IR 87": "Az09 ^=漢字かなﾔﾏﾀﾞ山田太郎",
    "\\ISO 2022 IR 149": "Az09 ^=홍길동김희중洪吉洞",
    "\\ISO 2022 IR 58": "Az09 ^=王小东张李欧阳",
    "ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126": "Az09 ^=éüÄЖдюΩλ",
    "GB18030": "Az09 ^=王小东𠀀é",
    "ISO_IR 192": "Az09 ^=王小东𠀀éЖ",
}


@given(data=st.data(), value=st.sampled_from(sorted(_SCRIPTS)))
def test_what_is_written_is_read_again(data, value):
    name = data.draw(st.text(alphabet=_SCRIPTS[value], max_size=30)).rstrip()
    raw = text.encode(name, terms(value), "PN")
    assert text.decode_checked(raw, terms(value), "PN") == (name, True)


def test_a_set_is_chosen_that_carries_the_text():
    preferred = terms("ISO_IR 100")
    assert text.charsets_for(["Jérôme", "X"], preferred) == ("ISO_IR 100",)
    assert text.charsets_for(["Jérôme", "王"], preferred) == ("ISO_IR 192",)
    assert text.charsets_for(["王小东"], terms("\\ISO 2022 IR 58")) == ("ISO_IR 6", "ISO 2022 IR 58")


def test_what_no_set_carries_becomes_a_question_mark():
    assert text.encode("A王B", ("ISO_IR 100",), "PN") == b"A?B"
    assert text.encode("A王B", terms("\\ISO 2022 IR 149"), "PN") == b"A\x1b$)C\xe8\xddB"
    assert text.encode("A镕B", terms("\\ISO 2022 IR 58"), "PN") == b"A?B"


@pytest.mark.parametrize(
    ("value", "expected", "in_order"),
    [
        ("", ("ISO_IR 6",), True),
        ("ISO_IR 100", ("ISO_IR 100",), True),
        ("\\ISO 2022 IR 87", ("ISO_IR 6", "ISO 2022 IR 87"), True),
        ("ISO IR 100", ("ISO_IR 100",), False),
        ("ISO-IR 192", ("ISO_IR 192",), False),
        ("IR 100", ("ISO_IR 100",), False),
        ("iso_ir 192", ("ISO_IR 192",), False),
        ("UTF-8", ("ISO_IR 192",), False),
        ("GB2312", ("GB18030",), False),
        ("ISO_IR 58", ("ISO 2022 IR 58",), False),
        ("ISO 2022 GBK", ("GBK",), False),
        ("ISO_IR 99999999999999999999999", ("ISO_IR 6",), False),
        ("Klingon", ("ISO_IR 6",), False),
    ],
)
def test_terms_are_understood_as_devices_spell_them(value, expected, in_order):
    assert charsets.terms(value) == (expected, in_order)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("  WANG   XiaoDong ", "wang xiaodong"),
        ("Müller", "muller"),
        ("Łukasz Øre Đặng", "lukasz ore dang"),
        ("\uff37\uff41\uff4e\uff47\u3000王", "wang 王"),
        ("ﾀﾛｳ ｶﾞ", "タロウ ガ"),
        ("Straße", "strasse"),
        ("홍길동", "홍길동"),
        ("İstanbul Iş\u0131k", "istanbul isik"),
        ("", ""),
        ("é" * 300, "e" * 300),
    ],
)
def test_the_key_by_which_text_is_compared(value, key):
    assert text.fold(value) == key


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(value):
    assert text.fold(text.fold(value)) == text.fold(value)
