"""Chinese names and texts in Latin letters, for devices that cannot show Chinese: pinyin without tones.

A person's surname has its own reading (单 is *Shan*, not *Dan*) and is told from the given name: ``张三丰`` and
``张^三丰`` both become ``Zhang^Sanfeng``. A name that has an alphabetic group is not touched; kana and hangul are
never put through pinyin, nor are the hanzi of a name that has them. Spelling is that of Chinese passports
(GB/T 28039, ICAO 9303): no apostrophes, and *ü* is written ``yu`` (吕 is *Lyu*), which is ASCII and reads right.

The readings come from ``pypinyin``, imported when the first hanzi is met: it takes 0.15 s and 50 MB. Which character
set can carry what, and when to romanise at all, is in ``replies``. The worklist keeps what names are read as: when
that changes, a migration has them read anew (``stores.index.worklist_schema``).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

FIRST_HANZI: Final = "\u3007"
"""No character that is one, or is written beside them in names, comes before it."""

_HANZI: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HANZI_RUN: Final = re.compile(f"[{_HANZI}]+")
_PERSON: Final = re.compile(f"([{_HANZI}]+)(.*)", re.DOTALL)
_NOT_CHINESE: Final = re.compile(
    # Hiragana, katakana and their extensions; hangul letters, syllables; the half-width forms of both. The mark of
    # repetition is Japanese, too.
    "[\u3005\u3040-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc]"
)
_MIDDLE_DOTS: Final = re.compile("[\u00b7\u2022\u2027\u30fb\uff65]")
"""Stands between the parts of a name that was Chinese in letters only: 阿依古丽·买买提."""
_PARTED: Final = re.compile(f"[\\s\u3000]+|{_MIDDLE_DOTS.pattern}")

_LONGEST_PARTED: Final = 4
"""A name of more hanzi that nobody has parted renders a foreign one; its first hanzi is no surname."""

COMPOUND_SURNAMES: Final = {
    hanzi: reading
    for reading, hanzis in {
        "Baili": "百里",
        "Chunyu": "淳于",
        "Diwu": "第五",
        "Dongfang": "东方 東方",
        "Dongguo": "东郭 東郭",
        "Dongmen": "东门 東門",
        "Duangan": "段干",
        "Duanmu": "端木",
        "Dugu": "独孤 獨孤",
        "Gongliang": "公良",
        "Gongsun": "公孙 公孫",
        "Gongxi": "公西",
        "Gongyang": "公羊",
        "Gongye": "公冶",
        "Guliang": "谷梁 穀梁",
        "Helian": "赫连 赫連",
        "Huangfu": "皇甫",
        "Huyan": "呼延",
        "Jiagu": "夹谷 夾谷",
        "Liangqiu": "梁丘",
        "Linghu": "令狐",
        "Moqi": "万俟 萬俟",
        "Murong": "慕容",
        "Nalan": "纳兰 納蘭",
        "Nangong": "南宫 南宮",
        "Nanmen": "南门 南門",
        "Ouyang": "欧阳 歐陽",
        "Puyang": "濮阳 濮陽",
        "Qidiao": "漆雕",
        "Qiguan": "亓官",
        "Rangsi": "壤驷 壤駟",
        "Shangguan": "上官",
        "Shentu": "申屠",
        "Sikong": "司空",
        "Sikou": "司寇",
        "Sima": "司马 司馬",
        "Situ": "司徒",
        "Taishi": "太史",
        "Taishu": "太叔",
        "Tantai": "澹台 澹臺",
        "Tuoba": "拓跋",
        "Wanyan": "完颜 完顏",
        "Weisheng": "微生",
        "Wenren": "闻人 聞人",
        "Wuma": "巫马 巫馬",
        "Xiahou": "夏侯",
        "Ximen": "西门 西門",
        "Xuanyuan": "轩辕 軒轅",
        "Yangshe": "羊舌",
        "Yuchi": "尉迟 尉遲",
        "Yuezheng": "乐正 樂正",
        "Yuwen": "宇文",
        "Zaifu": "宰父",
        "Zhangsun": "长孙 長孫",
        "Zhongli": "钟离 鍾離 鐘離",
        "Zhongsun": "仲孙 仲孫",
        "Zhuge": "诸葛 諸葛",
        "Zuoqiu": "左丘",
    }.items()
    for hanzi in hanzis.split()
}
"""Surnames of two hanzi, as they are written with simplified and with traditional ones."""

SURNAME_READINGS: Final = {
    hanzi: reading
    for reading, hanzis in {
        "Bai": "柏",
        "Ben": "贲 賁",
        "Bi": "秘",
        "Bo": "薄",
        "Cen": "岑",
        "Chao": "晁 朝",
        "Chen": "谌 諶",
        "Cheng": "晟",
        "Chong": "种",
        "Chu": "褚",
        "Du": "都",
        "Feng": "冯 馮",
        "Gan": "干",
        "Ge": "盖 蓋 葛",
        "Gou": "勾 句",
        "Guan": "冠 观 觀",
        "Gui": "炔",
        "Guo": "过 過 呙 咼",
        "Ha": "哈",
        "He": "黑",
        "Hua": "华 華",
        "Ji": "纪 紀",
        "Jia": "贾 賈",
        "Juan": "圈 隽 雋",
        "Kan": "阚 闞",
        "Kuai": "蒯",
        "Lu": "陆 陸 逯",
        "Mi": "宓",
        "Miao": "缪 繆",
        "Mou": "牟",
        "Na": "那",
        "Nai": "佴",
        "Nie": "乜",
        "Ning": "宁 寧 甯",
        "Ou": "区 區",
        "Pang": "逄",
        "Pian": "便",
        "Piao": "朴",
        "Po": "繁",
        "Qi": "奇",
        "Qiang": "强 強",
        "Qin": "覃",
        "Qiu": "仇",
        "Qu": "曲 瞿",
        "Ren": "任",
        "Sa": "撒",
        "Shan": "单 單",
        "Shao": "召",
        "She": "折 佘 厍",
        "Shen": "沈 莘",
        "Sheng": "盛",
        "Shi": "石",
        "Su": "宿",
        "Wan": "万 萬",
        "Wei": "尉 隗",
        "Xi": "郗",
        "Xian": "冼 洗",
        "Xiang": "相",
        "Xiao": "肖",
        "Xie": "解 颉 頡",
        "Xing": "行",
        "Xun": "郇",
        "Yan": "燕",
        "Yao": "幺",
        "Ye": "叶 葉",
        "Ying": "应 應",
        "Yu": "于 余",
        "Yue": "乐 樂",
        "Yun": "员 員",
        "Zang": "藏 臧",
        "Zeng": "曾",
        "Zha": "查",
        "Zhai": "翟 祭",
        "Zhan": "占",
        "Zhang": "仉",
        "Zi": "訾",
    }.items()
    for hanzi in hanzis.split()
}
"""Surnames of one hanzi whose reading is not, or not by every dictionary, the character's most common one."""


