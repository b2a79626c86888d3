"""``/api/studies``: the study list of the user interface.

The filters are those of QIDO-RS, read by the same function into the same ``Query``; what a list needs beside them is
added here: one box for everything, what people put to studies, an order, a page, a total, and rows that a table can
show as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, TypeAlias

import orjson
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query import search_box
from calotype.dicom.query.attributes import BY_KEYWORD, is_indexed
from calotype.dicom.query.model import Condition, Match, Order, Query, UidList
from calotype.dicom.query.narrowing import is_sifted
from calotype.dicom.query.qido import InvalidParameter, QidoRequest, parse_qido
from calotype.dicom.query.values import integer_key
from calotype.services.archive.changes import Changes
from calotype.services.archive.marks import MAX_LABELS, MAX_STUDIES, SORTABLE, UNMARKED, Edit, Mark, Marks
from calotype.services.archive.ports import Total
from calotype.services.archive.search import Search
from calotype.web.dicomweb.qido import deadline
from calotype.web.json_bodies import JsonRoute
from calotype.web.offload import Offload
from calotype.web.settings import WebSettings

DEFAULT_LIMIT: Final = 100
MAX_ORDERS: Final = 4
MAX_COUNT: Final = 2**53
"""Counted to, where a list wants to know how long it is."""

_ALSO_RETURNED: Final = ("StudyDescription",)
_OWN: Final = ("order", "q", "label", "remark")
"""Parameters that QIDO-RS does not have."""
_LISTS: Final = frozenset({"ModalitiesInStudy", "SOPClassesInStudy"})

Row: TypeAlias = "dict[str, Any]"
"""Keyword -> DICOM text; counters are numbers, gathered codes lists; what only a header has is DICOM JSON."""


@dataclass(frozen=True, slots=True)
class StudyPage:
    """One page of the list; ``total`` counts all matches, or as many as were counted if ``total_is_at_least``.

    A row that somebody has put something to has ``labels`` and ``remark`` beside its keywords. ``change`` is what to
    ask ``/api/events`` or ``/api/changes`` for (``since``) to miss nothing that came later; null without a feed.
    """

    rows: list[Row]
    offset: int
    total: int
    total_is_at_least: bool
    change: int | None = None


@dataclass(frozen=True, slots=True)
class StudyCount:
    """How many studies answer, all of them counted."""

    total: int


@dataclass(frozen=True, slots=True)
class MarkView:
    """What people put to a study."""

    study: str
    labels: Sequence[str]
    remark: str


@dataclass(frozen=True, slots=True)
class LabelView:
    """A label in use, and how many studies have it."""

    label: str
    studies: int


StudyUid = Annotated[str, Path(max_length=64, description="The Study Instance UID.")]
Label = Annotated[str, Field(min_length=1, max_length=64)]
Labels = Annotated[list[Label], Field(default_factory=list, max_length=MAX_LABELS)]


class Marking(BaseModel):
    """What to change of a study's marks: labels to put to it and to take off, its remark (null: as it is)."""

    model_config = ConfigDict(extra="forbid")

    add_labels: Labels
    remove_labels: Labels
    remark: str | None = Field(default=None, max_length=4000)

    def edit(self) -> Edit:
        """Return it as the service knows it."""
        return Edit(tuple(self.add_labels), tuple(self.remove_labels), self.remark)


