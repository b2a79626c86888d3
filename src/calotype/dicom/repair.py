"""Text that is not in the character set that it claims: finds out which one it is in, from all text of a study.

Devices write GBK or UTF-8 under no declaration or ISO_IR 100, and GB 18030 under ISO_IR 192. Only values with bytes
above 7FH and without escape sequences can tell, and one value seldom tells enough: ``ÍõÎ°`` may be a strange Latin
name or 王伟. So a study's values are judged together, those under one declaration at a time (:func:`judge`):

(a) declared UTF-8 or a multi-byte set: it stands when every value is valid in it, unless all are valid UTF-8, too,
    and read better so; otherwise the other sets are tried.
(b) declared single-byte set, or none: it stands unless all high bytes are valid UTF-8, or are pairs of GB 18030 that
    are all common hanzi. Both only where the single-byte reading is implausible: C1 controls, symbols beside letters,
    capitals inside words, Latin text without one letter of ASCII. Hangul are pairs of common hanzi, too: where there
    are no others and a value is a Korean name, they are meant.
(c) where nothing is plausible the declared set stands, Latin-1 where none was declared, and the verdict is uncertain.

Nothing here changes bytes; :class:`Reading` says how a study is to be read, ``services.archive`` remembers it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from calotype.dicom import charsets as sets
from calotype.dicom.charsets import Coding

Charsets: TypeAlias = tuple[str, ...]
"""Defined terms of Specific Character Set (0008,0005)."""

Evidence: TypeAlias = frozenset[tuple[Charsets, bytes]]
"""Distinct values with high bytes, each with the sets that it was declared in."""

UTF_8: Final[Charsets] = ("ISO_IR 192",)
GB18030: Final[Charsets] = ("GB18030",)
SHIFT_JIS: Final[Charsets] = ("ISO_IR 13",)
"""We read it by Shift JIS, of which JIS X 0201 is the one-byte part."""
EUC_KR: Final[Charsets] = ("ISO 2022 IR 149",)
DEFAULT: Final[Charsets] = ("ISO_IR 6",)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sets that values are read in; uncertain where that leaves something that cannot be right (rule c)."""

    charsets: Charsets
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """How the text of a study is read where that is not as declared.

    ``repaired`` are pairs of declared and true sets. ``override`` is what a person has said: it takes the place of
    every declaration, nested ones included.
    """

    repaired: tuple[tuple[Charsets, Charsets], ...] = ()
    override: Charsets = ()

    def of(self, declared: Charsets) -> Charsets:
        """Return the sets to read by where ``declared`` is declared."""
        if self.override:
            return self.override
        return next((true for claimed, true in self.repaired if claimed == declared), declared)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the text of a study has shown: its reading, ``None`` for as declared, and whether all of it is certain."""

    reading: Reading | None = None
    certain: bool = True


AS_DECLARED: Final = Judgement()


def judge_study(evidence: Evidence, override: Charsets = ()) -> Judgement:
    """Judge all text of a study; ``override``, what a person has said, is taken as it is."""
    if override:
        return Judgement(Reading(override=override))
    if not evidence:
        return AS_DECLARED
    values: defaultdict[Charsets, list[bytes]] = defaultdict(list)
    for declared, value in evidence:
        values[declared].append(value)
    verdicts = {declared: judge(declared, found) for declared, found in sorted(values.items())}
    repaired = tuple((declared, each.charsets) for declared, each in verdicts.items() if each.charsets != declared)
    return Judgement(
        Reading(repaired) if repaired else None,
        certain=all(each.certain for each in verdicts.values()),
    )


def judge(declared: Charsets, values: Collection[bytes]) -> Verdict:
    """Judge values that were declared in the same sets; ASCII and values with escape sequences say nothing."""
    told = [value for value in values if not value.isascii() and b"\x1b" not in value]
    if not told:
        return Verdict(declared)
    row = sets.BY_TERM.get(declared[0], sets.DEFAULT) if declared else sets.DEFAULT
    if row.term == "ISO_IR 192":
        return _utf_8(declared, told)
    if not row.graphic:
        return _multi_byte(declared, "gb18030", told)
    upper = _upper_half(declared)
    if upper is None:
        return _undeclared(declared, told) if len(declared) < 2 and row is sets.DEFAULT else _japanese(declared, told)
    if upper.coding is Coding.DOUBLE:
        return _multi_byte(declared, "cp949" if upper.codec == "euc_kr" else "gb18030", told)
    judge_half = _katakana if upper.coding is Coding.KATAKANA else _single_byte
    return judge_half(declared, upper.codec, told)


def judge_key(declared: Charsets, value: bytes) -> Verdict:
    """Judge one value that is asked for: it may be a single hanzi with a wild card, of which nothing else can tell.

    Two bytes that are a common hanzi, beside no letter of ASCII, are one: no Latin name begins like ``Íõ*`` (王*).
    """
    verdict = judge(declared, [value])
    if verdict.charsets != declared or value.isascii() or any(map(str.isalpha, filter(str.isascii, map(chr, value)))):
        return verdict
    row = sets.BY_TERM.get(declared[0], sets.DEFAULT) if declared else sets.DEFAULT
    is_latin = len(declared) < 2 and (row is sets.DEFAULT or row.codec in _LATIN)
    return Verdict(GB18030) if is_latin and _are_common_hanzi([value], least=1) else verdict


def _upper_half(declared: Charsets) -> sets.GraphicSet | None:
    """Return the set that bytes above 7FH are in where no escape sequence has said it."""
    graphics = (graphic for term in declared for graphic in sets.BY_TERM.get(term, sets.DEFAULT).graphic)
    return next((graphic for graphic in graphics if graphic.plane == 1), None)


# By rule a: multi-byte sets


def _utf_8(declared: Charsets, values: list[bytes]) -> Verdict:
    if _read(values, "utf-8") is not None:
        return Verdict(declared)
    chinese = _read(values, "gb18030")
    # Nearly any bytes are some characters of GB 18030: Latin-1 declared as UTF-8 must not become rare hanzi.
    if chinese is not None and _ordinary_share(chinese) > 0.5:
        return Verdict(GB18030)
    return Verdict(declared, certain=False)


def _multi_byte(declared: Charsets, codec: str, values: list[bytes]) -> Verdict:
    texts, utf_8 = _read(values, codec), _read(values, "utf-8")
    # UTF-8 is often valid in these sets, read as rare characters: 张三 as 寮犱笁.
    if utf_8 is not None and (texts is None or _ordinary_share(utf_8) > _ordinary_share(texts)):
        return Verdict(UTF_8)
    if texts is not None:
        return Verdict(declared)
    chinese = _read(values, "gb18030")
    if chinese is not None and codec != "gb18030" and _ordinary_share(chinese) > 0.5:
        return Verdict(GB18030)
    return Verdict(declared, certain=False)


def _japanese(declared: Charsets, values: list[bytes]) -> Verdict:
    """Judge high bytes where only sets of the lower half are declared: JIS X 0208 and 0212."""
    if _read(values, "utf-8") is not None:
        return Verdict(UTF_8)
    if _read(values, "shift_jis") is not None:
        return Verdict(SHIFT_JIS)
    return Verdict(declared, certain=False)


# By rule b: single-byte sets

_KATAKANA_ONLY: Final = re.compile(rb"[\x00-\x7f\xa1-\xdf]*")


def _katakana(declared: Charsets, codec: str, values: list[bytes]) -> Verdict:
    """Judge JIS X 0201, in whose place devices write Shift JIS, which we read alike."""
    if all(map(_KATAKANA_ONLY.fullmatch, values)):
        return Verdict(declared)
    if _read(values, "utf-8") is not None:
        return Verdict(UTF_8)
    return Verdict(declared, certain=_read(values, codec) is not None)


def _single_byte(declared: Charsets, codec: str, values: list[bytes]) -> Verdict:
    texts = _read(values, codec)
    implausible = texts is None or any(map(_is_implausible, texts))
    if codec in _LATIN and texts is not None:
        implausible = implausible or any(map(_is_without_ascii, texts))
    utf_8 = _read_utf_8(values)
    if utf_8 is not None and (implausible or _is_plainly_utf_8(values, utf_8)):
        return Verdict(UTF_8)
    if implausible and _are_common_hanzi(values):
        return Verdict(EUC_KR if _are_korean(values) else GB18030)
    return Verdict(declared, certain=texts is not None)


def _undeclared(declared: Charsets, values: list[bytes]) -> Verdict:
    if _read_utf_8(values) is not None:
        return Verdict(UTF_8)
    texts = [value.decode("latin-1") for value in values]
    if any(_is_implausible(text) or _is_without_ascii(text) for text in texts) and _are_common_hanzi(values):
        return Verdict(EUC_KR if _are_korean(values) else GB18030)
    return Verdict(declared, certain=False)


# What is plausible

_THREE_BYTES: Final = re.compile(rb"[\xe0-\xf4][\x80-\xbf]{2}")


def _read(values: Iterable[bytes], codec: str) -> list[str] | None:
    """Return the values as text, ``None`` when one of them is not valid."""
    try:
        return [value.decode(codec) for value in values]
    except UnicodeDecodeError:
        return None


def _read_utf_8(values: Collection[bytes]) -> list[str] | None:
    """Return the values as UTF-8, ``None`` when one is not valid, or is by chance only what is Chinese in truth.

    Of names of two hanzi in GBK one in sixty is: 谢然 as ллȻ.
    """
    texts = _read(values, "utf-8")
    if texts is None or any(map(_THREE_BYTES.search, values)):
        return texts
    return None if any(map(_is_by_chance, texts)) and _are_common_hanzi(values) else texts


_SCRIPTS_OF_TWO_BYTES: Final = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "HEBREW", "ARABIC"})
_SELDOM: Final = re.compile("[\u0180-\u019f\u01a2-\u01ae\u01b1-\u01cc\u01dd-\u01e3\u0200-\u0217\u021c-\u02af]")
"""Latin letters of linguists, and of alphabets with few readers: Ʌ, ɓ, Ȼ."""


def _is_by_chance(text: str) -> bool:
    """Tell whether nobody writes so: letters of several scripts or of none in use, or signs without a letter."""
    high = [char for char in text if not char.isascii()]
    letters = [char for char in high if not _is_symbol(char) and char not in "ªµº"]
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in letters}
    if len(scripts) > 1 or not scripts <= _SCRIPTS_OF_TWO_BYTES or _SELDOM.search(text):
        return True
    return len(high) > max(len(letters), 1) and not any(map(str.isalnum, filter(str.isascii, text)))


def _is_plainly_utf_8(values: list[bytes], texts: list[str]) -> bool:
    """Tell whether values are UTF-8 although a single-byte reading makes sense: no chance makes sequences of three.

    Thai could: เขต is valid UTF-8, but of a letter that nobody writes.
    """
    return any(map(_THREE_BYTES.search, values)) and _ordinary_share(texts) > 0.5


def _are_common_hanzi(values: Iterable[bytes], least: int = 2) -> bool:
    """Tell whether all high bytes are common hanzi, so many at least, and their punctuation.

    One hanzi in eight may be a rare one: a study must not stay unreadable for a name like 镕.
    """
    texts = _read(values, "gb18030")
    if texts is None:
        return False
    common = common_hanzi()
    wide = [char for text in texts for char in text if not char.isascii() and not _WIDE_SIGNS.match(char)]
    rare = [char for char in wide if char not in common]
    return len(wide) >= least and 8 * len(rare) <= len(wide) and all("\u4e00" <= char <= "\u9fff" for char in rare)


_HANGUL_ALONE: Final = re.compile(rb"(?:[\x00-\x7f]|[\xb0-\xc8][\xa1-\xfe])*")
"""KS X 1001 has all its hangul in rows 16 to 40."""
_KOREAN_NAME: Final = re.compile(
    "(?:[김이박최정강조윤장임한오서신권황안송류전고양손배허유남심노하곽차우구나민지엄채원천][ ^][가-힣]{1,2}"
    "|[김이박최정강조윤장임한오서황][가-힣]{2})[ ^]*"
)
"""The surnames of most people, but those whose bytes are a Chinese surname (홍 is 全); of a name that is not parted
also without those that a Chinese word begins with (안 is 救)."""


def _are_korean(values: Collection[bytes]) -> bool:
    """Tell whether what could be common hanzi is hangul: 김희중 is 辫锐吝, whom nobody is called."""
    texts = _read(values, "euc_kr") if all(map(_HANGUL_ALONE.fullmatch, values)) else None
    return any(_KOREAN_NAME.fullmatch(group) for text in texts or () for group in text.split("="))


_WIDE_SIGNS: Final = re.compile(
    "[\u3000-\u301f\uff01-\uff5e\u00b7\u2014\u2018\u2019\u201c\u201d\u2026\u00d7\u00b0\u00b1\u2103"
    "\u2160-\u216b\u2460-\u2473]"
)
"""Punctuation, full-width forms and numerals of Chinese text."""

_WORD: Final = re.compile(r"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
"""What stands between ASCII's controls, spaces and punctuation."""


