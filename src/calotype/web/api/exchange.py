"""``/api/nodes/{ae_title}/send|retrieve|find|worklist``: the exchange with one neighbour.

Sending and retrieving answer with a job at once (202); questions wait for the node's answers.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.negotiated import Negotiated
from calotype.errors import InvalidRequest
from calotype.services.routing.exchange import Answers, Exchange, Method, selection
from calotype.web.api.anonymise import Deidentification
from calotype.web.api.jobs import JobView, view
from calotype.web.json_bodies import JsonRoute
from calotype.web.offload import Offload

AeTitle = Annotated[str, Path(min_length=1, max_length=16, description="The AE title of a node.")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\\*?\x00-\x1f]+$")]
"""A UID or a patient ID: no list and no wildcard, which would mean others than the one named."""

Keys = Annotated[dict[str, Any], Field(max_length=200)]

Extension = Literal[
    "relational_queries",
    "date_time_matching",
    "fuzzy_names",
    "timezone_adjustment",
    "empty_values",
    "multiple_values",
]


class Chosen(BaseModel):
    """What is meant: every list that is given restricts, and the lowest one is the level."""

    model_config = ConfigDict(extra="forbid")

    patient_id: Name | None = None
    studies: list[Name] = []
    series: list[Name] = []
    instances: list[Name] = []

    def selection(self) -> Selection:
        """Return it as services know it. InvalidRequest when it names nothing."""
        return selection(self.patient_id, self.studies, self.series, self.instances)


class Send(Chosen):
    """What to send: a part of the archive, or files and folders of the server (``jobs.folders``).

    ``commit``: afterwards the node is asked for storage commitment; the last outcome names the transaction.
    ``anonymise``: what is of the archive leaves without its patient.
    """

    paths: list[Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]] = Field(
        default=[], max_length=1000
    )
    commit: bool = False
    anonymise: Deidentification | None = None


class Retrieve(Chosen):
    """What to retrieve and how.

    ``destination`` is who shall receive by C-MOVE, this archive when empty. ``transfer_syntaxes`` are the forms
    wished for, best first, when this archive receives.
    """

    method: Method = Method.MOVE
    destination: Annotated[str, Field(max_length=16)] = ""
    transfer_syntaxes: list[Name] = []


class Find(BaseModel):
    """A question: keys with a value are matched on, all of them are answered; none: the usual ones.

    ``extensions`` are what the node has to agree to first (PS3.4 C.5.1.1); 406 when it does not.
    """

    model_config = ConfigDict(extra="forbid")

    level: Level = Level.STUDY
    extensions: list[Extension] = Field(default=[], max_length=7)
    keys: dict[str, str] = Field(default={}, max_length=200)
    limit: Annotated[int, Field(ge=1, le=10_000)] = 500


class Worklist(BaseModel):
    """A worklist question; keys of the scheduled step may stand beside the others or in their sequence."""

    model_config = ConfigDict(extra="forbid")

    keys: Keys = {}
    limit: Annotated[int, Field(ge=1, le=10_000)] = 500


class Found(BaseModel):
    """The node's answers; ``is_complete`` is false when it has more than ``limit``."""

    answers: list[dict[str, Any]]
    is_complete: bool


def router(exchange: Exchange, offload: Offload) -> APIRouter:
    """Return the routes; ``offload`` should be one of their own, since a node may let us wait for long."""
    routes = APIRouter(prefix="/nodes/{ae_title}", tags=["exchange"], route_class=JsonRoute)

    @routes.post("/send", status_code=202)
    async def send(ae_title: AeTitle, body: Send, response: Response) -> JobView:
        """Send a part of the archive, or files of the server, to the node (C-STORE), as a job."""
        if body.paths and (body.patient_id or body.studies or body.series or body.instances):
            raise InvalidRequest("Send either a part of the archive or files, not both in one request.")
        if body.paths and body.anonymise is not None:
            raise InvalidRequest("Files are sent as they are: import them, or de-identify them before.")
        if body.paths:
            job = await offload(
                lambda: exchange.send_files(ae_title, [FilePath(path) for path in body.paths], commit=body.commit)
            )
        else:
            how = body.anonymise
            deidentify = None if how is None else exchange.wishes(how.chosen(), how.patient_id, how.patient_name)
            job = await offload(
                lambda: exchange.send(ae_title, body.selection(), commit=body.commit, deidentify=deidentify)
            )
        response.headers["Location"] = f"/api/jobs/{job.id}"
        return view(job)

    @routes.post("/retrieve", status_code=202)
    async def retrieve(ae_title: AeTitle, body: Retrieve, response: Response) -> JobView:
        """Retrieve from the node by C-MOVE, to this archive or a third party, or by C-GET; as a job."""
        job = await offload(
            lambda: exchange.retrieve(
                ae_title,
                body.selection(),
                method=body.method,
                destination=body.destination,
                transfer_syntaxes=[UID(uid) for uid in body.transfer_syntaxes],
            )
        )
        response.headers["Location"] = f"/api/jobs/{job.id}"
        return view(job)

    @routes.post("/find")
    async def find(ae_title: AeTitle, body: Find) -> Found:
        """Ask the node what it has (C-FIND)."""
        extensions = Negotiated(**dict.fromkeys(body.extensions, True))
        return _found(await offload(exchange.find, ae_title, body.level, body.keys, body.limit, extensions))

    @routes.post("/worklist")
    async def worklist(ae_title: AeTitle, body: Worklist) -> Found:
        """Ask the node what it has scheduled (modality worklist)."""
        return _found(await offload(exchange.worklist, ae_title, body.keys, body.limit))

    return routes


def _found(answers: Answers) -> Found:
    return Found(answers=list(answers.found), is_complete=answers.is_complete)
