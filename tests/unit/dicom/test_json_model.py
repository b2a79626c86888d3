"""PS3.18 Annex F: each value representation as JSON."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.json_model import Brief, Context, member
from calotype.dicom.part10 import scan
from calotype.dicom.uids import UID
from calotype.dicom.walk import Walk
from support import samples


def to_json(data, syntax=samples.EXPLICIT):
    return json.loads(scan(data, UID(syntax), data_bytes=len(data)).json())


def one(tag, vr, value, syntax=samples.EXPLICIT, charset="ISO_IR 192"):
    """The JSON of one element, written in ``syntax`` under a character set."""
    rows = [(0x00080005, "CS", charset), (tag, vr, value)]
    document = to_json(samples.encode(rows, syntax, samples.PYTHON_CODECS[charset]), syntax)
    return document[f"{tag:08X}"]


@pytest.mark.parametrize("syntax", [samples.EXPLICIT, samples.BIG_ENDIAN])
@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("AE", " STORE ", {"Value": ["STORE"]}),
        ("AS", "053Y", {"Value": ["053Y"]}),
        ("AT", [0x00100020, 0x7FE00010], {"Value": ["00100020", "7FE00010"]}),
        ("CS", "ORIGINAL\\PRIMARY", {"Value": ["ORIGINAL", "PRIMARY"]}),
        ("CS", "A\\\\B", {"Value": ["A", None, "B"]}),
        ("CS", "\\", {}),
        ("DA", "20240115", {"Value": ["20240115"]}),
        ("DS", "1.50\\-2\\+3.\\.5\\1e3", {"Value": [1.5, -2, 3.0, 0.5, 1000.0]}),
        ("DS", "1.5.2\\", {"Value": ["1.5.2", None]}),
        ("DS", " 0.5 ", {"Value": [0.5]}),
        ("DS", "1e999", {"Value": ["1e999"]}),
        ("DS", "nan", {"Value": ["nan"]}),
        ("DT", "20240115101500.5+0800", {"Value": ["20240115101500.5+0800"]}),
        ("FD", [0.1, -2.5], {"Value": [0.1, -2.5]}),
        ("FD", [float("nan"), float("inf"), float("-inf")], {"Value": ["NaN", "inf", "-inf"]}),
        ("FL", 0.5, {"Value": [0.5]}),
        ("IS", "007\\-3\\+4", {"Value": [7, -3, 4]}),
        ("IS", "1A", {"Value": ["1A"]}),
        ("IS", "12345678901234567890", {"Value": [12345678901234567890]}),
        ("LO", "王\\小东", {"Value": ["王", "小东"]}),
        ("LO", 'say "hi"\t', {"Value": ['say "hi"\t']}),
        ("LT", " line\\one\r\n ", {"Value": [" line\\one\r\n"]}),
        ("OB", b"\1\2\3\4", {"InlineBinary": "AQIDBA=="}),
        ("OW", b"\1\2\3\4", {"InlineBinary": "AQIDBA=="}),
        ("OF", b"\1\2\3\4", {"InlineBinary": "AQIDBA=="}),
        ("OD", bytes(range(8)), {"InlineBinary": "AAECAwQFBgc="}),
        ("PN", "Wang^XiaoDong=王^小东=", {"Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}]}),
        ("PN", "=王", {"Value": [{"Ideographic": "王"}]}),
        ("PN", "A\\\\=B=C", {"Value": [{"Alphabetic": "A"}, None, {"Ideographic": "B", "Phonetic": "C"}]}),
        ("SH", "", {}),
        ("SL", -5, {"Value": [-5]}),
        ("SS", [-5, 7], {"Value": [-5, 7]}),
        ("ST", "", {}),
        ("SV", -(2**60), {"Value": [str(-(2**60))]}),
        ("SV", -9, {"Value": [-9]}),
        ("TM", "101500.25", {"Value": ["101500.25"]}),
        ("UC", " a\\ b", {"Value": ["a", "b"]}),
        ("UC", " a", {"Value": [" a"]}),
        ("UI", "1.2.3", {"Value": ["1.2.3"]}),
        ("UL", [1, 2**32 - 1], {"Value": [1, 2**32 - 1]}),
        ("UN", b"\1\2", {"InlineBinary": "AQI="}),
        ("UR", "http://a/b\\c ", {"Value": ["http://a/b\\c"]}),
        ("US", [1, 65535], {"Value": [1, 65535]}),
        ("UT", "long", {"Value": ["long"]}),
        ("UV", 2**63, {"Value": [str(2**63)]}),
        ("US", b"", {}),
        ("SQ", [], {}),
        ("SQ", [[], [(0x00080100, "SH", "T")]], {"Value": [{}, {"00080100": {"vr": "SH", "Value": ["T"]}}]}),
    ],
)
def test_a_value_of_each_vr(vr, value, expected, syntax):
    assert one(0x00091001, vr, value, syntax) == {"vr": vr} | expected


def test_a_binary_value_with_a_rest_gives_its_whole_numbers():
    assert one(0x00091001, "UL", b"\1\0\0\0\2\0") == {"vr": "UL", "Value": [1]}


@pytest.mark.parametrize(("sign", "vr", "value"), [(0, "US", 65535), (1, "SS", -1)])
def test_us_or_ss_follows_pixel_representation(sign, vr, value):
    rows = [(0x00280103, "US", sign), (0x00280106, "US", 65535)]
    document = to_json(samples.encode(rows, samples.IMPLICIT), samples.IMPLICIT)
    assert document["00280106"] == {"vr": vr, "Value": [value]}


def test_us_or_ss_in_an_item_follows_the_items_own_pixel_representation():
    items = [[(0x00280103, "US", 1), (0x00280106, "US", 65535)], [(0x00280106, "US", 65535)]]
    data = samples.encode([(0x00280103, "US", 0), (0x52009229, "SQ", items)], samples.IMPLICIT)
    own, inherited = to_json(data, samples.IMPLICIT)["52009229"]["Value"]
    assert (own["00280106"]["Value"], inherited["00280106"]["Value"]) == ([-1], [65535])


@pytest.mark.parametrize(("tag", "vr"), [(0x60003000, "OW"), (0x00283006, "OW"), (0x54001010, "OW")])
def test_ob_or_ow_in_implicit_vr_is_ow(tag, vr):
    data = samples.encode([(tag, "OW", b"\1\2")], samples.IMPLICIT)
    assert to_json(data, samples.IMPLICIT)[f"{tag:08X}"] == {"vr": vr, "InlineBinary": "AQI="}


def test_bulk_is_a_relative_uri():
    rows = [
        (0x00091001, "OB", b"\0" * 1024),
        (0x00091002, "OB", b"\0" * 1026),
        (0x00091003, "SQ", [[], [(0x00091004, "UN", b"\0" * 2000)]]),
        (0x00091005, "UT", "x" * 2000),
        (0x7FE00010, "OW", b"\0\0"),
    ]
    document = to_json(samples.encode(rows))
    assert "InlineBinary" in document["00091001"]
    assert document["00091002"] == {"vr": "OB", "BulkDataURI": "00091002"}
    assert document["00091003"]["Value"][1] == {"00091004": {"vr": "UN", "BulkDataURI": "00091003/2/00091004"}}
    assert document["00091005"]["Value"] == ["x" * 2000]
    assert document["7FE00010"] == {"vr": "OW", "BulkDataURI": "7FE00010"}


def test_very_long_text_is_bulk_too():
    rows = [(0x00091005, "UT", "x" * 1_048_576), (0x00091006, "UT", "x" * 1_048_578)]
    document = to_json(samples.encode(rows))
    assert len(document["00091005"]["Value"][0]) == 1_048_576
    assert document["00091006"] == {"vr": "UT", "BulkDataURI": "00091006"}


def test_fragments_are_bulk_wherever_they_are():
    icon = [(0x7FE00010, "OB", samples.Fragments([b"ab"]))]
    rows = [(0x00091001, "OB", samples.Fragments([b"ab"])), (0x00880200, "SQ", samples.Undefined([icon]))]
    document = to_json(samples.encode(rows))
    assert document["00091001"] == {"vr": "OB", "BulkDataURI": "00091001"}
    assert document["00880200"]["Value"] == [{"7FE00010": {"vr": "OB", "BulkDataURI": "00880200/1/7FE00010"}}]


def test_what_has_no_place_in_the_document_is_left_out():
    rows = [(0x00080000, "UL", 10), (0x00080060, "CS", "CT"), (0xFFFCFFFC, "OB", b"\0" * 10)]
    assert to_json(samples.encode(rows)) == {"00080060": {"vr": "CS", "Value": ["CT"]}}


@pytest.mark.parametrize("charset", ["GB18030", "ISO_IR 192", "ISO_IR 100"])
def test_the_document_says_that_it_is_utf_8(charset):
    codec = samples.PYTHON_CODECS[charset]
    data = samples.encode([(0x00080005, "CS", charset), (0x00100020, "LO", "P")], codec=codec)
    assert to_json(data)["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}


def test_the_document_says_so_too_where_the_data_set_does_not():
    data = samples.encode([(0x00080001, "UL", 1), (0x00080016, "UI", "1.2"), (0x00100010, "PN", b"J\xe9 ")])
    document = to_json(data)
    assert list(document) == ["00080001", "00080005", "00080016", "00100010"]
    assert document["00100010"]["Value"] == [{"Alphabetic": "Jé"}]


def test_items_have_their_own_character_set():
    nested = struct.pack("<HH", 0x0008, 0x0005) + b"CS\x08\0GB18030 " + b"\x10\0\x10\0PN\2\0\xcd\xf5"
    inherited = b"\x10\0\x10\0PN\2\0J\xe9"
    items = b"".join(samples.header(0xFFFEE000, "", len(item)) + item for item in (nested, inherited))
    data = samples.encode([(0x00080005, "CS", "ISO_IR 100")]) + samples.header(0x00081120, "SQ", len(items)) + items
    first, second = to_json(data)["00081120"]["Value"]
    assert first["00100010"]["Value"] == [{"Alphabetic": "王"}]
    assert first["00080005"]["Value"] == ["ISO_IR 192"]
    assert second["00100010"]["Value"] == [{"Alphabetic": "Jé"}]


def test_equal_bytes_mean_other_things_under_other_character_sets():
    name = [(0x00100010, "PN", b"\xcd\xf5\xd0\xa1")]
    chinese = samples.encode([(0x00080005, "CS", "GB18030"), *name])
    korean = samples.encode([(0x00080005, "CS", "ISO 2022 IR 149"), *name])
    for _ in range(2):
        assert to_json(chinese)["00100010"]["Value"] == [{"Alphabetic": "王小"}]
        assert to_json(korean)["00100010"]["Value"] == [{"Alphabetic": "珙鬼"}]


def test_every_syntax_gives_the_same_document():
    native = to_json(samples.ct(8, 8))
    assert to_json(samples.ct(8, 8, syntax=samples.BIG_ENDIAN), samples.BIG_ENDIAN) == native
    assert to_json(samples.ct(8, 8, syntax=samples.DEFLATED), samples.DEFLATED) == native
    implicit = to_json(samples.ct(8, 8, syntax=samples.IMPLICIT), samples.IMPLICIT)
    private = {tag for tag in native if int(tag[:4], 16) % 2 and not tag.endswith("0010")}
    assert {tag: value for tag, value in implicit.items() if tag not in private} == {
        tag: value for tag, value in native.items() if tag not in private
    }
    assert {implicit[tag]["vr"] for tag in private} == {"UN"}


def test_documents_do_not_depend_on_what_came_before():
    first = to_json(samples.ct(8, 8, seed=1))
    for seed in range(2, 30):
        to_json(samples.ct(8, 8, seed=seed))
    assert to_json(samples.ct(8, 8, seed=1)) == first


_VALUES = st.one_of(
    st.binary(max_size=24),
    st.text("09.+-eE \\", max_size=24).map(str.encode),
    st.text('aZ~ \\"^=\t\0\x1b\x7f', max_size=24).map(str.encode),
)


@given(
    st.sampled_from([0x00080018, 0x00100010, 0x00200032, 0x00080000, 0x00080005, 0x7FE00010]),
    st.sampled_from(["AE", "CS", "DA", "DS", "IS", "LO", "LT", "PN", "SH", "TM", "UC", "UI", "UN", "US"]),
    _VALUES,
    st.sampled_from([("ISO_IR 6",), ("ISO_IR 192",), ("ISO 2022 IR 6", "ISO 2022 IR 87"), ("ISO_IR 13",)]),
)
def test_what_is_written_in_brief_is_the_same(tag, vr, value, charsets):
    walk = Walk(value, len(value), explicit=True, little=True)
    token = (tag, vr, 0, 0, len(value))
    context = Context(charsets, little=True, signed=False)
    assert Brief(tag, vr).member(walk, token, context) == member(walk, token, context).encode("utf-8", "replace")