class MarkingOfSeveral(Marking):
    """The same for several studies."""

    studies: list[Annotated[str, Field(max_length=64)]] = Field(max_length=MAX_STUDIES)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list asks beside the filters of QIDO-RS."""

    text: str = ""
    labels: tuple[str, ...] = ()
    remark: str = ""

    def conditions(self, marks: Marks | None) -> tuple[Condition, ...]:
        """Return it as conditions. InvalidParameter when studies cannot be marked here."""
        if marks is None:
            if self.labels or self.remark:
                raise InvalidParameter("label" if self.labels else "remark", "studies have none in this archive")
            return search_box.conditions(self.text)
        found = search_box.conditions(self.text, marks.mentioning)
        if self.labels:
            found += (UidList("StudyInstanceUID", marks.labelled(self.labels)),)
        if self.remark:
            found += (UidList("StudyInstanceUID", marks.remarked(self.remark)),)
        return found


def router(
    search: Search,
    offload: Offload,
    settings: WebSettings,
    marks: Marks | None = None,
    changes: Changes | None = None,
) -> APIRouter:
    """Return the routes; without ``marks`` studies have no labels and remarks, without ``changes`` no number."""
    routes = APIRouter(tags=["archive"], route_class=JsonRoute)

    def asked(request: Request) -> tuple[QidoRequest, Listed]:
        return read(request.query_params.multi_items(), settings.page_limit)

    def page(wanted: QidoRequest, listed: Listed) -> StudyPage:
        # Before the rows are looked for: what comes meanwhile is told once more rather than never.
        change = None if changes is None else changes.newest()
        return replace(_page(search, wanted, listed, marks, settings.count_cap), change=change)

    @routes.get("/studies")
    async def list_studies(request: Request) -> StudyPage:
        """List studies: any filter of QIDO-RS; ``order`` is a comma list of keywords, ``-`` before one that descends.

        ``labels`` and ``remark`` stand there like keywords: studies without any come last. Equals come newest first,
        and so do all without an order. ``limit`` (100 unless told) and ``offset`` say which page. ``q`` looks
        for words in names (also by pinyin), IDs, accession numbers, descriptions, labels and remarks; ``label``
        (repeatable: all of them) and ``remark`` for what people put to studies.
        """
        wanted, listed = asked(request)
        return await offload(page, wanted, listed)

    @routes.get("/studies/count")
    async def count_studies(request: Request) -> StudyCount:
        """Count the studies that a list with the same filters would show in all."""
        wanted, listed = asked(request)
        return await offload(_count, search, wanted, listed, marks)

    if marks is not None:
        _mark_routes(routes, marks, offload)
    return routes


def _mark_routes(routes: APIRouter, marks: Marks, offload: Offload) -> None:
    def marked(studies: Sequence[str], edit: Edit) -> list[MarkView]:
        done = marks.edit([UID(study) for study in studies], edit)
        return [MarkView(study, mark.labels, mark.remark) for study, mark in done.items()]

    def labels() -> list[LabelView]:
        return [LabelView(label, count) for label, count in marks.labels()]

    @routes.get("/labels")
    async def list_labels() -> list[LabelView]:
        """List the labels in use, and how many studies have each."""
        return await offload(labels)

    @routes.patch("/studies/{study}")
    async def mark_study(study: StudyUid, body: Marking) -> MarkView:
        """Put labels to a study, take labels off it, write its remark."""
        (view,) = await offload(marked, [study], body.edit())
        return view

    @routes.post("/labels")
    async def mark_studies(body: MarkingOfSeveral) -> list[MarkView]:
        """Change the marks of several studies at once: of all of them, or, when one is not there, of none."""
        return await offload(marked, body.studies, body.edit())


def read(params: list[tuple[str, str]], max_limit: int) -> tuple[QidoRequest, Listed]:
    """Understand the parameters of a list. InvalidParameter as for QIDO-RS, and for an order that cannot be had."""
    own: dict[str, list[str]] = {name: [] for name in _OWN}
    filters = []
    for name, text in params:
        if name in own:
            own[name].append(text)
        else:
            filters.append((name, text))
    for name in ("q", "remark"):
        if len(own[name]) > 1:
            raise InvalidParameter(name, "given more than once")
    if not any(name.lower() == "limit" for name, _ in filters):
        filters.append(("limit", str(DEFAULT_LIMIT)))
    filters += [("includefield", keyword) for keyword in _ALSO_RETURNED]
    asked = parse_qido(Level.STUDY, filters, max_limit=max_limit)
    query = replace(asked.query, order=_orders(own["order"]))
    listed = Listed("".join(own["q"]), tuple(filter(None, own["label"])), "".join(own["remark"]).strip())
    return replace(asked, query=query), listed


def _orders(texts: list[str]) -> tuple[Order, ...]:
    steps = [step.strip() for text in texts for step in text.split(",") if step.strip()]
    if len(steps) > MAX_ORDERS:
        raise InvalidParameter("order", f"{len(steps)} keywords, at most {MAX_ORDERS} are taken")
    orders = {order.keyword: order for order in reversed([_order(step) for step in steps])}
    return _newest_first_among_equals(tuple(reversed(orders.values())))


def _newest_first_among_equals(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """Return an order that leaves nothing open; the time goes with the date."""
    descends = {order.keyword: order.descending for order in orders}
    is_newest = descends.get("StudyDate", True)
    then = (Order("StudyDate", descending=is_newest), Order("StudyTime", descending=is_newest))
    return orders + tuple(order for order in then if order.keyword not in descends)


def _order(step: str) -> Order:
    keyword = step.removeprefix("-")
    if keyword not in SORTABLE and not is_indexed(keyword, Level.STUDY):
        raise InvalidParameter("order", f"{keyword[:80]!r} is no attribute of studies that the index sorts by")
    return Order(keyword, descending=step.startswith("-"))


def _page(search: Search, asked: QidoRequest, listed: Listed, marks: Marks | None, cap: int) -> StudyPage:
    checkpoint = deadline()
    query = _narrowed(asked, listed, marks)
    matches = list(search.find(query, checkpoint))
    seen = query.page.offset + len(matches)
    if query.page.limit is not None and len(matches) < query.page.limit and (matches or not query.page.offset):
        total = Total(seen)
    else:
        total = search.count(query, seen if is_sifted(query) else max(cap, seen), checkpoint)
    marked = {} if marks is None else marks.of([UID(match["StudyInstanceUID"]) for match in matches])
    rows = [_row(match, marked.get(UID(match["StudyInstanceUID"]), UNMARKED)) for match in matches]
    return StudyPage(rows, query.page.offset, total.count, total.at_least)


def _count(search: Search, asked: QidoRequest, listed: Listed, marks: Marks | None) -> StudyCount:
    return StudyCount(search.count(_narrowed(asked, listed, marks), MAX_COUNT, deadline()).count)


def _narrowed(asked: QidoRequest, listed: Listed, marks: Marks | None) -> Query:
    return replace(asked.query, conditions=(*asked.query.conditions, *listed.conditions(marks)))


def _row(match: Match, mark: Mark) -> Row:
    row = {keyword: _cell(keyword, text) for keyword, text in match.items()}
    return row if mark == UNMARKED else row | {"labels": mark.labels, "remark": mark.remark}


def _cell(keyword: str, text: str) -> Any:
    if not is_indexed(keyword, Level.STUDY):
        return orjson.loads(text)
    if keyword in _LISTS:
        return text.split("\\")
    number = integer_key(text) if BY_KEYWORD[keyword].computed else None
    return text if number is None else number
