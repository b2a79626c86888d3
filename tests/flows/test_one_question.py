"""One question, asked as a console, a viewer and the study list ask it, and of the index itself: one answer.

An archive is made of names in five scripts, and hundreds of questions of what stands in it. Each is written once, as
keys. It goes through a C-FIND identifier, through QIDO-RS and, for studies, through ``/api/studies``; all of them
must make the same ``Query`` and find what ``dicom.query.matching`` says it means.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.dictionary import tag_of, vr_of
from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.dicom.query.attributes import BY_KEYWORD, UNIQUE_KEYS
from calotype.dicom.query.header import NAME_GROUPS, HeaderAttributes
from calotype.dicom.query.identifier import Model, encode_match, parse_identifier
from calotype.dicom.query.matching import matches
from calotype.dicom.query.model import Query
from calotype.dicom.query.negotiated import Negotiated
from calotype.dicom.query.qido import parse_qido
from calotype.dicom.text import decode as decode_text
from calotype.network.rejections import Rejections
from calotype.services.archive.headers import compress_header, decompress_header
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin
from calotype.services.archive.search import Search
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.api import studies
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support.archives import House

EXPLICIT = UID("1.2.840.10008.1.2.1")
CT = UID("1.2.840.10008.5.1.4.1.1.2")
QUESTIONS = 300
EVERYTHING = 100_000

NAMES = (
    "Müller^Jörg", "MULLER^JORG", "O'Neil^Séan^^Dr", "Wang^XiaoDong=王^小东", "张^三丰", "欧阳^修",
    "Yamada^Tarou=山田^太郎=やまだ^たろう", "ﾔﾏﾀﾞ^ﾀﾛｳ=ヤマダ^タロウ", "Hong^Gildong=洪^吉洞=홍^길동", "김^철수",
    "قباني^لنزار", "Al-Qasim^Umar=عمر", "100%_Real^Na*me", "Doe", "",
)  # fmt: skip
DESCRIPTIONS = ("CT Thorax 100%", "Schädel_MR", "胸部 CT 平扫", "胸部ＣＴ", "رأس", "머리 CT", "x?y", "")
STEPS = ("S1", "S2", "SP-100%", "")
DAYS = ("20231231", "20240101", "20240102", "20240229", "")
TIMES = ("0930", "093015", "093015.5", "235959.999999", "")


@dataclass(frozen=True)
class Entity:
    """What is known of a study, series or instance, without an index."""

    uid: str
    kept: Mapping[str, str]
    header: Mapping[str, Any]

    @property
    def attributes(self) -> dict[str, Any]:
        held = HeaderAttributes(self.header)
        return {name: held[name] for name in held} | dict(self.kept)


def records(chance: random.Random) -> list[InstanceRecord]:
    """Make forty studies of one to three series of one to three instances."""
    made = []
    for number in range(40):
        study = f"1.2.{number}"
        of_study = {
            "PatientID": chance.choice(["P1", "p1", "P%", "P_2", "", f"P{number}"]),
            "PatientName": chance.choice(NAMES),
            "PatientBirthDate": chance.choice(DAYS),
            "PatientSex": chance.choice("FMO"),
            "StudyDate": chance.choice(DAYS),
            "StudyTime": chance.choice(TIMES),
            "StudyDescription": chance.choice(DESCRIPTIONS),
            "AccessionNumber": chance.choice(["A1", "a1", "A_1", "A%1", ""]),
            "PatientWeight": chance.choice(["70", "70.50", ""]),
        }
        for s in range(chance.randint(1, 3)):
            of_series = {
                "Modality": chance.choice(["CT", "MR", "SR"]),
                "SeriesNumber": chance.choice(["1", "02", ""]),
                "SeriesDescription": chance.choice(DESCRIPTIONS),
            }
            in_header = _json_of_series(chance)
            for i in range(chance.randint(1, 3)):
                said = {**of_study, **of_series, "InstanceNumber": str(3 - i), "Rows": chance.choice(["256", "512"])}
                said = {keyword: text for keyword, text in said.items() if text}
                in_header = {**in_header, "00180050": {"vr": "DS", "Value": [chance.choice([1, 1.5, 5])]}}
                ref = InstanceRef(UID(study), UID(f"{study}.{s}"), UID(f"{study}.{s}.{i}"))
                location = ObjectLocation(f"{ref.instance}.dcm", 10, 1, 9, bytes(32), EXPLICIT)
                stored = compress_header(orjson.dumps(in_header))
                made.append(InstanceRecord(ref, CT, said, location, stored, Origin(Channel.IMPORT), len(made)))
    return made


def _json_of_series(chance: random.Random) -> dict[str, Any]:
    step = {"00400009": {"vr": "SH", "Value": [chance.choice(STEPS)]}}
    step["00400007"] = {"vr": "LO", "Value": [chance.choice(DESCRIPTIONS)]}
    steps = [step] * chance.randint(0, 2)
    return {
        "00091001": {"vr": "LO", "Value": [chance.choice(["private", "Private", "胸"])]},
        "0008002A": {"vr": "DT", "Value": [chance.choice(["20240101093015.5+0800", "202402", "2023"])]},
        "00321032": {"vr": "PN", "Value": [_json_name(chance.choice(NAMES))]},
        "00400275": {"vr": "SQ", "Value": steps},
    }


def _json_name(text: str) -> dict[str, str] | None:
    groups = zip(NAME_GROUPS, text.split("="), strict=False)
    return {group: name for group, name in groups if name} or None


def entities(level: Level, made: list[InstanceRecord]) -> list[Entity]:
    """Work out by hand what there is at a level: the plainest reading of a representative."""
    found: dict[str, list[InstanceRecord]] = {}
    for record in made:
        uid = {Level.STUDY: record.ref.study, Level.SERIES: record.ref.series, Level.IMAGE: record.ref.instance}[
            level
        ]
        found.setdefault(uid, []).append(record)
    return [_entity(level, uid, members) for uid, members in found.items()]


def _entity(level: Level, uid: str, members: list[InstanceRecord]) -> Entity:
    first_series = [record for record in members if record.ref.series == members[0].ref.series]
    representative = min(first_series, key=lambda record: int(record.attributes["InstanceNumber"]))
    ref = representative.ref
    said = {
        **representative.attributes,
        "StudyInstanceUID": ref.study,
        "SeriesInstanceUID": ref.series,
        "SOPInstanceUID": ref.instance,
        "ModalitiesInStudy": "\\".join(sorted({record.attributes["Modality"] for record in members})),
    }
    kept = {k: text for k, text in said.items() if BY_KEYWORD[k].level.depth <= level.depth}
    if level is not Level.STUDY:
        del kept["ModalitiesInStudy"]
    header = orjson.loads(_json(representative))
    return Entity(uid, kept, header)


def _json(record: InstanceRecord) -> bytes:
    return decompress_header(record.header)


# Questions


def a_question(chance: random.Random, level: Level, known: list[Entity]) -> dict[str, str]:
    """Ask for one to three things that some entity says, as people ask; paths into a sequence have a dot."""
    entity = chance.choice(known)
    names = chance.sample(KEYS[level], chance.randint(1, 3))
    return {name: _text(chance, name, _said(entity, name)) for name in names}


def _said(entity: Entity, name: str) -> str:
    first, _, inner = name.partition(".")
    value = entity.attributes.get(first, "")
    if inner:
        value = value[0].get(inner, "") if value else ""
    return str(value)


def _text(chance: random.Random, name: str, said: str) -> str:
    vr = _vr(name.rpartition(".")[2])
    one = chance.choice(said.split("\\"))
    match vr:
        case "DA" | "TM" | "DT":
            one = one.partition("+")[0]
            return chance.choice([one, f"{one}-", f"-{one}", f"{one[:4] if vr == 'DT' else one}-{one}", '""'])
        case "DS":
            return chance.choice([one, f"{one}.0" if one.isdigit() else one, '""'])
        case "IS" | "US":
            return chance.choice([one, f"00{one}" if vr == "IS" and one else one])
        case "UI":
            return chance.choice([said, f"{said}\\1.2.3.0.0\\1.2.3"])
        case "CS":
            return chance.choice([one, one.lower(), f"{one}\\SR", f"{one[:1]}*"])
        case _:
            cut = chance.randint(0, len(one))
            wild = (
                f"{one[:cut]}*",
                f"*{one[cut:]}",
                f"{one[:cut]}?{one[cut + 1 :]}",
                one.swapcase(),
                f"*{one[1:-1]}*",
            )
            return chance.choice([one, *wild, '""', one.partition("=")[0]])


KEYS = {
    Level.STUDY: [
        *("PatientID", "PatientName", "PatientBirthDate", "StudyDate", "StudyTime", "StudyDescription"),
        *("AccessionNumber", "ModalitiesInStudy", "StudyInstanceUID", "PatientWeight", "00091001"),
        *("RequestingPhysician", "AcquisitionDateTime", "RequestAttributesSequence.ScheduledProcedureStepID"),
    ],
    Level.SERIES: [
        *("PatientName", "StudyDate", "Modality", "SeriesNumber", "SeriesDescription", "SeriesInstanceUID"),
        *("00091001", "RequestAttributesSequence.ScheduledProcedureStepID"),
        "RequestAttributesSequence.ScheduledProcedureStepDescription",
    ],
    Level.IMAGE: [
        *("PatientName", "Modality", "InstanceNumber", "Rows", "SOPInstanceUID", "SliceThickness"),
        *("RequestingPhysician", "AcquisitionDateTime", "RequestAttributesSequence.ScheduledProcedureStepID"),
    ],
}
AGREED = Negotiated(relational_queries=True, date_time_matching=True)


def _tag(name: str) -> int:
    tag = tag_of(name)
    return int(name, 16) if tag is None else tag


def _vr(name: str) -> str:
    return vr_of(_tag(name))


def element(name: str, text: str) -> Element:
    """Write one key, or a sequence with one in it."""
    first, _, inner = name.partition(".")
    if inner:
        return Element(_tag(first), "SQ", ((element(inner, text),),))
    vr = _vr(first)
    if vr == "US":
        return Element(_tag(first), vr, int(text or 0).to_bytes(2, "little") if text else b"")
    return Element(_tag(first), vr, text.encode())


@dataclass
class Doors:
    """All ways into one archive."""

    search: Search
    app: FastAPI
    portal: BlockingPortal

    def by_identifier(self, level: Level, question: dict[str, str], returned: frozenset[str]) -> tuple[Query, Any]:
        elements = {e.tag: e for e in (element(name, "") for name in sorted(returned))}
        for name, text in question.items():
            asked = element(name, text)
            if asked.items and (known := elements.get(asked.tag)) and known.items:
                asked = replace(asked, value=((*known.items[0], *asked.items[0]),))
            elements[asked.tag] = asked
        control = [Element(0x00080005, "CS", b"ISO_IR 192"), Element(0x00080052, "CS", level.encode())]
        data = encode([*control, *elements.values()], EXPLICIT)
        request = parse_identifier(data, EXPLICIT, model=Model.STUDY_ROOT, negotiated=AGREED)
        answers = [encode_match(m, request, EXPLICIT, retrieve_ae_title="A") for m in self.search.find(request.query)]
        return request.query, [{e.tag: e for e in decode(answer, EXPLICIT)} for answer in answers]

    def get(self, path: str, question: dict[str, str], **more: str) -> Any:
        async def fetch() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://pacs.example") as client:
                return await client.get(path, params=by_parameters(question) | more)

        response = self.portal.call(fetch)
        assert response.status_code == 200, response.text
        return response.json()


def by_parameters(question: dict[str, str]) -> dict[str, str]:
    """Spell keys as a viewer does: lists with commas where the Standard has them so, empty values only as agreed."""
    listed = {name for name in question if _vr(name.rpartition(".")[2]) in ("UI", "CS")}
    agreed = {"emptyvaluematching": "true"} if '""' in question.values() else {}
    return agreed | {name: text.replace("\\", ",") if name in listed else text for name, text in question.items()}


@pytest.fixture(scope="module", params=["sqlite", "memory"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = Path(tmp_path_factory.mktemp("index"))
    made: Any = (
        MemoryIndex() if request.param == "memory" else SqliteIndex(SqliteSettings(folder / "i", durable=False))
    )
    yield made
    made.close()


MADE = records(random.Random(7))


@pytest.fixture(scope="module")
def doors(index: Any) -> Iterator[Doors]:
    for record in MADE:
        index.add(record)
    archive = House(MemoryObjectStore(), index).archive
    settings = WebSettings(page_limit=EVERYTHING)
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        yield Doors(archive.search, create_app(Rooms(archive, Rejections()), settings), portal)


PATHS = {Level.STUDY: "/studies", Level.SERIES: "/series", Level.IMAGE: "/instances"}


@pytest.mark.parametrize("level", PATHS)
def test_one_question_has_one_answer_at_every_door(doors: Doors, level: Level) -> None:
    chance = random.Random(level.value)
    known = entities(level, MADE)
    unique = UNIQUE_KEYS[level]
    found_something = 0
    for _ in range(QUESTIONS // len(PATHS)):
        question = a_question(chance, level, known)
        viewer = parse_qido(level, list(by_parameters(question).items())).query
        expected = sorted(each.uid for each in known if matches(viewer, each.attributes))
        found_something += bool(expected)

        query, answers = doors.by_identifier(level, question, viewer.fields)
        assert query == viewer, question
        assert sorted(_value(answer[unique.tag]) for answer in answers) == expected, question
        assert sorted(m[unique.keyword] for m in doors.search.find(viewer)) == expected, question
        assert doors.search.count(viewer).count == len(expected), question

        by_viewer = doors.get(f"/dicomweb{PATHS[level]}", question)
        assert sorted(each[f"{unique.tag:08X}"]["Value"][0] for each in by_viewer) == expected, question
        names = {each[f"{unique.tag:08X}"]["Value"][0]: _name(each) for each in by_viewer}
        assert names == {_value(a[unique.tag]): _value(a[0x00100010]) for a in answers}, question
        if level is Level.STUDY:
            listed, _ = studies.read(list(by_parameters(question).items()), EVERYTHING)
            assert listed.query.conditions == viewer.conditions
            page = doors.get("/api/studies", question, limit=str(EVERYTHING))
            assert sorted(row["StudyInstanceUID"] for row in page["rows"]) == expected, question
            assert {row["StudyInstanceUID"]: row.get("PatientName", "") for row in page["rows"]} == names
            assert (page["total"], page["total_is_at_least"]) == (len(expected), False)
    assert found_something > QUESTIONS // len(PATHS) // 2


def _value(found: Element) -> str:
    return decode_text(found.raw, ("ISO_IR 192",), found.vr)


def _name(match: dict[str, Any]) -> str:
    value = match["00100010"].get("Value", [{}])[0]
    return "=".join(value.get(group, "") for group in NAME_GROUPS).rstrip("=")


def test_pages_of_a_question_that_no_index_answers_are_its_answer(doors: Doors) -> None:
    question = {"00091001": "private"}
    whole = [m["StudyInstanceUID"] for m in doors.search.find(parse_qido(Level.STUDY, list(question.items())).query)]
    pages = [doors.get("/dicomweb/studies", question, limit="3", offset=str(at)) for at in range(0, len(whole), 3)]
    assert [each["0020000D"]["Value"][0] for page in pages for each in page] == whole
    assert len(whole) > 6


def test_what_is_asked_of_a_sequence_is_what_comes_back(doors: Doors) -> None:
    question = {"RequestAttributesSequence.ScheduledProcedureStepID": "S?"}
    _, answers = doors.by_identifier(Level.SERIES, question, frozenset({"SeriesInstanceUID"}))
    assert answers
    for answer in answers:
        for item in answer[0x00400275].items:
            assert [(e.tag, _value(e)[:1]) for e in item] == [(0x00400009, "S")]