_LATIN: Final = frozenset({"iso8859_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_9", "iso8859_15"})


def _is_without_ascii(text: str) -> bool:
    """Tell whether Latin text of some length has accents on all of its letters, as no language does: Îâ^ÁÖ.

    Long words in capitals are more likely Cyrillic of Windows: ÏÅÒÐÎÂ is ПЕТРОВ.
    """
    letters = [char for char in text if char.isalpha()]
    if len(letters) <= 3 or any(map(str.isascii, letters)):
        return False
    return len(letters) <= 5 or not all(map(str.isupper, letters))


def _is_implausible(text: str) -> bool:
    """Tell whether single-byte text cannot be meant so."""
    return any(not word.isascii() and _is_implausible_word(word) for word in _WORD.findall(text))


def _is_implausible_word(word: str) -> bool:
    has_lower = any(map(str.islower, word))
    before = ""
    for char in word:
        high = not char.isascii() or not before.isascii()
        if "\x80" <= char <= "\x9f":
            return True
        if before and high:
            # ÍõÎ°: a capital or a symbol behind a letter; unlike 37°C, or a word in capitals.
            if char.isupper() and before.isalpha() and has_lower:
                return True
            if _is_symbol(char) != _is_symbol(before) and not (char.isascii() or before.isascii()):
                return True
        before = char
    return len(word) > 1 and all(map(_is_symbol, word))


