from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.datasets import Element
from calotype.dicom.query import header
from calotype.dicom.query.answers import as_elements, from_header, from_text
from calotype.dicom.query.header import HeaderAttributes, text_of
from calotype.dicom.query.identifier import Requested
from calotype.dicom.query.matching import holds
from calotype.dicom.query.model import Empty, Exact, InSequence, Wildcard
from calotype.dicom.replies import Reply

UTF_8 = Reply(("ISO_IR 192",))


def written(asked: Requested, json: str) -> Element:
    [element] = as_elements([from_header(asked, json)], UTF_8)
    return element


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ({"vr": "LO", "Value": ["a", None, "c"]}, "a\\\\c"),
        ({"vr": "DS", "Value": [1.5, "1e400"]}, "1.5\\1e400"),
        ({"vr": "PN", "Value": [{"Alphabetic": "Yamada", "Phonetic": "やまだ"}, None]}, "Yamada==やまだ\\"),
        ({"vr": "UN", "InlineBinary": "cHJpdmF0ZSA="}, "private"),
        ({"vr": "UN", "InlineBinary": "/w=="}, ""),
        ({"vr": "OB", "InlineBinary": "YQ=="}, ""),
        ({"vr": "UN", "InlineBinary": "no base64"}, ""),
        ({"vr": "OW", "BulkDataURI": "7FE00010"}, ""),
        ({"vr": "LO"}, ""),
    ],
)
def test_a_value_is_read_as_dicom_text(attribute: dict[str, object], text: str) -> None:
    assert text_of(attribute) == text


def test_attributes_are_known_by_the_names_of_a_query() -> None:
    held = HeaderAttributes(
        {
            "00180050": {"vr": "DS", "Value": [1.5]},
            "00091001": {"vr": "LO", "Value": ["x"]},
            "00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["S1"]}}, {}]},
        }
    )
    assert list(held) == ["SliceThickness", "00091001", "RequestAttributesSequence"]
    assert len(held) == 3
    assert holds(Wildcard("00091001", "?"), held)
    assert holds(InSequence("RequestAttributesSequence", (Exact("ScheduledProcedureStepID", "S1"),)), held)
    assert holds(InSequence("RequestAttributesSequence", (Empty("ScheduledProcedureStepID"),)), held)
    assert holds(Empty("ContentLabel"), held)
    assert not holds(Exact("SliceThickness", "2"), held)


@pytest.mark.parametrize(
    ("json", "vr", "raw"),
    [
        ('{"vr":"US","Value":[512,2]}', "US", b"\0\2\2\0"),
        ('{"vr":"US","Value":[70000]}', "US", b""),
        ('{"vr":"FL","Value":[0.5,"NaN"]}', "FL", b"\0\0\0\x3f\0\0\xc0\x7f"),
        ('{"vr":"AT","Value":["00200010"]}', "AT", b"\x20\0\x10\0"),
        ('{"vr":"AT","Value":["x"]}', "AT", b""),
        ('{"vr":"UN","InlineBinary":"AQI="}', "UN", b"\1\2"),
        ('{"vr":"OW","BulkDataURI":"7FE00010"}', "OW", b""),
        ('{"vr":"LO","Value":["胸部"]}', "LO", "胸部".encode()),
        ("", "LO", b""),
    ],
)
def test_an_attribute_of_the_header_is_written_as_an_element(json: str, vr: str, raw: bytes) -> None:
    assert written(Requested(0x00091001, "LO", "00091001", in_header=True), json) == Element(0x00091001, vr, raw)


def test_what_its_vr_has_no_length_for_is_left_out() -> None:
    [element] = as_elements([from_text(0x00081030, "LO", "x" * 70_000)], UTF_8)
    assert element == Element(0x00081030, "LO", b"")


def test_sequences_are_written_no_deeper_than_they_are_read() -> None:
    json = '{"vr":"LO","Value":["x"]}'
    for _ in range(100):
        json = f'{{"vr":"SQ","Value":[{{"00400275":{json}}}]}}'
    element = written(Requested(0x00400275, "SQ", "RequestAttributesSequence", in_header=True), json)
    depth = 0
    while element.items and element.items[0]:
        element, depth = element.items[0][0], depth + 1
    assert depth == 32


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["vr", "Value", "00080100"]), inner),
    max_leaves=10,
)
VRS = st.sampled_from(["SQ", "PN", "LO", "DS", "US", "FD", "AT", "UN", "OB", "ZZ"])


@given(st.fixed_dictionaries({"vr": VRS}, optional={"Value": ANYTHING, "InlineBinary": ANYTHING}))
def test_nothing_that_a_header_may_hold_stops_an_answer(attribute: dict[str, object]) -> None:
    json = orjson.dumps(attribute, option=orjson.OPT_NON_STR_KEYS).decode()
    asked = Requested(0x00091001, "LO", "00091001", in_header=True, inner=(Requested(0x00080100, "SH"),))
    assert written(asked, json).tag == written(replace(asked, inner=()), json).tag == 0x00091001
    held = HeaderAttributes({"00091001": attribute})
    assert holds(Wildcard("00091001", "*"), held) in (True, False)


@pytest.mark.parametrize("json", ["", "[]", "7", "{", '{"a":'])
def test_what_is_no_object_is_empty(json: str) -> None:
    assert header.read(json) == {}
