"""``/api/studies/{uid}/annotations``: what whoever is logged in has measured and marked in a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from calotype.dicom.hierarchy import UID
from calotype.errors import Refused
from calotype.services.access.model import Way
from calotype.services.archive.annotations import MAX_CHANGES, NAME_PATTERN, Annotations
from calotype.web.guard import person
from calotype.web.json_bodies import JsonRoute
from calotype.web.offload import Offload

StudyUid = Annotated[str, Path(max_length=64, description="The Study Instance UID.")]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]


@dataclass(frozen=True, slots=True)
class AnnotationsView:
    """Annotations of a study by name: objects of whoever made them."""

    annotations: Mapping[str, Mapping[str, Any]]


class AnnotationsChange(BaseModel):
    """Annotations to keep, by name; ``null``: no longer. What is not named stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    annotations: Annotated[dict[Name, dict[str, Any] | None], Field(max_length=MAX_CHANGES)]


def router(annotations: Annotations, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/studies/{study}/annotations", tags=["archive"], route_class=JsonRoute)

    @routes.get("")
    async def list_annotations(request: Request, study: StudyUid) -> AnnotationsView:
        """List one's own annotations of a study; nobody sees those of others."""
        return AnnotationsView(await offload(annotations.of, person(request).user, UID(study)))

    @routes.patch("", status_code=204)
    async def change_annotations(request: Request, study: StudyUid, change: AnnotationsChange) -> None:
        """Keep annotations of one's own, or take them away, each for itself. 404 for a study that is not here."""
        grant = person(request)
        if grant.way is Way.TOKEN:
            raise Refused("What a person has marked is changed by who has logged in.")
        await offload(annotations.change, grant.user, UID(study), change.annotations)

    return routes
