"""``/api/commitments``: storage commitments promised to neighbours, and asked of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from calotype.dicom.commitment import describe_reason
from calotype.errors import NotFound
from calotype.services.archive.retrieve import Retrieve
from calotype.services.routing.commitment.model import COMMITTED, Item
from calotype.services.routing.commitment.model import Commitment as Kept
from calotype.services.routing.commitment.service import Commitments
from calotype.services.routing.exchange import selection
from calotype.web.json_bodies import JsonRoute
from calotype.web.offload import Offload

_HIGHEST: Final = 2**63 - 1
Number = Annotated[int, Path(ge=1, le=_HIGHEST, description="The number of a transaction.")]


@dataclass(frozen=True, slots=True)
class Commitment:
    """A transaction: ``given`` by us to the peer, or ``asked`` of it. Times are UTC in microseconds since 1970.

    ``state`` is checking, reporting, waiting, done or failed; ``due_us`` is when a report is tried again.
    """

    id: int
    direction: str
    transaction: str
    peer_ae_title: str
    our_ae_title: str
    address: str
    state: str
    total: int
    committed: int
    failed: int
    attempts: int
    error: str
    requested_us: int
    changed_us: int
    due_us: int


@dataclass(frozen=True, slots=True)
class CommitmentItem:
    """One instance: ``committed`` is null while nobody knows, and ``reason`` says why it is not."""

    sop_class: str
    sop_instance: str
    committed: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class CommitmentWithItems:
    """A transaction and its instances."""

    commitment: Commitment
    items: list[CommitmentItem]


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """Which node shall commit to what the archive holds of these: studies, or some of their series or instances."""

    node: str
    studies: list[str] = field(default_factory=list)
    series: list[str] = field(default_factory=list)
    instances: list[str] = field(default_factory=list)


def router(commitments: Commitments, retrieve: Retrieve, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["commitments"], route_class=JsonRoute)

    def page(limit: int, before: int | None) -> list[Commitment]:
        return [_view(kept) for kept in commitments.recent(limit, before)]

    def one(number: int) -> CommitmentWithItems:
        kept, items = commitments.one(number)
        return CommitmentWithItems(_view(kept), [_item(item) for item in items])

    def ask(asked: CommitmentRequest) -> Commitment:
        wanted = selection(None, asked.studies, asked.series, asked.instances)
        return _view(commitments.ask(asked.node, retrieve, wanted))

    def again(number: int) -> Commitment:
        kept = commitments.promises.retry(number)
        if kept is None:
            raise NotFound(f"There is no storage commitment {number}.")
        return _view(kept)

    @routes.get("/commitments")
    async def list_commitments(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[int | None, Query(ge=1, le=_HIGHEST)] = None,
    ) -> list[Commitment]:
        """List transactions, newest first; ``before`` is the last one's number of the page before."""
        return await offload(page, limit, before)

    @routes.post("/commitments")
    async def request_commitment(asked: CommitmentRequest) -> Commitment:
        """Ask a node to commit to what was sent to it; waits a few seconds for its report, which may come later."""
        return await offload(ask, asked)

    @routes.get("/commitments/{number}")
    async def show_commitment(number: Number) -> CommitmentWithItems:
        """Show a transaction and each of its instances."""
        return await offload(one, number)

    @routes.post("/commitments/{number}/retry")
    async def retry_commitment(number: Number) -> Commitment:
        """Try at once to deliver a report that waits or was given up; does nothing to one that is done."""
        return await offload(again, number)

    return routes


def _view(kept: Kept) -> Commitment:
    return Commitment(
        id=kept.id,
        direction=kept.direction.value,
        transaction=kept.transaction,
        peer_ae_title=kept.parties.peer,
        our_ae_title=kept.parties.ours,
        address=kept.parties.address,
        state=kept.state.value,
        total=kept.total,
        committed=kept.committed,
        failed=kept.failed,
        attempts=kept.attempts,
        error=kept.error,
        requested_us=kept.requested_us,
        changed_us=kept.changed_us,
        due_us=kept.due_us,
    )


def _item(item: Item) -> CommitmentItem:
    reference, outcome = item.reference, item.outcome
    return CommitmentItem(
        reference.sop_class,
        reference.sop_instance,
        None if outcome is None else outcome == COMMITTED,
        describe_reason(outcome) if outcome else "",
    )