def has_hanzi(text: str) -> bool:
    """Tell whether there is a Chinese character in ``text``, which may be Japanese or Korean all the same."""
    return not text.isascii() and _HANZI_RUN.search(text) is not None


def romanise_name(name: str) -> str:
    """Return a PN value with each person as the alphabetic group alone: ``Zhang^Sanfeng``.

    An alphabetic group that is there already is returned as it is. A name without one that has kana or hangul is
    returned as it is, whole. What is neither hanzi nor one of those is kept.
    """
    return "\\".join(_person(person) for person in name.split("\\"))


def romanise_text(text: str) -> str:
    """Return text other than a name with its hanzi as pinyin, a capital for each: ``XiongBu CT PingSao``.

    Text with kana or hangul is returned as it is.
    """
    if _NOT_CHINESE.search(text):
        return text
    return _HANZI_RUN.sub(_run, text)


def readings(group: str) -> frozenset[tuple[str, ...]]:
    """Return the syllables of a component group in hanzi, surname first, in each spelling that people search by.

    A surname is read as one and as its character is elsewhere (单 is *shan* and *dan*); *ü* is ``yu`` as in
    passports, ``v`` as on keyboards and ``u`` as without dots. What is no hanzi is left out.
    """
    family, given, *others = [*group.split("^"), ""]
    if not given.strip(" \u3000"):
        family, given = _part(family.strip(" \u3000"))
    surname, rest = (
        "".join(_HANZI_RUN.findall(part))[:_LONGEST_READ] for part in (family, "".join((given, *others)))
    )
    if not surname + rest:
        return frozenset()
    plain, after = _syllables(surname) if surname else (), _syllables(rest) if rest else ()
    found = {(*plain, *after), (*_surname(surname, plain), *after)}
    found |= {tuple(_U_UMLAUT.sub(rf"\1{u}", each) for each in syllables) for syllables in found for u in "vu"}
    return frozenset(found)


