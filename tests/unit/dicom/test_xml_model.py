"""PS3.19 Annex A.1: the Native DICOM Model, made of DICOM JSON; read back with a parser that is not ours."""

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.part10 import scan
from calotype.dicom.uids import UID
from calotype.dicom.walk import MAX_DEPTH
from calotype.dicom.xml_model import NAMESPACE, native_model
from support import samples

IN_XML = "{" + NAMESPACE + "}"


def read(document):
    root = ET.fromstring(document)
    assert root.tag == IN_XML + "NativeDicomModel"
    return root


def attributes(document):
    """Each attribute's XML attributes, and its children as (name, XML attributes, text)."""
    return [
        (dict(each.attrib), [(child.tag.removeprefix(IN_XML), dict(child.attrib), child.text) for child in each])
        for each in read(document)
    ]


def one(attribute, tag="00080060"):
    return attributes(native_model({tag: attribute}))[0]


def test_the_document_declares_encoding_namespace_and_that_space_counts():
    assert native_model({}) == (
        b'<?xml version="1.0" encoding="UTF-8"?>'
        b'<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">'
        b"</NativeDicomModel>"
    )


def test_values_are_numbered_and_empty_ones_stay():
    # PS3.19 Table A.1.5-2: "MPG\\XR3" with an empty value in the middle.
    assert one({"vr": "CS", "Value": ["MPG", None, "XR3"]}) == (
        {"tag": "00080060", "vr": "CS", "keyword": "Modality"},
        [("Value", {"number": "1"}, "MPG"), ("Value", {"number": "2"}, None), ("Value", {"number": "3"}, "XR3")],
    )


def test_an_attribute_without_value_has_no_content():
    assert one({"vr": "CS"}) == ({"tag": "00080060", "vr": "CS", "keyword": "Modality"}, [])


@pytest.mark.parametrize(
    ("json_text", "values"),
    [
        ('"Value":[1.50,-2,1e-7]', ["1.50", "-2", "1e-7"]),
        ('"Value":[12345678901234567890]', ["12345678901234567890"]),
        ('"Value":["NaN"]', ["NaN"]),
    ],
)
def test_numbers_keep_the_digits_that_their_json_has(json_text, values):
    (_, found), *_ = attributes(native_model(f'{{"00101020":{{"vr":"DS",{json_text}}}}}'))
    assert [text for _, _, text in found] == values


def test_a_json_object_that_was_read_writes_its_numbers():
    assert [text for _, _, text in one({"vr": "FD", "Value": [0.1, 3, 1e-07]})[1]] == ["0.1", "3", "1e-07"]


def test_tags_of_at_stand_as_eight_digits():
    assert [text for _, _, text in one({"vr": "AT", "Value": ["7FE00010"]}, "00081190")[1]] == ["7FE00010"]


def test_inline_and_bulk_data():
    assert one({"vr": "OB", "InlineBinary": "AQI="}, "00420011")[1] == [("InlineBinary", {}, "AQI=")]
    assert one({"vr": "OW", "BulkDataURI": "http://h/a?b&c"}, "7FE00010")[1] == [
        ("BulkData", {"uri": "http://h/a?b&c"}, None)
    ]


def test_names_are_taken_apart_into_groups_and_components():
    value = [{"Alphabetic": "Wang^XiaoDong^^Dr.", "Ideographic": "王^小东"}, None, {"Phonetic": "a^b^c^d^e^f"}]
    name = read(native_model({"00100010": {"vr": "PN", "Value": value}}))[0]
    assert [
        [
            (group.tag.removeprefix(IN_XML), {part.tag.removeprefix(IN_XML): part.text for part in group})
            for group in each
        ]
        for each in name
    ] == [
        [
            ("Alphabetic", {"FamilyName": "Wang", "GivenName": "XiaoDong", "NamePrefix": "Dr."}),
            ("Ideographic", {"FamilyName": "王", "GivenName": "小东"}),
        ],
        [],
        [
            (
                "Phonetic",
                {"FamilyName": "a", "GivenName": "b", "MiddleName": "c", "NamePrefix": "d", "NameSuffix": "e^f"},
            )
        ],
    ]
    assert [each.attrib for each in name] == [{"number": "1"}, {"number": "2"}, {"number": "3"}]


