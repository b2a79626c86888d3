"""``/api/access``: what is open to all, what was refused to whom, and letting them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as model

from calotype.services.access.access import SERVED_TOGETHER, Access
from calotype.services.access.permissions import Right
from calotype.services.access.refusals import Refusal
from calotype.services.routing.live import Nodes
from calotype.web.api.nodes import NodeView, view_of
from calotype.web.json_bodies import JsonRoute
from calotype.web.offload import Offload


@dataclass(frozen=True, slots=True)
class OpenServices:
    """The services that everybody may use, in the book or not."""

    open_to_all: list[Right]


@model(config=ConfigDict(extra="forbid"), frozen=True, slots=True)
class Admittance:
    """What to allow; ``rights`` null is what was refused and what is of use with it.

    ``port`` is where the new node listens, null where that is not known (104 is guessed); of one that is in the book
    it is not changed.
    """

    rights: list[Right] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


def router(access: Access, nodes: Nodes, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["access"], route_class=JsonRoute)
    refusals = access.refusals

    @routes.get("/access")
    async def settings() -> OpenServices:
        """Say what is open to all."""
        return OpenServices(sorted(access.settings.open_to_all))

    @routes.get("/access/refusals")
    async def list_refusals() -> list[Refusal]:
        """List what was refused to whom, the last one first."""
        # In memory, behind a lock that nobody holds for long: no thread is needed.
        return refusals.recent()

    # The body may be {}, and has to be sent: no page of another site can send JSON without being asked about first.
    @routes.post("/access/refusals/{refusal_id}/admit")
    async def admit(refusal_id: int, admittance: Admittance) -> NodeView:
        """Allow a caller what it was refused: its node is changed, or made."""
        refusal = refusals.get(refusal_id)
        rights = SERVED_TOGETHER[refusal.right] if admittance.rights is None else admittance.rights

        def work() -> NodeView:
            nodes.admit(
                refusal.calling_ae_title,
                refusal.address,
                rights,
                port=admittance.port,
                destination=refusal.destination,
            )
            refusals.settle(refusal.calling_ae_title, refusal.address)
            return view_of(nodes.entry(refusal.calling_ae_title))

        return await offload(work)

    return routes
