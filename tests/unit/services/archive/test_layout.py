"""No value that came over a network ever becomes a path unchecked."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.query.attributes import INDEXED
from calotype.errors import InvalidRequest
from calotype.services.archive.layout import Layout, is_date, safe_text, safe_uid
from calotype.stores.objects.keys import is_key

DAY_RECEIVED_US = 1_767_323_045_000_000  # 2026-01-02 03:04:05 UTC

CT = {
    "StudyDate": "20240229",
    "StudyInstanceUID": "1.2.3",
    "SeriesInstanceUID": "1.2.3.4",
    "SOPInstanceUID": "1.2.3.4.5",
    "PatientID": "P 1/2",
    "PatientName": "王^小东",
}


def test_the_default_is_a_folder_a_day():
    assert Layout().key(CT, DAY_RECEIVED_US) == "2024/02/29/1.2.3/1.2.3.4/1.2.3.4.5.dcm"


@pytest.mark.parametrize(
    "date",
    [
        "",
        "2024",
        "20230229",
        "2024-01-1",
        "00000101",
        "20241301",
        "2024010A",
        "\uff12\uff10\uff12\uff14\uff10\uff11\uff10\uff11",
    ],
)
def test_a_date_that_is_none_becomes_the_day_received(date):
    assert Layout().key(CT | {"StudyDate": date}, DAY_RECEIVED_US).startswith("2026/01/02/1.2.3/")


def test_a_template_may_use_any_indexed_attribute():
    layout = Layout("{PatientID}/{Modality}/{StudyDate}_{StudyDate:%Y-%m.%d}/{SOPInstanceUID}")
    assert layout.key(CT | {"Modality": "CT"}, 0) == "P_1_2/CT/20240229_2024-02.29/1.2.3.4.5"


def test_missing_text_is_an_underscore():
    assert Layout("{PatientID}/{SOPInstanceUID}").key({"SOPInstanceUID": "1.2"}, 0) == "_/1.2"


@pytest.mark.parametrize(
    "uid",
    [
        "",
        "..",
        ".",
        "1..2",
        "1.2.",
        ".1",
        "1.2/3",
        "../../etc/passwd",
        "1.2\\3",
        "1.2\n",
        "1 2",
        "\u0661.\u0662",
        "1" * 65,
        "x",
        "\0",
    ],
)
def test_an_unsafe_uid_becomes_a_digest(uid):
    assert re.fullmatch("x[0-9a-f]{32}", safe_uid(uid))


def test_different_unsafe_uids_get_different_digests():
    assert len({safe_uid(uid) for uid in ("a", "b", "", "..", "1" * 65, "1" * 66)}) == 6


@pytest.mark.parametrize("uid", ["1", "1.2.3", "1.02.003", "0.0", "1" * 64])
def test_a_safe_uid_stays(uid):
    assert safe_uid(uid) == uid


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("abc", "abc"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "_"),
        (".hidden", "_.hidden"),
        ("", "_"),
        ("王小东", "_"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("x" * 100, "x" * 64),
        ("end.", "end"),
        ("tab\there", "tab_here"),
    ],
)
def test_unsafe_text_is_replaced(text, safe):
    assert safe_text(text) == safe


_any_attributes = st.dictionaries(
    st.sampled_from([attribute.keyword for attribute in INDEXED if not attribute.computed]), st.text(max_size=200)
)


@given(_any_attributes, st.integers(0, 4_000_000_000_000_000))
def test_every_key_is_safe_whatever_the_values(attributes, received_us):
    for template in (
        "{StudyDate:%Y}/{StudyDate:%m}/{StudyDate:%d}/{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm",
        "{PatientID}/{PatientName}-{StudyDescription}/{SOPInstanceUID}",
        "x{PatientComments}.d/{StudyTime}_{SOPInstanceUID}",
    ):
        key = Layout(template).key(attributes, received_us)
        assert is_key(key)
        assert key.count("/") == template.count("/")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("", "SOPInstanceUID"),
        ("{StudyInstanceUID}.dcm", "SOPInstanceUID"),
        ("{SOPInstanceUID", "expected '}'"),
        ("{}/{SOPInstanceUID}", "not the keyword"),
        ("{0}/{SOPInstanceUID}", "not the keyword"),
        ("{PatientId}/{SOPInstanceUID}", "not the keyword"),
        ("{PatientID.__class__}/{SOPInstanceUID}", "not the keyword"),
        ("{PatientID[0]}/{SOPInstanceUID}", "not the keyword"),
        ("{NumberOfStudyRelatedSeries}/{SOPInstanceUID}", "not the keyword"),
        ("{PatientID!r}/{SOPInstanceUID}", "conversions"),
        ("{PatientID:>10}/{SOPInstanceUID}", "only dates"),
        ("{StudyDate:%H}/{SOPInstanceUID}", "%Y, %m, %d"),
        ("{StudyDate:{PatientID}}/{SOPInstanceUID}", "%Y, %m, %d"),
        ("/{SOPInstanceUID}", "relative"),
        ("../{SOPInstanceUID}", "relative"),
        ("a//{SOPInstanceUID}", "relative"),
        ("{SOPInstanceUID}/", "relative"),
        (".incoming/{SOPInstanceUID}", "relative"),
        ("a./{SOPInstanceUID}", "relative"),
        ("a b/{SOPInstanceUID}", "characters"),
        ("C:\\{SOPInstanceUID}", "characters"),
        ("ä/{SOPInstanceUID}", "characters"),
        ("con/{SOPInstanceUID}", "reserve"),
        ("{SOPInstanceUID}{SeriesInstanceUID}{StudyInstanceUID}{PatientID}", "bytes"),
    ],
)
def test_a_wrong_template_is_refused_at_start_with_the_reason(template, why):
    with pytest.raises(InvalidRequest, match=re.escape(why)):
        Layout(template)


def test_only_calendar_dates_are_dates():
    assert [is_date(text) for text in ("20240229", "20230229", "2024.02.29", "")] == [True, False, False, False]
