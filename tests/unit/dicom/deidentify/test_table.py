"""Every row of PS3.15 Table E.1-1, under the Basic Profile and each option: what the table says is what happens."""

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from calotype.dicom import dictionary
from calotype.dicom.deidentify.options import Option
from calotype.dicom.deidentify.table import Action, rule_of, rules, safe_private, type_of
from calotype.dicom.hierarchy import UID
from support.identities import CT, EMPTYING, ct, data_set, deidentified, item, read

ROWS = {int(name, 16): rule for name, rule in rules().items() if name != "private" and "x" not in name}
DATA_SET_ROWS = {tag: rule for tag, rule in ROWS.items() if tag >> 16 >= 0x0008}

ORIGINALS = {
    "AE": "ORIGAE", "AS": "044Y", "CS": "ORIGCODE", "DA": "20210203", "DS": "12.5", "DT": "20210203040506",
    "IS": "77", "LO": "orig long", "LT": "orig text", "PN": "Persona^Nomen", "SH": "orig short", "ST": "orig text",
    "TM": "040506", "UC": "orig uc", "UI": "1.2.826.0.1.3680043.9.7.7", "UR": "http://orig.example",
    "UT": "orig text", "FD": 1.5, "FL": 1.5, "OB": b"orig", "OW": b"orig", "SL": 7, "SS": 7, "UL": 7,
    "UN": b"orig", "US": 7,
}  # fmt: skip


def original(tag):
    vr = dictionary_VR(tag).split(" ")[0]
    if vr == "SQ":
        inner = item(CodeMeaning="inner meaning", ReferencedSOPInstanceUID="1.2.826.0.1.3680043.9.7.8")
        return DataElement(tag, "SQ", Sequence([inner]))
    value = ORIGINALS[vr]
    # No two of them say the same: what one option keeps and another row removes would be found.
    if vr == "SH":
        value = "+0100" if tag == 0x00080201 else f"or {tag:08x}"
    return DataElement(tag, vr, f"{value} {tag:08x}" if vr in {"LO", "LT", "PN", "ST", "UC", "UT"} else value)


@pytest.fixture(scope="module")
def everything():
    """A CT image with every attribute of the table that a data set can hold."""
    made = ct()
    for tag in DATA_SET_ROWS:
        made[tag] = original(tag)
    made.PatientName, made.PatientID = "Persona^Nomen", "ORIG-4711"
    made.SOPClassUID, made.Modality = CT, "CT"
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    return made


def test_table_has_every_row_of_the_standard():
    assert len(rules()) == 621
    assert {rule.basic for rule in rules().values()} == {
        "X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*",
    }  # fmt: skip
    assert rule_of(0x00291010) == rules()["private"]
    assert rule_of(0x60023000) == rules()["60xx3000"]
    assert rule_of(0x50041234) == rules()["50xxxxxx"]
    assert rule_of(0x00280010) is None


@pytest.mark.parametrize(
    ("basic", "attribute_type", "action"),
    [
        ("X/Z", 3, Action.REMOVE),
        ("X/Z", 2, Action.EMPTY),
        ("X/Z", None, Action.EMPTY),
        ("X/D", 3, Action.REMOVE),
        ("X/D", 1, Action.DUMMY),
        ("X/D", None, Action.DUMMY),
        ("Z/D", 2, Action.EMPTY),
        ("Z/D", 1, Action.DUMMY),
        ("X/Z/D", 3, Action.REMOVE),
        ("X/Z/D", 2, Action.EMPTY),
        ("X/Z/D", 1, Action.DUMMY),
        ("X/Z/D", None, Action.DUMMY),
        ("X/Z/U*", 3, Action.REMOVE),
        ("X/Z/U*", 2, Action.MAP_UIDS),
        ("X/Z/U*", 1, Action.MAP_UIDS),
        ("X/Z/U*", None, Action.MAP_UIDS),
    ],
)
def test_type_decides_combined_actions(basic, attribute_type, action):
    rule = next(rule for rule in rules().values() if rule.basic == basic)
    assert rule.resolved(attribute_type) is action


