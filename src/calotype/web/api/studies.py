"""``/api/studies``: the study list of the user interface.

The filters are those of QIDO-RS, read by the same function into the same ``Query``; what a list needs beside them is
added here: an order, a page, a total, and rows that a table can show as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import orjson
from fastapi import APIRouter
from starlette.requests import Request

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import BY_KEYWORD, is_indexed
from calotype.dicom.query.model import Match, Order
from calotype.dicom.query.narrowing import is_sifted
from calotype.dicom.query.qido import InvalidParameter, QidoRequest, parse_qido
from calotype.dicom.query.values import integer_key
from calotype.services.archive.ports import Total
from calotype.services.archive.search import Search
from calotype.web.dicomweb.qido import deadline
from calotype.web.offload import Offload
from calotype.web.settings import WebSettings

DEFAULT_LIMIT: Final = 100
MAX_ORDERS: Final = 4
NEWEST_FIRST: Final = (Order("StudyDate", descending=True), Order("StudyTime", descending=True))

_ALSO_RETURNED: Final = ("StudyDescription",)
_LISTS: Final = frozenset({"ModalitiesInStudy", "SOPClassesInStudy"})

Row: TypeAlias = "dict[str, Any]"
"""Keyword -> DICOM text; counters are numbers, gathered codes lists; what only a header has is DICOM JSON."""


@dataclass(frozen=True, slots=True)
class StudyPage:
    """One page of the list; ``total`` counts all matches, or as many as were counted if ``total_is_at_least``."""

    rows: list[Row]
    offset: int
    total: int
    total_is_at_least: bool


def router(search: Search, offload: Offload, settings: WebSettings) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["archive"])

    @routes.get("/studies")
    async def list_studies(request: Request) -> StudyPage:
        """List studies: any filter of QIDO-RS; ``order`` is a comma list of keywords, ``-`` before one that descends.

        ``limit`` (100 unless told) and ``offset`` say which page; newest first without an order.
        """
        asked = read(request.query_params.multi_items(), settings.page_limit)
        return await offload(_page, search, asked, settings.count_cap)

    return routes


def read(params: list[tuple[str, str]], max_limit: int) -> QidoRequest:
    """Understand the parameters of a list. InvalidParameter as for QIDO-RS, and for an order that cannot be had."""
    orders = [text for name, text in params if name == "order"]
    filters = [pair for pair in params if pair[0] != "order"]
    if not any(name.lower() == "limit" for name, _ in filters):
        filters.append(("limit", str(DEFAULT_LIMIT)))
    filters += [("includefield", keyword) for keyword in _ALSO_RETURNED]
    asked = parse_qido(Level.STUDY, filters, max_limit=max_limit)
    return replace(asked, query=replace(asked.query, order=_orders(orders) or NEWEST_FIRST))


def _orders(texts: list[str]) -> tuple[Order, ...]:
    steps = [step.strip() for text in texts for step in text.split(",") if step.strip()]
    if len(steps) > MAX_ORDERS:
        raise InvalidParameter("order", f"{len(steps)} keywords, at most {MAX_ORDERS} are taken")
    return tuple(_order(step) for step in steps)


def _order(step: str) -> Order:
    keyword = step.removeprefix("-")
    if not is_indexed(keyword, Level.STUDY):
        raise InvalidParameter("order", f"{keyword[:80]!r} is no attribute of studies that the index sorts by")
    return Order(keyword, descending=step.startswith("-"))


def _page(search: Search, asked: QidoRequest, cap: int) -> StudyPage:
    checkpoint = deadline()
    query = asked.query
    rows = [_row(match) for match in search.find(query, checkpoint)]
    seen = query.page.offset + len(rows)
    if query.page.limit is not None and len(rows) < query.page.limit and (rows or not query.page.offset):
        total = Total(seen)
    else:
        total = search.count(query, seen if is_sifted(query) else max(cap, seen), checkpoint)
    return StudyPage(rows, query.page.offset, total.count, total.at_least)


def _row(match: Match) -> Row:
    return {keyword: _cell(keyword, text) for keyword, text in match.items()}


def _cell(keyword: str, text: str) -> Any:
    if not is_indexed(keyword, Level.STUDY):
        return orjson.loads(text)
    if keyword in _LISTS:
        return text.split("\\")
    number = integer_key(text) if BY_KEYWORD[keyword].computed else None
    return text if number is None else number
