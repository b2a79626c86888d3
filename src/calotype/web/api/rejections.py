"""``/api/rejections``: associations that were turned away, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Protocol

from fastapi import APIRouter, Query

from calotype.network.rejections import Rejection
from calotype.web.wording import Said, said


class RejectionLog(Protocol):
    """What remembers rejections: ``network.rejections.Rejections``, or a twin of it."""

    def recent(self, limit: int = 100) -> Sequence[Rejection]:
        """Return the last rejections, newest first."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Return how many there were since the start, by reason."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionView(Rejection):
    """A rejection, with its words in codes, too; those of result and reason are of PS3.8 Table 9-21."""

    result_said: list[Said]
    reason_said: list[Said]
    detail_said: list[Said]


@dataclass(frozen=True, slots=True)
class RejectionPage:
    """The last rejections, newest first, and how many there were since the start, by reason."""

    counts: dict[str, int]
    recent: list[RejectionView]


def router(log: RejectionLog) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["network"])

    @routes.get("/rejections")
    async def rejections(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> RejectionPage:
        """List associations that were turned away, with result, source and reason in words."""
        # In memory, behind a lock that nobody holds for long: no thread is needed.
        return RejectionPage(dict(log.counts()), [_view(each) for each in log.recent(limit)])

    return routes


def _view(rejection: Rejection) -> RejectionView:
    return RejectionView(
        **asdict(rejection),
        result_said=said(rejection.result),
        reason_said=said(rejection.reason),
        detail_said=said(rejection.detail),
    )