def test_types_come_from_the_iods():
    content_date, protocol_name = 0x00080023, 0x00181030
    assert type_of(content_date, UID(CT), None) == 2
    assert type_of(content_date, UID("1.2.840.10008.5.1.4.1.1.88.11"), None) == 1
    assert type_of(protocol_name, UID(CT), None) == 3
    assert type_of(protocol_name, UID("1.2.3.4"), None) is None
    assert type_of(0x00080018 + 1, UID(CT), 0x00081140) is None


def test_safe_private_attributes_are_those_of_numbers():
    assert ("SIEMENS MR HEADER", 0x0019, 0x0C) in safe_private()
    assert ("SIEMENS Ultrasound SC2000", 0x0119, 0x00) not in safe_private()


def check(made, tag, action, found):
    """Hold one attribute of the result against the action."""
    element = found.get(tag)
    old = made[tag]
    match action:
        case Action.REMOVE:
            assert element is None
        case Action.EMPTY:
            assert element is not None
            assert not element.value
        case Action.KEEP:
            assert element is not None
            if element.VR != "SQ":
                assert element.value == old.value
        case Action.MAP_UIDS if element is not None and element.VR == "SQ":
            assert element[0].ReferencedSOPInstanceUID.startswith("2.25.")
        case Action.MAP_UIDS:
            assert element.value.startswith("2.25.")
        case Action.DUMMY:
            assert element is not None
            assert element.value
            assert element.VR == "SQ" or element.value != old.value
        case Action.CLEAN if element is not None:
            # Dates move; of texts, nothing here identifies anybody, and sequences are looked into elsewhere.
            assert element.value != old.value or element.VR not in {"DA", "DT"}


SPECIAL = {0x00100010, 0x00100020, 0x00700001, 0x0040A073}
"""Name and ID become the pseudonym; the annotations here hold no text object, so nothing of them can stay."""


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian], ids=["explicit", "implicit"])
def test_basic_profile_does_what_each_row_says(everything, syntax):
    out, _ = deidentified(data_set(everything, syntax=syntax), policy=EMPTYING, syntax=syntax)
    found = read(out, syntax)
    for tag, rule in DATA_SET_ROWS.items():
        if tag in SPECIAL:
            continue
        action = rule.resolved(type_of(tag, UID(CT), None) if "/" in rule.basic else None)
        try:
            check(everything, tag, action, found)
        except AssertionError as error:
            raise AssertionError(f"{tag:08X} {keyword_for_tag(tag)} {rule.basic}: {found.get(tag)}") from error
    assert str(found.PatientName).startswith("Anonymous^ANON-")
    assert found.PatientID.startswith("ANON-")


OPTIONS_OF_ROWS = [option for option in Option if any(option in rule.options for rule in rules().values())]


@pytest.mark.parametrize("option", OPTIONS_OF_ROWS)
def test_option_does_what_each_row_says(everything, option):
    out, _ = deidentified(data_set(everything), option, policy=EMPTYING)
    found = read(out)
    for tag, rule in DATA_SET_ROWS.items():
        if tag in SPECIAL:
            continue
        chosen = rule.options.get(option)
        action = chosen or rule.resolved(type_of(tag, UID(CT), None) if "/" in rule.basic else None)
        try:
            check(everything, tag, action, found)
        except AssertionError as error:
            raise AssertionError(f"{tag:08X} {keyword_for_tag(tag)} {action}: {found.get(tag)}") from error


def test_every_dummy_is_valid_for_its_vr(everything):
    out, _ = deidentified(data_set(everything), policy=EMPTYING)
    found = read(out)
    for element in found.iterall():
        assert dictionary.lookup(int(element.tag)) is not None
        assert dictionary_VR(element.tag).split(" ")[0] == element.VR or element.VR in dictionary_VR(element.tag)
    assert isinstance(found, Dataset)


def test_cleaning_wins_over_keeping():
    calibrated = 0x00181200
    rule = rule_of(calibrated)
    assert rule.chosen(frozenset({Option.RETAIN_DEVICE_IDENTITY})) is Action.KEEP
    both = frozenset({Option.RETAIN_DEVICE_IDENTITY, Option.RETAIN_MODIFIED_DATES})
    assert rule.chosen(both) is Action.CLEAN
