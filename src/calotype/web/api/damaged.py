"""``/api/damaged``: objects whose pixels could not be decoded. They are kept and served as they came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query

from calotype.services.archive.ports import DamageRecord, Flag
from calotype.web.offload import Offload


@dataclass(frozen=True, slots=True)
class Damaged:
    """An object and what is wrong with its pixels. ``noticed_us`` is UTC, since 1970."""

    flag: str
    study: str
    series: str
    instance: str
    detail: str
    noticed_us: int


def router(damaged: Callable[[], Iterator[DamageRecord]], offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["archive"])

    def first(limit: int) -> list[Damaged]:
        return [_view(each) for each in islice(damaged(), limit)]

    @routes.get("/damaged")
    async def list_damaged(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[Damaged]:
        """List objects whose pixels could not be decoded, newest first."""
        return await offload(first, limit)

    return routes


def _view(record: DamageRecord) -> Damaged:
    ref = record.ref
    return Damaged(Flag.PIXELS_DAMAGED.value, ref.study, ref.series, ref.instance, record.detail, record.noticed_us)
