import pytest

from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import InvalidRequest
from calotype.scu.keys import decode_keys, decode_nested, encode_keys, encode_nested, tag_of


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
@pytest.mark.parametrize(
    "keys",
    [
        {"PatientID": "4711", "StudyDate": "20260101-20261231"},
        {"Rows": "512", "NumberOfFrames": "3"},
        {"PixelSpacing": "0.5\\0.5"},
        {"RedPaletteColorLookupTableDescriptor": "256\\0\\16"},
        {"FrameIncrementPointer": "0018,1063\\0018,1065"},
        {"RecommendedDisplayFrameRateInFloat": "12.5"},
    ],
)
def test_keys_come_back_as_they_went(keys, syntax):
    assert decode_keys(encode_keys(keys, syntax), syntax) == keys


def test_keys_are_written_in_the_order_of_tags():
    assert encode_keys({"PatientID": "1", "StudyDate": ""}, EXPLICIT_VR_LITTLE_ENDIAN) == bytes.fromhex(
        "08 00 20 00 44 41 00 00"  # (0008,0020) DA, empty
        "10 00 20 00 4C 4F 02 00 31 20"  # (0010,0020) LO "1 "
    )


def test_keys_beyond_ascii_go_as_utf_8_and_say_so():
    data = encode_keys({"PatientName": "张^三"}, EXPLICIT_VR_LITTLE_ENDIAN)
    assert data.startswith(bytes.fromhex("08 00 05 00 43 53 0A 00") + b"ISO_IR 192")
    assert decode_keys(data, EXPLICIT_VR_LITTLE_ENDIAN)["PatientName"] == "张^三"


def test_answers_are_read_in_their_own_character_set():
    elements = [
        Element(0x00080005, "CS", b"GB18030"),
        Element(0x00100010, "PN", "张^三".encode("gb18030")),
    ]
    data = encode(elements, EXPLICIT_VR_LITTLE_ENDIAN)
    assert decode_keys(data, EXPLICIT_VR_LITTLE_ENDIAN) == {"SpecificCharacterSet": "GB18030", "PatientName": "张^三"}


def test_answers_leave_out_sequences_and_bulk():
    elements = [
        Element(0x00081110, "SQ", ((Element(0x00081150, "UI", b"1.2\0"),),)),
        Element(0x00091001, "UN", b"\1\2\3\4"),
        Element(0x00100020, "LO", b"4711"),
    ]
    assert decode_keys(encode(elements, EXPLICIT_VR_LITTLE_ENDIAN), EXPLICIT_VR_LITTLE_ENDIAN) == {
        "PatientID": "4711"
    }


def test_answers_name_private_text_by_its_tag():
    data = encode([Element(0x00091001, "LO", b"private ")], EXPLICIT_VR_LITTLE_ENDIAN)
    assert decode_keys(data, EXPLICIT_VR_LITTLE_ENDIAN) == {"0009,1001": "private"}


def test_a_number_cut_short_is_left_out_of_an_answer():
    data = encode([Element(0x00280010, "US", b"\0\2\7\0")], EXPLICIT_VR_LITTLE_ENDIAN)
    assert decode_keys(data, EXPLICIT_VR_LITTLE_ENDIAN) == {"Rows": "512\\7"}


@pytest.mark.parametrize("key", ["PatientID", "0010,0020", "(0010,0020)", "00100020"])
def test_a_key_is_named_by_keyword_or_tag(key):
    assert tag_of(key) == 0x00100020


@pytest.mark.parametrize("key", ["", "PatientNme", "0010,002", "0010:0020"])
def test_a_key_that_is_no_attribute_is_refused(key):
    with pytest.raises(InvalidRequest, match="is no attribute"):
        tag_of(key)


def test_a_key_of_bytes_cannot_be_asked_for_by_value():
    with pytest.raises(InvalidRequest, match="cannot be asked for by value"):
        encode_keys({"EncapsulatedDocument": "x"}, EXPLICIT_VR_LITTLE_ENDIAN)


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
def test_nested_keys_come_back_as_they_went(syntax):
    keys = {
        "PatientName": "王^小东",
        "ScheduledProcedureStepSequence": [
            {"Modality": "CT", "ScheduledProtocolCodeSequence": [{"CodeMeaning": "胸部"}]},
        ],
    }
    decoded = decode_nested(encode_nested(keys, syntax), syntax)
    assert decoded.pop("SpecificCharacterSet") == "ISO_IR 192"
    assert decoded == keys


def test_a_sequence_without_keys_is_asked_for_as_a_whole():
    for empty in ("", [], [{}]):
        encoded = encode_nested({"ScheduledProcedureStepSequence": empty}, EXPLICIT_VR_LITTLE_ENDIAN)
        assert decode_nested(encoded, EXPLICIT_VR_LITTLE_ENDIAN) == {"ScheduledProcedureStepSequence": [{}]}


def nested(depth):
    return {"ScheduledProcedureStepSequence": [nested(depth - 1)]} if depth else {}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"ScheduledProcedureStepSequence": [{}, {}]}, "a list of one object"),
        ({"ScheduledProcedureStepSequence": [7]}, "a list of one object"),
        ({"ScheduledProcedureStepSequence": {"Modality": "CT"}}, "a list of one object"),
        ({"ScheduledProcedureStepSequence": "CT"}, "ask for it with an empty value"),
        ({"PatientID": 7}, "must be text"),
        ({"PatientID": [{}]}, "must be text"),
        ({"PatientIdentity": ""}, "no attribute"),
        (nested(9), "More than 8 sequences"),
        (nested(500), "More than 8 sequences"),
    ],
)
def test_nested_keys_that_make_no_sense_are_told(keys, words):
    with pytest.raises(InvalidRequest, match=words):
        encode_nested(keys, EXPLICIT_VR_LITTLE_ENDIAN)


@pytest.mark.parametrize(
    ("character_set", "name", "stated", "raw"),
    [
        ("GB18030", "张^三", "GB18030", "张^三".encode("gb18030")),
        ("ISO_IR 100", "Müller", "ISO_IR 100", b"M\xfcller"),
        # what it does not carry goes as UTF-8
        ("ISO_IR 100", "张^三", "ISO_IR 192", "张^三".encode()),
        # and it is said in any case, for the answers
        ("GB18030", "Zhang*", "GB18030", b"Zhang*"),
        ("\\ISO 2022 IR 58", "Zhang*", "\\ISO 2022 IR 58", b"Zhang*"),
        ("", "Zhang*", None, b"Zhang*"),
    ],
)
@pytest.mark.parametrize("encoder", [encode_keys, encode_nested])
def test_keys_are_written_in_the_character_set_of_the_node(encoder, character_set, name, stated, raw):
    identifier = encoder({"PatientName": name}, EXPLICIT_VR_LITTLE_ENDIAN, character_set)
    elements = {each.tag: each.raw for each in decode(identifier, EXPLICIT_VR_LITTLE_ENDIAN)}
    assert elements[0x00100010].strip(b" ") == raw
    assert stated == (elements[0x00080005].decode().strip() if 0x00080005 in elements else None)
