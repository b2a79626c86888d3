"""Reports as people read them."""

from __future__ import annotations

from html.parser import HTMLParser

import orjson
import pytest

from calotype.dicom import report as reports
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import scan
from calotype.dicom.report import Line, report_of, to_html, to_plain
from support import bundled, samples


def code(meaning, value="1"):
    return {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": [value]}, "00080104": text("LO", meaning)}]}


def text(vr, *values):
    return {"vr": vr, "Value": list(values)}


def item(kind, name="", *, content=(), **attributes):
    return {
        "0040A040": text("CS", kind),
        **({"0040A043": code(name)} if name else {}),
        **({"0040A730": {"vr": "SQ", "Value": list(content)}} if content else {}),
        **{tag.removeprefix("T"): value for tag, value in attributes.items()},
    }


MEASURED = {
    "vr": "SQ",
    "Value": [{"0040A30A": text("DS", 12.5), "004008EA": code("millimeter", "mm")}],
}
REFERENCE = {"vr": "SQ", "Value": [{"00081155": text("UI", "1.2.3"), "00081160": text("IS", 4, 5)}]}


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (item("TEXT", "Finding", T0040A160=text("UT", "Line one\r\nline two")), "Line one\r\nline two"),
        (item("CODE", "Finding", T0040A168=code("Nodule")), "Nodule"),
        (item("CODE", "Finding", T0040A168={"vr": "SQ", "Value": [{"00080100": text("SH", "R-1")}]}), "R-1"),
        (item("NUM", "Finding", T0040A300=MEASURED), "12.5 millimeter"),
        (item("NUM", "Finding", T0040A301=code("Not a number")), "Not a number"),
        (item("DATE", "Finding", T0040A121=text("DA", "20260102")), "2026-01-02"),
        (item("TIME", "Finding", T0040A122=text("TM", "131415")), "13:14"),
        (item("DATETIME", "Finding", T0040A120=text("DT", "20260102131415")), "2026-01-02 13:14"),
        (
            item("PNAME", "Finding", T0040A123=text("PN", {"Alphabetic": "Li^Na", "Ideographic": "李^娜"})),
            "Li Na / 李 娜",
        ),
        (item("UIDREF", "Finding", T0040A124=text("UI", "1.2")), "1.2"),
        (item("IMAGE", "Finding", T00081199=REFERENCE), "image 1.2.3, frames 4, 5"),
        (
            item("SCOORD", "Finding", T00700023=text("CS", "POLYLINE"), T00700022=text("FL", 1, 2, 3, 4)),
            "polyline of 2 points",
        ),
        (item("NEW THING", "Finding"), ""),
        (
            {"0040A010": text("CS", "INFERRED FROM"), "0040DB73": text("UL", 1, 2), "0040A043": code("Finding")},
            "see item 1.2",
        ),
    ],
)
def test_each_value_type_says_what_it_says(found, value):
    assert report_of(item("CONTAINER", "Report", content=[found])).lines == (
        Line(0, "Finding", value, is_section=False),
    )


def test_sections_are_as_deep_as_they_are():
    inner = item("CONTAINER", "Inner", content=[item("TEXT", T0040A160=text("UT", "deep"))])

    lines = report_of(item("CONTAINER", "Report", content=[item("CONTAINER", content=[inner])])).lines

    assert [(line.depth, line.name, line.value, line.is_section) for line in lines] == [
        (0, "Section", "", True),
        (1, "Inner", "", True),
        (2, "", "deep", False),
    ]


def header_of(data):
    return orjson.loads(scan(data, UID(samples.EXPLICIT), data_bytes=len(data)).json())


def test_a_report_is_plain_text():
    assert to_plain(report_of(header_of(samples.structured_report()))).splitlines()[:2] == [
        "Imaging Measurement Report",
        "==========================",
    ]
    assert (
        to_plain(report_of(header_of(samples.structured_report()))).count("Finding: 两肺纹理清晰, 未见明显异常。\n")
        == 2
    )


def test_lines_of_a_value_stay_below_each_other():
    found = item("CONTAINER", "R", content=[item("TEXT", "F", T0040A160=text("UT", "a\rb\nc\r\nd"))])

    assert to_plain(report_of(found)).endswith("F: a\n  b\n  c\n  d\n")


def test_a_real_report_has_its_head():
    told = dict(report_of(header_of(bundled.named("reportsi.dcm").data_set)).facts)

    assert {"Patient", "Completion", "Verification"} <= set(told)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)


def test_nothing_in_a_report_becomes_markup():
    evil = '<script>alert(1)</script><img src=x onerror="y">'
    found = item(
        "CONTAINER", evil,
        content=[item("TEXT", evil, T0040A160=text("UT", evil)), item("CONTAINER", evil)],
        T00100010=text("PN", {"Alphabetic": evil}),
    )  # fmt: skip
    tags = Tags()

    tags.feed(to_html(report_of(found)))

    assert tags.found == {
        "html",
        "head",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "table",
        "tr",
        "th",
        "td",
        "p",
        "span",
    }


@pytest.mark.parametrize(
    "header",
    [
        {}, {"0040A730": None}, {"0040A730": {"Value": "x"}}, {"0040A730": {"Value": [1, None, {"0040A040": 3}]}},
        {"0040A043": {"Value": [[]]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": 3}, None]}},
    ],
)  # fmt: skip
def test_nonsense_is_left_out(header):
    assert to_html(report_of(header)).startswith("<!DOCTYPE html>")
    assert to_plain(report_of(header)).startswith("Report\n")


def test_a_tree_may_be_absurdly_deep_or_long(monkeypatch):
    deep = item("TEXT", T0040A160=text("UT", "bottom"))
    for _ in range(300):
        deep = item("CONTAINER", content=[deep])
    monkeypatch.setattr(reports, "MAX_LINES", 50)

    assert all(line.value != "bottom" for line in report_of(deep).lines)
    many = report_of(item("CONTAINER", content=[item("TEXT", "n")] * 60)).lines
    assert (len(many), many[-1].value[:10]) == (51, "(cut short")
