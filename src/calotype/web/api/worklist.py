"""``/api/worklist``: what is scheduled, and what of it was performed.

An item is one object of DICOM keywords, its steps the list ``ScheduledProcedureStepSequence``; a status is one of our
words (``scheduled``, ``arrived``, ``started``, ``completed``, ``discontinued``). What may stand in an item, and what
a filter means, is ``services.worklist``'s and ``dicom.query``'s; filters are written as matching keys are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from calotype.dicom.hierarchy import UID
from calotype.dicom.query.model import Order, Page
from calotype.dicom.query.worklist import conditions_of
from calotype.errors import InvalidRequest
from calotype.services.worklist.askers import Asker
from calotype.services.worklist.importing import MAX_FILE_BYTES, import_document
from calotype.services.worklist.items import Entry, Item, StepStatus, entry_to_json, to_json
from calotype.services.worklist.numbering import Numbered
from calotype.services.worklist.performed import Performed, PerformedSteps
from calotype.services.worklist.ports import BY_START, EVERY_STATUS, SORTABLE, StepQuery
from calotype.services.worklist.worklist import Worklist
from calotype.web.json_bodies import JsonRoute, check_type
from calotype.web.offload import Offload
from calotype.web.problems import speakable

MAX_ITEM_BYTES: Final = 1024 * 1024

FILTERS: Final[Mapping[str, str]] = {
    "station": "ScheduledStationAETitle",
    "modality": "Modality",
    "date": "ScheduledProcedureStepStartDate",
    "time": "ScheduledProcedureStepStartTime",
    "physician": "ScheduledPerformingPhysicianName",
    "step": "ScheduledProcedureStepID",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "accession": "AccessionNumber",
    "procedure": "RequestedProcedureID",
    "study": "StudyInstanceUID",
    "admission": "AdmissionID",
    "referring": "ReferringPhysicianName",
}
"""Filter -> the attribute that it is a matching key of."""


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item. ``item`` is keyword -> text or list; times are UTC, microseconds since 1970."""

    id: str
    created_us: int
    updated_us: int
    item: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntryView:
    """One scheduled step with all that stands above it; ``item`` is as in :class:`ItemView`, with this step alone."""

    id: str
    step: str
    status: StepStatus
    item: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntryPage:
    """A page of steps. ``total``: how many there are on all pages, at least when ``total_is_at_least``."""

    entries: list[EntryView]
    total: int
    total_is_at_least: bool