_LONGEST_READ: Final = 16
_U_UMLAUT: Final = re.compile("^([ln])yu")


def _surname(hanzi: str, plain: tuple[str, ...]) -> tuple[str, ...]:
    reading = COMPOUND_SURNAMES.get(hanzi)
    if reading is not None:
        # Where the whole is not what its parts are elsewhere, nobody has said which letters are whose.
        return plain if "".join(plain) == reading.lower() else (reading.lower(),)
    return tuple((SURNAME_READINGS.get(each) or _syllables(each)[0]).lower() for each in hanzi)


def is_japanese_or_korean(text: str) -> bool:
    """Tell whether there are kana or hangul in ``text``; its hanzi are then not read in Chinese."""
    return _NOT_CHINESE.search(text) is not None


def _person(name: str) -> str:
    groups = name.split("=", 2)
    for group in groups:
        if group.strip("^ ") and not has_hanzi(group) and not _NOT_CHINESE.search(group):
            return group
    if _NOT_CHINESE.search(_MIDDLE_DOTS.sub("", name)):
        return name
    # The ideographic group where there is one, else the hanzi that stand in the place of the alphabetic group.
    chosen = next((group for group in (*groups[1:], groups[0]) if has_hanzi(group)), "")
    if not chosen:
        return name
    family, given, *others = [*chosen.split("^"), ""]
    if not given.strip(" \u3000"):
        family, given = _part(family.strip(" \u3000"))
    components = [_family(family), *(_given(each) for each in (given, *others))]
    return "^".join(components).rstrip("^")


def _part(whole: str) -> tuple[str, str]:
    """Part a name that nobody has parted into surname and given name; the latter may be empty."""
    parts = _PARTED.split(whole, maxsplit=1)
    if len(parts) == 2:
        return parts[0], parts[1]
    found = _PERSON.fullmatch(whole)
    if found is None or len(found[1]) > _LONGEST_PARTED:
        return whole, ""
    # A full name has a given name: of two hanzi the first is the surname even where both together could be one.
    length = 2 if len(found[1]) > 2 and found[1][:2] in COMPOUND_SURNAMES else 1
    return whole[:length], whole[length:]


def _family(component: str) -> str:
    """Return a surname's reading; those of a double surname (范徐) are read one by one."""
    found = _PERSON.fullmatch(component.strip(" \u3000"))
    if found is None:
        return _given(component)
    hanzi, rest = found[1], found[2]
    if hanzi in COMPOUND_SURNAMES:
        reading = COMPOUND_SURNAMES[hanzi]
    elif len(hanzi) <= 2:
        reading = "".join(SURNAME_READINGS.get(each) or _syllables(each)[0] for each in hanzi).capitalize()
    else:
        reading = "".join(_syllables(hanzi)).capitalize()
    return reading + _given(rest)


def _given(component: str) -> str:
    return _HANZI_RUN.sub(lambda run: "".join(_syllables(run[0])).capitalize(), component.strip(" \u3000"))


def _run(run: re.Match[str]) -> str:
    words = "".join(syllable.capitalize() for syllable in _syllables(run[0]))
    before, after = run.string[run.start() - 1 : run.start()], run.string[run.end() : run.end() + 1]
    return (" " if before.isalnum() else "") + words + (" " if after.isalnum() else "")


@lru_cache(maxsize=4096)
def _syllables(hanzi: str) -> tuple[str, ...]:
    """Return the syllables of a run of hanzi in lower-case ASCII; a hanzi without a known reading stays itself."""
    from pypinyin import lazy_pinyin  # its dictionaries are large, and most archives never need them

    return tuple(re.sub("^([ln])v", r"\1yu", syllable) for syllable in lazy_pinyin(hanzi))