def test_a_private_element_names_its_creator_and_not_its_block():
    found = attributes(
        native_model(
            {
                "00090010": {"vr": "LO", "Value": ["ACME <1>"]},
                "00091001": {"vr": "SH", "Value": ["x"]},
                "00091101": {"vr": "SH", "Value": ["whose?"]},
            }
        )
    )
    assert [head for head, _ in found] == [
        {"tag": "00090010", "vr": "LO"},
        {"tag": "00090001", "vr": "SH", "privateCreator": "ACME <1>"},
        {"tag": "00091101", "vr": "SH"},
    ]


def test_an_item_has_private_creators_of_its_own():
    item = {"00090011": {"vr": "LO", "Value": ["INNER"]}, "00091101": {"vr": "SH", "Value": ["x"]}}
    root = read(
        native_model({"00090010": {"vr": "LO", "Value": ["OUTER"]}, "00400275": {"vr": "SQ", "Value": [item, {}]}})
    )
    first, second = root[1]
    assert (first.attrib, [each.attrib.get("privateCreator") for each in first]) == ({"number": "1"}, [None, "INNER"])
    assert (second.attrib, len(second)) == ({"number": "2"}, 0)


def test_items_are_followed_as_deep_as_data_sets_are_walked():
    data_set = {"00080060": {"vr": "CS", "Value": ["deep"]}}
    for _ in range(MAX_DEPTH + 1):
        data_set = {"00400275": {"vr": "SQ", "Value": [data_set]}}
    document = native_model(data_set)
    assert document.count(b"<Item ") == MAX_DEPTH + 1
    assert b"deep" not in document


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ('00080060"><x', {"vr": "CS", "Value": ["CT"]}),
        ("00080060\n", {"vr": "CS", "Value": ["CT"]}),
        ("Modality", {"vr": "CS", "Value": ["CT"]}),
        ("00080060", "CT"),
    ],
)
def test_a_member_that_is_no_attribute_is_left_out(name, attribute):
    assert attributes(native_model({name: attribute})) == []


def test_a_vr_that_is_none_is_unknown():
    assert one({"vr": '"/>', "Value": ["x"]})[0]["vr"] == "UN"


@pytest.mark.parametrize("text", ["[]", "1", '"x"'])
def test_text_that_is_no_object_is_refused(text):
    with pytest.raises(ValueError, match="object"):
        native_model(text)


HOSTILE = st.text(st.characters(codec=None)) | st.sampled_from(
    ["]]>", "<!--", "&amp;", '"', "\r\n", "\0", "\ud800", "\uffff"]
)


def allowed(text):
    """What XML 1.0 can say of a text; U+FFFD for what it cannot."""
    return "".join(
        char
        if char in "\t\n\r" or "\x20" <= char < "\ud800" or "\ue000" <= char < "\ufffe" or char > "\uffff"
        else "\ufffd"
        for char in text
    )


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_text_comes_back_as_it_was(text, uri, creator):
    document = native_model(
        {
            "00081030": {"vr": "LO", "Value": [text]},
            "00090010": {"vr": "LO", "Value": [creator]},
            "00091001": {"vr": "OB", "BulkDataURI": uri},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": text}]},
        }
    )
    description, _, private, name = read(document)
    assert (description[0].text or "") == allowed(text)
    assert private.attrib.get("privateCreator", "") == allowed(creator)
    assert private[0].attrib["uri"] == allowed(uri)
    assert "^".join(part.text for group in name[0] for part in group) == "^".join(
        filter(None, allowed(text).split("^", 4))
    )


def test_a_stored_header_as_it_is_kept():
    raw = samples.encode(
        [(0x00080005, "CS", "ISO_IR 192"), (0x00100010, "PN", "Wang^A=王"), (0x00101030, "DS", "70.50")]
    )
    header = scan(raw, UID(samples.EXPLICIT), data_bytes=len(raw)).json()
    assert [(head["keyword"], len(found)) for head, found in attributes(native_model(header))] == [
        ("SpecificCharacterSet", 1),
        ("PatientName", 1),
        ("PatientWeight", 1),
    ]
    assert native_model(header).decode() == native_model(json.loads(header)).decode().replace(">70.5<", ">70.50<")