@dataclass(frozen=True, slots=True)
class Move:
    """What steps shall become; ``steps`` are step IDs, none for all of the item."""

    status: StepStatus
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of one item of an import: its ``id``, or the ``problem`` for which it was not taken."""

    id: str
    is_new: bool
    problem: str


@dataclass(frozen=True, slots=True)
class PerformedView:
    """A performed procedure step; ``attributes`` is keyword -> text or list, times as in :class:`ItemView`."""

    sop_instance: str
    state: str
    calling_ae_title: str
    created_us: int
    updated_us: int
    attributes: dict[str, Any]


class Filters:
    """The query parameters of the list."""

    def __init__(
        self,
        request: Request,
        status: Annotated[list[StepStatus] | None, Query(description="Only steps of one of these.")] = None,
        order: Annotated[str, Query(max_length=64, description="Keyword to sort by, a minus before it turns.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    ) -> None:
        given = request.query_params
        unknown = given.keys() - FILTERS.keys() - {"status", "order", "limit", "offset"}
        if unknown:
            raise InvalidRequest(f"{min(unknown)[:40]!r} is no filter; there are status, {', '.join(FILTERS)}")
        keys = {keyword: given[name] for name, keyword in FILTERS.items() if given.get(name)}
        self.query = StepQuery(
            conditions_of(keys),
            frozenset(status) if status else EVERY_STATUS,
            _order(order),
            Page(limit, offset),
        )


_FILTERS_TOLD: Final = {
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "string"}, "description": f"Matching key of {keyword}."}
        for name, keyword in FILTERS.items()
    ]
}
_ITEM_TOLD: Final = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}
_FILE_TOLD: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {}},
            "application/dicom": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

Numbers = Annotated[
    list[Numbered] | None,
    Query(alias="number", description="Give these the next number of the day where the item has none."),
]
ItemId = Annotated[str, Path(max_length=64)]


def router(worklist: Worklist, performed: PerformedSteps, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/worklist", tags=["worklist"], route_class=JsonRoute)
    # In this order: neither "performed", "import" nor "askers" is an item's ID.
    _performed(routes, performed, offload)
    _items(routes, worklist, offload)
    return routes


def _items(routes: APIRouter, worklist: Worklist, offload: Offload) -> None:
    def found(query: StepQuery) -> EntryPage:
        entries = [_entry(each) for each in worklist.find(query)]
        total = worklist.count(query)
        return EntryPage(entries, total.count, total.at_least)

    @routes.get("", openapi_extra=_FILTERS_TOLD)
    async def list_steps(filters: Annotated[Filters, Depends()]) -> EntryPage:
        """List scheduled steps, by their start unless another order is asked for."""
        return await offload(found, filters.query)

    @routes.post("", status_code=201, openapi_extra=_ITEM_TOLD)
    async def schedule(request: Request, response: Response, number: Numbers = None) -> ItemView:
        """Schedule an item. Identifiers that it lacks are made, and numbers where that is asked for."""
        item = await offload(worklist.schedule, await _object(request), number or ())
        response.headers["Location"] = f"{request.url.path}/{item.item_id}"
        return _view(item)

    @routes.post("/import", openapi_extra=_FILE_TOLD)
    async def import_items(request: Request) -> list[Imported]:
        """Take a `.wl` file, or one item or a list of items as JSON; items that are here already are updated."""
        check_type(request, "application/json", "application/dicom")
        data = await _body(request, MAX_FILE_BYTES)
        taken = await offload(lambda: list(import_document(worklist, "", data)))
        return [Imported(each.item_id, each.is_new, speakable(each.problem)) for each in taken]

    @routes.get("/askers")
    async def list_askers() -> list[Asker]:
        """List who asked the worklist since the start, with the last question of each, the last one first."""
        return worklist.askers.recent()

    @routes.get("/{item_id}")
    async def show_item(item_id: ItemId) -> ItemView:
        """Show one item with all its steps."""
        return _view(await offload(worklist.item, item_id))

    @routes.put("/{item_id}", openapi_extra=_ITEM_TOLD)
    async def replace(item_id: ItemId, request: Request) -> ItemView:
        """Put all attributes and steps of an item anew."""
        return _view(await offload(worklist.replace, item_id, await _object(request)))

    @routes.post("/{item_id}/status")
    async def move(item_id: ItemId, to: Move) -> ItemView:
        """Put steps of an item at a status, as when the patient arrives."""
        return _view(await offload(worklist.move, item_id, to.status, to.steps))

    @routes.delete("/{item_id}", status_code=204)
    async def remove(item_id: ItemId) -> None:
        """Forget an item and its steps."""
        await offload(worklist.remove, item_id)


def _performed(routes: APIRouter, performed: PerformedSteps, offload: Offload) -> None:
    @routes.get("/performed")
    async def list_performed(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100, offset: Annotated[int, Query(ge=0, le=2**31)] = 0
    ) -> list[PerformedView]:
        """List performed procedure steps, newest first."""
        return [_performed_view(each) for each in await offload(performed.newest, Page(limit, offset))]

    @routes.get("/performed/{sop_instance}")
    async def show_performed(sop_instance: Annotated[str, Path(max_length=64)]) -> PerformedView:
        """Show one performed procedure step."""
        return _performed_view(await offload(performed.one, UID(sop_instance)))


async def _body(request: Request, limit_bytes: int) -> bytes:
    """Return a request's body. InvalidRequest when it is longer."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit_bytes:
            raise InvalidRequest(f"the body is longer than the {limit_bytes} bytes taken here")
    return bytes(body)


async def _object(request: Request) -> dict[str, Any]:
    check_type(request, "application/json")
    try:
        read = orjson.loads(await _body(request, MAX_ITEM_BYTES))
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is no JSON: {error}") from None
    if not isinstance(read, dict):
        raise InvalidRequest("the body is no object; an item is one of keywords, such as PatientID")
    return read


def _order(asked: str) -> tuple[Order, ...]:
    if not asked:
        return BY_START
    keyword = asked.removeprefix("-")
    if keyword not in SORTABLE:
        raise InvalidRequest(f"order: {keyword[:40]!r} cannot be sorted by; there are {', '.join(sorted(SORTABLE))}")
    return (Order(keyword, descending=asked.startswith("-")), *BY_START)


def _view(item: Item) -> ItemView:
    return ItemView(item.item_id, item.created_us, item.updated_us, to_json(item))


def _entry(entry: Entry) -> EntryView:
    return EntryView(entry.item_id, entry.step_id, entry.status, entry_to_json(entry))


def _performed_view(step: Performed) -> PerformedView:
    return PerformedView(
        step.sop_instance,
        step.state,
        step.calling_ae_title,
        step.created_us,
        step.updated_us,
        dict(step.attributes),
    )
