"""``/api/studies/{uid}/anonymise`` and ``/api/anonymised/{job}``: a study made anew without its patient."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from calotype.dicom.deidentify.options import Option
from calotype.services.routing.anonymising import Anonymising, Target
from calotype.services.routing.exchange import selection
from calotype.web.api.jobs import JobId, JobView, view
from calotype.web.json_bodies import JsonRoute
from calotype.web.offload import Offload

StudyUid = Annotated[str, Path(max_length=64, description="The Study Instance UID.")]
Uid = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9.]+$")]
Given = Annotated[str, Field(max_length=64, pattern=r"^[^\\\x00-\x1f]*$")]


class Deidentification(BaseModel):
    """How to de-identify: PS3.15's options, those of the settings when null; who the patient becomes, else by key."""

    model_config = ConfigDict(extra="forbid")

    options: list[Option] | None = Field(default=None, max_length=len(Option))
    patient_id: Given = ""
    patient_name: Given = ""

    def chosen(self) -> frozenset[Option] | None:
        """Return the options, ``None`` for those of the settings."""
        return None if self.options is None else frozenset(self.options)


class Anonymise(Deidentification):
    """What to make anew, and where it goes: into the archive, or into a zip file to be fetched."""

    series: list[Uid] = Field(default=[], max_length=10_000)
    to: Target = Target.ARCHIVE


def router(anonymising: Anonymising, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["anonymise"], route_class=JsonRoute)

    @routes.post("/studies/{study}/anonymise", status_code=202)
    async def anonymise(study: StudyUid, body: Anonymise, response: Response) -> JobView:
        """Make a study (or series of it) anew without its patient, as a job; PS3.15 Annex E."""
        wanted = selection(None, [study], body.series, [])
        wishes = anonymising.wishes(body.chosen(), body.patient_id, body.patient_name)
        job = await offload(anonymising.submit, wanted, wishes, body.to)
        response.headers["Location"] = f"/api/jobs/{job.id}"
        return view(job)

    @routes.get("/anonymised/{job_id}", response_class=FileResponse)
    async def fetch(job_id: JobId) -> FileResponse:
        """Fetch the zip file that such a job has packed."""
        path = await offload(anonymising.zip_of, job_id)
        return FileResponse(path, media_type="application/zip", filename=f"anonymised-{job_id}.zip")

    @routes.delete("/anonymised/{job_id}", status_code=204)
    async def remove(job_id: JobId) -> None:
        """Remove the zip file that such a job has packed."""
        await offload(anonymising.remove_zip, job_id)

    return routes
