"""``/api/conflicts``: what waits for a person's decision."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query

from calotype.services.archive.ports import ConflictRecord
from calotype.web.offload import Offload


@dataclass(frozen=True, slots=True)
class Conflict:
    """A further version of an instance, or a patient with two faces. ``received_us`` is UTC, since 1970."""

    flag: str
    study: str
    series: str
    instance: str
    detail: str
    received_us: int


def router(conflicts: Callable[[], Iterator[ConflictRecord]], offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["archive"])

    def first(limit: int) -> list[Conflict]:
        # Closing tells the index that nobody reads on.
        with closing(_views(conflicts())) as views:
            return list(islice(views, limit))

    @routes.get("/conflicts")
    async def list_conflicts(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[Conflict]:
        """List open conflicts, newest first."""
        return await offload(first, limit)

    return routes


def _views(records: Iterator[ConflictRecord]) -> Generator[Conflict, None, None]:
    for record in records:
        ref = record.ref
        yield Conflict(record.flag.value, ref.study, ref.series, ref.instance, record.detail, record.received_us)
