"""Answers in the set that was asked for: what it carries, what is romanised, what makes it UTF-8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom import charsets, text
from calotype.dicom.replies import Reply

CHINESE, JAPANESE, KOREAN = "张^三丰", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Hong^Gildong=洪^吉洞=홍^길동"


def asked(value):
    return charsets.terms(value)[0]


@pytest.mark.parametrize(
    ("wanted", "value", "stated"),
    [
        ("", "Zhang^San", b""),
        ("", "Jérôme", b"ISO_IR 192"),
        ("ISO_IR 100", "Jérôme", b"ISO_IR 100"),
        ("ISO_IR 100", CHINESE, b"ISO_IR 192"),
        ("ISO_IR 192", CHINESE, b"ISO_IR 192"),
        ("GB18030", CHINESE, b"GB18030"),
        ("GBK", CHINESE, b"GBK"),
        ("GBK", "𠀀", b"ISO_IR 192"),
        ("\\ISO 2022 IR 58", CHINESE, b"\\ISO 2022 IR 58"),
        ("\\ISO 2022 IR 58", "朱^镕基", b"ISO_IR 192"),
        ("\\ISO 2022 IR 87", JAPANESE, b"\\ISO 2022 IR 87"),
        ("ISO 2022 IR 13\\ISO 2022 IR 87", JAPANESE, b"ISO 2022 IR 13\\ISO 2022 IR 87"),
        ("\\ISO 2022 IR 149", KOREAN, b"\\ISO 2022 IR 149"),
        # No defined terms, and sets that cannot stand together.
        ("GB2312", CHINESE, b"GB18030"),
        ("ISO_IR 100\\ISO_IR 144", "Jérôme", b"ISO_IR 100"),
        ("ISO_IR 100\\ISO_IR 192", CHINESE, b"ISO_IR 192"),
        ("Klingon", "Zhang^San", b""),
    ],
)
def test_a_query_is_answered_in_its_own_set_or_in_utf_8_without_loss(wanted, value, stated):
    reply = Reply.to_query(asked(wanted), [value])
    assert reply.stated == stated
    read = text.charsets_of(reply.stated)[0] if reply.stated else text.DEFAULT_CHARSETS
    assert text.decode_checked(reply.encode(value, "PN"), read, "PN") == (value, True)


@pytest.mark.parametrize("wanted", ["GB18030", "GBK", "\\ISO 2022 IR 58", "ISO 2022 IR 58", "ISO_IR 192"])
def test_a_worklist_asked_for_in_a_set_with_chinese_stays_chinese(wanted):
    reply = Reply.to_worklist(asked(wanted), [("PN", CHINESE), ("LO", "胸部CT平扫")])
    assert reply.charsets == asked(wanted)
    assert text.decode(reply.encode(CHINESE, "PN"), reply.charsets, "PN") == CHINESE
    assert text.decode(reply.encode("胸部CT平扫", "LO"), reply.charsets, "LO") == "胸部CT平扫"


@pytest.mark.parametrize(
    ("wanted", "vr", "value", "answered"),
    [
        ("", "PN", CHINESE, b"Zhang^Sanfeng"),
        ("ISO_IR 100", "PN", CHINESE, b"Zhang^Sanfeng"),
        ("ISO_IR 144", "PN", CHINESE, b"Zhang^Sanfeng"),
        ("", "PN", JAPANESE, b"Yamada^Tarou"),
        ("", "PN", KOREAN, b"Hong^Gildong"),
        ("", "PN", "Jérôme^张", b"Jerome^Zhang"),
        ("ISO_IR 100", "PN", "Jérôme=张", b"J\xe9r\xf4me"),
        ("", "PN", "张三\\李四", b"Zhang^San\\Li^Si"),
        # The groups that the set carries stay: 镕 is not in GB 2312, the others are.
        ("\\ISO 2022 IR 58", "PN", "朱^镕基", b"Zhu^Rongji"),
        ("\\ISO 2022 IR 149", "PN", "Hong=洪=홍", b"Hong=\x1b$)C\xfb\xf3=\x1b$)C\xc8\xab"),
        ("\\ISO 2022 IR 87", "PN", "=张=チョウ", b"\\ISO_IR 192"),
        ("\\ISO 2022 IR 87", "PN", "Hong=洪=홍", b"Hong=\x1b$B9?\x1b(B"),
        ("", "LO", "胸部CT平扫", b"XiongBu CT PingSao"),
        ("", "LO", "头颅\uff08增强\uff09", b"TouLu(ZengQiang)"),
        ("", "SH", "胸部CT平扫增强三维重建", b"XiongBu CT PingS"),
        ("", "LO", "胸" * 40, b"Xiong" * 12 + b"Xion"),
        ("ISO_IR 100", "LT", "Größe: 5\u20137 µm\\大", b"Gr\xf6\xdfe: 5-7 \xb5m\\Da"),
    ],
)
def test_a_worklist_asked_for_in_another_set_is_romanised(wanted, vr, value, answered):
    reply = Reply.to_worklist(asked(wanted), [(vr, value)])
    if answered == b"\\ISO_IR 192":
        assert reply == Reply(("ISO_IR 192",))
    else:
        assert reply.charsets == asked(wanted)
        assert reply.encode(value, vr) == answered


@pytest.mark.parametrize("value", ["홍길동", "山田^太郎=やまだ^たろう", "Люксембург", "שרון"])
def test_what_has_no_latin_form_makes_a_worklist_answer_utf_8_rather_than_question_marks(value):
    reply = Reply.to_worklist(asked("ISO_IR 100"), [("PN", "张三"), ("PN", value)])
    assert reply.stated == b"ISO_IR 192"
    assert reply.encode(value, "PN").decode() == value
    assert reply.encode("张三", "PN").decode() == "张三"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["PN", "LO", "SH", "LT"]),
            st.text(alphabet="张丰éßЖやま홍Az^=\u2013\uff08 \\", max_size=20),
        ),
        max_size=4,
    ),
    st.sampled_from(["", "ISO_IR 100", "ISO_IR 144", "GB18030", "\\ISO 2022 IR 58", "\\ISO 2022 IR 87"]),
)
def test_no_answer_holds_a_question_mark(values, wanted):
    for reply in Reply.to_worklist(asked(wanted), values), Reply.to_query(asked(wanted), [v for _, v in values]):
        for vr, value in values:
            assert b"?" not in reply.encode(value, vr)
