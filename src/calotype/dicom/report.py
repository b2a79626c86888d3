"""Structured reports to be read by people: plain text and HTML out of a header's DICOM JSON (PS3.3 A.35, C.17).

The content tree is followed item by item, whatever the template; nothing of the text is trusted to be anything but
text. No style sheet, script or picture of anybody else is in the HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final, TypeAlias

from calotype.dicom.walk import MAX_DEPTH

JsonDataSet: TypeAlias = Mapping[str, Any]

MAX_LINES: Final = 100_000

_VALUE_TYPE: Final = "0040A040"
_CONTENT, _CONCEPT, _RELATIONSHIP, _REFERENCE = "0040A730", "0040A043", "0040A010", "0040DB73"
_CODE_VALUE, _CODE_MEANING = ("00080100", "00080119", "00080120"), "00080104"
_MEASURED, _NUMBER, _UNITS, _QUALIFIER = "0040A300", "0040A30A", "004008EA", "0040A301"
_SOP_REFERENCES, _SOP_INSTANCE, _FRAMES = "00081199", "00081155", "00081160"
_GRAPHIC_TYPE, _GRAPHIC_DATA, _TEMPORAL_TYPE = "00700023", "00700022", "0040A130"

_PLAIN_VALUES: Final = {
    "TEXT": "0040A160", "PNAME": "0040A123", "DATE": "0040A121", "TIME": "0040A122", "DATETIME": "0040A120",
    "UIDREF": "0040A124", "TCOORD": _TEMPORAL_TYPE,
}  # fmt: skip
"""Value types whose value is one attribute (PS3.3 Table C.17.3-7)."""
_OBJECTS: Final = frozenset({"IMAGE", "COMPOSITE", "WAVEFORM"})
_COORDINATES: Final = frozenset({"SCOORD", "SCOORD3D"})

_FACTS: Final = (
    ("Patient", ("00100010",)),
    ("Patient ID", ("00100020",)),
    ("Born", ("00100030",)),
    ("Sex", ("00100040",)),
    ("Study", ("00081030",)),
    ("Study date", ("00080020", "00080030")),
    ("Accession number", ("00080050",)),
    ("Referring physician", ("00080090",)),
    ("Institution", ("00080080",)),
    ("Manufacturer", ("00080070",)),
    ("Report date", ("00080023", "00080033")),
    ("Completion", ("0040A491",)),
    ("Verification", ("0040A493",)),
)
_OBSERVERS, _OBSERVER, _ORGANISATION, _VERIFIED_AT = "0040A073", "0040A075", "0040A027", "0040A030"

_STYLE: Final = (
    "body{font-family:sans-serif;margin:2em auto;max-width:50em;line-height:1.4;padding:0 1em}"
    "h1{font-size:1.5em}h2{font-size:1.1em;margin:1.2em 0 .2em}table{border-collapse:collapse}"
    "th{text-align:left;font-weight:normal;color:#555;padding-right:1.5em;vertical-align:top}"
    "p{margin:.2em 0}.v{white-space:pre-wrap}.n{color:#555}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One content item: what it is called, what it says; a container says nothing and begins a section."""

    depth: int
    name: str
    value: str
    is_section: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its title, whom and what it is about, and its content in reading order."""

    title: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]


def report_of(header: JsonDataSet) -> Report:
    """Read a report out of DICOM JSON. Leniently: what is not as it should be is left out."""
    facts = [(label, " ".join(filter(None, (_written(header, tag) for tag in tags)))) for label, tags in _FACTS]
    for observer in _items(header, _OBSERVERS):
        told = (_written(observer, tag) for tag in (_OBSERVER, _ORGANISATION, _VERIFIED_AT))
        facts.append(("Verified by", ", ".join(filter(None, told))))
    lines: list[Line] = []
    for line in _lines(_items(header, _CONTENT), 0):
        if len(lines) == MAX_LINES:
            lines.append(Line(0, "", "(cut short: the report is too long to be shown)", is_section=False))
            break
        lines.append(line)
    return Report(_meaning(header, _CONCEPT) or "Report", tuple(fact for fact in facts if fact[1]), tuple(lines))


def to_plain(report: Report) -> str:
    """Return a report as text, lines ending in LF, deeper content further to the right."""
    out = [report.title, "=" * min(72, len(report.title)), ""]
    out += [f"{label}: {_flat(value)}" for label, value in report.facts]
    out.append("")
    for line in report.lines:
        indent = "  " * line.depth
        if line.is_section:
            out += ["", f"{indent}{_flat(line.name)}"]
            continue
        first, *rest = _normal(line.value).split("\n")
        out.append(f"{indent}{_flat(line.name)}: {first}" if line.name else indent + first)
        out += [f"{indent}  {each}" for each in rest]
    return "\n".join(out) + "\n"


def to_html(report: Report) -> str:
    """Return a report as an HTML document. Its character set is for the HTTP header to say."""
    title = escape(report.title)
    facts = "".join(f"<tr><th>{escape(label)}</th><td>{escape(value)}</td></tr>" for label, value in report.facts)
    body = "".join(map(_html, report.lines))
    return (
        f'<!DOCTYPE html><html lang=""><head><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1><table>{facts}</table>{body}</body></html>\n"
    )


def _html(line: Line) -> str:
    margin = f' style="margin-left:{min(line.depth, 12) * 1.5}em"' if line.depth else ""
    name, value = escape(line.name), escape(_normal(line.value))
    if line.is_section:
        return f"<h2{margin}>{name}</h2>"
    label = f'<span class="n">{name}:</span> ' if name else ""
    return f'<p{margin}>{label}<span class="v">{value}</span></p>'


def _lines(items: Iterable[JsonDataSet], depth: int) -> Iterator[Line]:
    if depth > MAX_DEPTH:
        return
    for item in items:
        kind = _written(item, _VALUE_TYPE)
        name = _meaning(item, _CONCEPT)
        content = _items(item, _CONTENT)
        if kind == "CONTAINER":
            yield Line(depth, name or "Section", "", is_section=True)
        elif reference := item.get(_REFERENCE):
            path = ".".join(map(str, _values(reference)))
            yield Line(
                depth, name or _written(item, _RELATIONSHIP).capitalize(), f"see item {path}", is_section=False
            )
        else:
            yield Line(depth, name, _value(item, kind), is_section=False)
        yield from _lines(content, depth + 1)


def _value(item: JsonDataSet, kind: str) -> str:
    if kind in _PLAIN_VALUES:
        return _written(item, _PLAIN_VALUES[kind])
    if kind == "CODE":
        return _meaning(item, "0040A168")
    if kind == "NUM":
        measured = _first(item, _MEASURED)
        number, units = _written(measured, _NUMBER), _meaning(measured, _UNITS)
        return " ".join(filter(None, (number, units))) or _meaning(item, _QUALIFIER)
    if kind in _OBJECTS:
        reference = _first(item, _SOP_REFERENCES)
        frames = ", ".join(map(str, _values(reference.get(_FRAMES))))
        return f"{kind.lower()} {_written(reference, _SOP_INSTANCE)}" + (f", frames {frames}" if frames else "")
    if kind in _COORDINATES:
        points = len(_values(item.get(_GRAPHIC_DATA))) // (2 if kind == "SCOORD" else 3)
        return f"{_written(item, _GRAPHIC_TYPE).lower()} of {points} points"
    return ""


def _meaning(data_set: JsonDataSet, tag: str) -> str:
    code = _first(data_set, tag)
    return _written(code, _CODE_MEANING) or next(
        (found for each in _CODE_VALUE if (found := _written(code, each))), ""
    )


def _written(data_set: JsonDataSet, tag: str) -> str:
    """Return an attribute's values as one line or text of a report, dates and times as people write them."""
    element = data_set.get(tag)
    vr = element.get("vr", "") if isinstance(element, Mapping) else ""
    return ", ".join(filter(None, (_spelled(value, vr) for value in _values(element))))


def _spelled(value: Any, vr: str) -> str:
    if isinstance(value, Mapping):
        groups = (value.get(group) for group in ("Alphabetic", "Ideographic"))
        names = [" ".join(filter(None, group.split("^"))) for group in groups if isinstance(group, str)]
        return " / ".join(filter(None, names))
    text = "" if value is None else str(value)
    if vr == "DA" and len(text) == 8:
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if vr == "TM" and len(text) >= 4:
        return f"{text[:2]}:{text[2:4]}"
    if vr == "DT" and len(text) >= 12:
        return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}"
    return text


def _values(element: Any) -> Sequence[Any]:
    values = element.get("Value") if isinstance(element, Mapping) else None
    return values if isinstance(values, list) else []


def _items(data_set: JsonDataSet, tag: str) -> list[JsonDataSet]:
    return [item for item in _values(data_set.get(tag)) if isinstance(item, Mapping)]


def _first(data_set: JsonDataSet, tag: str) -> JsonDataSet:
    return next(iter(_items(data_set, tag)), {})


def _normal(text: str) -> str:
    """PS3.5 6.1.3: lines of text end in CR LF; some devices write only one of them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _flat(text: str) -> str:
    return " ".join(text.split())
