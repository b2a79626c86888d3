"""What a data set shows of its character sets, and how it is read in other sets than it declares."""

import json

import pytest

from calotype.dicom.evidence import MAX_VALUES, NOTHING, united
from calotype.dicom.indexed import Oddity
from calotype.dicom.part10 import scan
from calotype.dicom.repair import Reading, judge_study
from calotype.dicom.templates import Templates
from support import samples

LATIN, GB = ("ISO_IR 100",), ("GB18030",)
NAME, PLACE = "王^小东".encode("gbk"), "第一人民医院".encode("gbk")


def misdeclared(seed=1, changes=None):
    """A slice in GBK that says it is in Latin-1."""
    changes = {0x00080005: ("CS", "ISO_IR 100"), 0x00100010: ("PN", NAME), **(changes or {})}
    return samples.ct(8, 8, seed=seed, charset="GBK", study_uid="1.2.3", series_uid="1.2.3.4", changes=changes)


def read(data, **how):
    return scan(data, samples.EXPLICIT, data_bytes=len(data), **how)


def test_values_with_high_bytes_are_evidence_and_others_are_none():
    found = read(misdeclared()).evidence()
    assert found >= {(LATIN, NAME), (LATIN, PLACE)}
    assert not any(value.isascii() for _, value in found)
    assert read(samples.encode([(0x00080005, "CS", "ISO_IR 100"), (0x00100010, "PN", "A^B")])).evidence() == NOTHING


def test_values_with_escape_sequences_are_none():
    data = samples.encode([(0x00080005, "CS", ""), (0x00100010, "PN", b"\x1b$)A\xd5\xc5 ")])
    assert read(data).evidence() == NOTHING


def test_items_are_evidence_in_their_own_set():
    item = [(0x00080005, "CS", "ISO_IR 192"), (0x00080104, "LO", NAME)]
    data = samples.encode([(0x00080005, "CS", "ISO_IR 100"), (0x00081032, "SQ", [item, [(0x00080104, "LO", PLACE)]])])
    assert read(data).evidence() == {(("ISO_IR 192",), NAME), (LATIN, PLACE)}


def test_a_header_in_another_reading():
    header = read(misdeclared(), reading=Reading(((LATIN, GB),)))
    assert header.attributes["PatientName"] == "王^小东"
    assert header.attributes["InstitutionName"] == "第一人民医院"
    assert Oddity.BAD_TEXT not in header.oddities
    assert json.loads(header.json())["00100010"]["Value"] == [{"Alphabetic": "王^小东"}]


def test_items_are_read_by_their_own_declaration():
    item = [(0x00080005, "CS", "ISO_IR 100"), (0x00080104, "LO", PLACE)]
    data = samples.encode([(0x00080005, "CS", "GB18030"), (0x00100010, "PN", NAME), (0x00081032, "SQ", [item])])
    for reading, expected in ((Reading(((LATIN, GB),)), "第一人民医院"), (None, PLACE.decode("latin-1"))):
        document = json.loads(read(data, reading=reading).json())
        assert document["00081032"]["Value"][0]["00080104"]["Value"] == [expected]
        assert document["00100010"]["Value"] == [{"Alphabetic": "王^小东"}]


@pytest.mark.parametrize("reading", [None, Reading(((LATIN, GB),)), Reading(override=("ISO_IR 144",))])
def test_templates_change_nothing_of_evidence_and_readings(reading):
    templates = Templates()
    for seed in range(1, 8):
        data = misdeclared(seed, {} if seed < 6 else {0x00204000: ("LT", b"\xb6\xc7 ")})
        by_template = read(data, templates=templates, reading=reading)
        walked = read(data, templates=None, reading=reading)
        assert by_template.attributes == walked.attributes
        assert by_template.json() == walked.json()
        assert by_template.evidence() == walked.evidence()


def test_one_series_read_in_two_ways_at_a_time():
    templates = Templates()
    for seed in range(1, 6):
        data = misdeclared(seed)
        for reading, name in ((None, NAME.decode("latin-1")), (Reading(((LATIN, GB),)), "王^小东")):
            assert read(data, templates=templates, reading=reading).attributes["PatientName"] == name


def test_evidence_is_bounded():
    values = [(0x00090000 + 0x1000 + at, "LO", b"\xd5\xc5" * (at + 1)) for at in range(100)]
    data = samples.encode([(0x00080005, "CS", "ISO_IR 100"), (0x00090010, "LO", "X"), *values])
    found = read(data).evidence()
    assert len(found) == MAX_VALUES
    assert united(found, frozenset({(LATIN, b"\xff")})) is found


def test_long_values_are_passed_over():
    data = samples.encode([(0x00080005, "CS", "ISO_IR 100"), (0x00104000, "LT", b"\xd5\xc5" * 600)])
    assert read(data).evidence() == NOTHING


def test_evidence_is_united_only_with_what_is_new():
    one = frozenset({(LATIN, NAME)})
    assert united(one, frozenset({(LATIN, NAME)})) is one
    assert united(one, frozenset({(LATIN, PLACE)})) == {(LATIN, NAME), (LATIN, PLACE)}


def test_evidence_leads_to_the_reading():
    judged = judge_study(read(misdeclared()).evidence())
    assert judged.reading == Reading(((LATIN, GB),))