def _is_symbol(char: str) -> bool:
    return not char.isascii() and unicodedata.category(char)[0] not in "LM"


def _ordinary_share(texts: Iterable[str]) -> float:
    """Return how much of what is not ASCII are characters that people write: of texts, 0 to 1."""
    high = [char for text in texts for char in text if not char.isascii()]
    return sum(map(_is_ordinary, high)) / len(high) if high else 1.0


_SCRIPTS: Final = re.compile(
    "[\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff\u05d0-\u05ea\u0621-\u0652\u0e01-\u0e5b\u1e00-\u1eff"
    "\u3041-\u30fe\uff61-\uff9f]"
)


def _is_ordinary(char: str) -> bool:
    if char in common_hanzi() or _SCRIPTS.match(char) is not None or _WIDE_SIGNS.match(char) is not None:
        return True
    # Of the syllables that Windows adds to KS X 1001 hardly one is in use.
    return "\uac00" <= char <= "\ud7a3" and sets.BY_TERM["ISO 2022 IR 149"].graphic[0].encode(char) is not None


_BEYOND_LEVEL_1: Final = (
    # In names: surnames, then what parents choose.
    "龚邱邵郝覃阎闫佟佘俞翟禹臧訾褚闵栾邝濮逯宓乜莘幺谌隽颉亓仝佴冼缪逄郜郗郇郦郐鄢鄯谌昝岑嵇戚晏晁桑滕璩瞿荀蒯芮邢邬邹郏隗靳鞠麴阚"
    "俪昊婷琪鑫淼睿璇瑾瑜馨妍娅薇蕾莎莉萱彤嫣怡煜炜烨焱晗晟旻昱晔珺珏琦琛瑛璐皓祺祯禧翊羿芸荟莹菡蓓韬颢骅骁麒麟"
    "娣娟妮婕婧婵嫒嬿孜峥嵘嵩帏忻恺悦愫懿旎昕晖暄曦枫柠栩桐梓棣楠楹榕樱沁沅泓泠洳浠涵淇淳渝湉湘滢漪潇澍濛瀚炯炅炫"
    "焯熠燊玮玥珂珈珞琬琰琳瑶璟瓅甄畅皎皙碧祎禄禾秉稷竣笙筠筱箐绮绯缇羽翎聿胤芃芊芙芷苒茗茜茵荃荞莀菀菁菲萍葳蓁蓉蔓"
    "蕊蕙薏藜蘅虞裕诃诗诠谧赟轩轶迪逸遥邈郁郡酉钊钰钧铎铄铭锴镕镛阅雯霁霏霖霜静韵颀颉颐飏馥骐骞骥鸢鹏鹤黛霆喆珉琨鋆淏焜"
    # On a radiologist's page.
    "髋髂骶髌膝胫腓踝肱胛肋颌颞颧颅窦腮腭咽喉膀胱肾胰脾胆胃肠阑疝痔瘘痿癫痫瘤癌囊髓椎鞘骺骨腱腋脐腹膈纵隔冠钼靶胝"
)


@lru_cache(maxsize=1)
def common_hanzi() -> frozenset[str]:
    """Return the hanzi that texts and names are made of: level 1 of GB 2312 (rows 16 to 55), and some more."""
    level_1 = bytes(byte for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF) for byte in (row, cell))
    return frozenset(level_1.decode("gb2312", "ignore") + _BEYOND_LEVEL_1)
