"""Codes for what is said: each sentence of the table is said somewhere, and read back wherever it comes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import calotype
from calotype.dicom import statuses
from calotype.dicom.statuses import Category, category
from calotype.dicom.wire.pdu import REJECT_REASONS, AssociateRJ
from calotype.errors import InvalidRequest, Reason
from calotype.network.rejections import RESULTS
from calotype.scu.calling import failure
from calotype.services.routing.nodes import Node
from calotype.services.worklist.validation import read_item
from calotype.web.wording import MAX_CHARS, Code, Said, said

SOURCE = Path(calotype.__file__).parent
CHINESE = Path(__file__).parents[3] / "ui/src/i18n/said.zh.ts"
NODE = Node("PACS", "pacs.example", 104)


def said_in_source() -> Iterator[str]:
    """Yield every text of the source, with ``{}`` for what is filled in."""
    for path in SOURCE.rglob("*.py"):
        if path.name == "wording.py":
            continue
        for found in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(found, ast.Constant) and isinstance(found.value, str):
                yield re.sub(r"\{\w+\}", "{}", found.value).removesuffix(".")
            elif isinstance(found, ast.JoinedStr):
                yield "".join(map(_piece, found.values)).removesuffix(".")


def _piece(piece: ast.expr) -> str:
    if isinstance(piece, ast.Constant):
        return str(piece.value)
    return "'{}'" if isinstance(piece, ast.FormattedValue) and piece.conversion == ord("r") else "{}"


def test_every_sentence_is_said_somewhere() -> None:
    source = set(said_in_source())
    lost = []
    for code in Code:
        for template in code.template:
            # What is put before or behind is said in another place.
            own = re.sub(r"^\{status\} |\{(remark|numbers)\}", "", template)
            normal = re.sub(r"\{\w+\}", "{}", own).removesuffix(".")
            if not source & {normal, normal.removeprefix("{}: "), normal.removesuffix("{}")}:
                lost.append((code.value, normal))
    assert lost == []


def test_every_reason_has_a_code() -> None:
    assert {reason.value for reason in Reason} <= {code.value for code in Code}


def test_chinese_words_name_only_what_the_sentence_has() -> None:
    words = dict(re.findall(r'^  "?([a-z-]+)"?:\s+"(.*)",$', CHINESE.read_text("utf-8"), re.MULTILINE))
    assert words.keys() >= {code.value for code in Code}
    for code in Code:
        has = set(re.findall(r"\{(\w+)\}", "".join(code.template))) | {"text"}
        assert set(re.findall(r"\{(\w+)\}", words[code.value])) <= has, code


@pytest.mark.parametrize("code", [code for code in Code if code.template])
def test_each_sentence_is_read_as_its_code(code: Code) -> None:
    values = {"status": "A700", "remark": ": full", "again": ", try again later", "transaction": "transaction 7"}
    numbers = {"numbers": " (result 1, source 1, reason 3)", "attribute": "PatientID"}
    for template in code.template:
        holes = re.findall(r"\{(\w+)\}", template)
        text = template.format(**dict.fromkeys(holes, "12") | values | numbers)
        assert [told.code for told in said(text)] == [code], text


def test_every_status_of_an_answer_has_a_code() -> None:
    answers = {Category.FAILURE, Category.WARNING, Category.CANCEL}
    for status in (each for each in range(0x10000) if category(each) in answers):
        (told,) = said(statuses.describe(status))
        assert told.code is not None
        assert told.values["status"] == f"{status:04X}"


@pytest.mark.parametrize(("source", "reason"), REJECT_REASONS)
def test_every_reason_of_a_rejection_has_a_code(source: int, reason: int) -> None:
    words = REJECT_REASONS[source, reason]
    (alone,), (numbered,) = said(words), said(AssociateRJ(1, source, reason).in_words)
    assert alone.code is not None
    assert alone.code is numbered.code
    assert all(told.code for words in RESULTS.values() for told in said(words))


def test_causes_are_read_in_turn() -> None:
    (told,) = said(str(failure(NODE, "C-FIND", statuses.OUT_OF_RESOURCES, "the disk is full")))
    assert (told.code, told.values) == (Code.ANSWERED_WITH, {"node": str(NODE), "service": "C-FIND"})
    (cause,) = told.cause
    assert (cause.code, cause.values) == (Code.DIMSE_RESOURCES, {"status": "A700", "remark": "the disk is full"})


def test_what_is_wrong_with_a_worklist_item_is_told_one_by_one() -> None:
    step = {"ScheduledStationAETitle": "CT1", "Modality": "CT", "ScheduledProcedureStepStartTime": "0900"}
    with pytest.raises(InvalidRequest) as caught:
        read_item({"PatientBirthDate": "soon", "ScheduledProcedureStepSequence": [step]})
    told = said(str(caught.value))
    assert [each.code for each in told] == [Code.WRONG_VALUE, Code.IN_STEP, Code.MISSING, Code.MISSING]
    assert [each.code for each in told[0].cause + told[1].cause] == [Code.NO_DATE, Code.MISSING]
    assert told[1].cause[0].values == {"attribute": "ScheduledProcedureStepStartDate"}


@pytest.mark.parametrize(
    "text", ["what a node says", "x" * MAX_CHARS, "a; b", "one; two; three" * 50, "left aside: " * 200, "{cause}"]
)
def test_other_words_are_told_as_they_are(text: str) -> None:
    assert said(text, "conflict") == [Said(text, Code.CONFLICT)]
    assert said(text) == [Said(text)]


def test_nothing_said_is_nothing_told() -> None:
    assert said("") == []
