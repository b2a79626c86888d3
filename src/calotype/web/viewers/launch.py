"""``/api/launch``: studies opened in programs on the reader's machine; and the addresses that other systems know.

A program gets a token of its own, made for these studies, that only reads and does not last; never the session's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, FastAPI
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as model
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.model import Match
from calotype.dicom.query.qido import parse_qido
from calotype.errors import InvalidRequest, NotFound
from calotype.services.access.model import Grant
from calotype.services.archive.search import Search
from calotype.web.addresses import base_url, uid_of
from calotype.web.guard import person
from calotype.web.json_bodies import JsonRoute
from calotype.web.offload import Offload
from calotype.web.settings import WebSettings
from calotype.web.viewers import templates, weasis

MAX_STUDIES: Final = 20
MAX_INSTANCES: Final = 100_000

WEASIS: Final = "weasis"

Mint = Callable[[str, Sequence[str], str], str]
"""Makes a launch token for a user, studies and a label; empty where nobody has to log in."""

StudiesOf = Callable[[str], frozenset[str] | None]
"""Returns the studies that a launch token opens; ``None`` where there is no such token."""


@model(config=ConfigDict(extra="forbid"), frozen=True, slots=True)
class Launch:
    """What to open, and in which viewer."""

    viewer: Annotated[str, Field(max_length=100)]
    studies: Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Launched:
    """The address to go to; a program answers it."""

    uri: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer that can be chosen."""

    name: str
    title: str


class Launcher:
    """Knows the viewers and makes their addresses. Thread-safe."""

    def __init__(self, search: Search, settings: WebSettings, mint: Mint, studies_of: StudiesOf) -> None:
        self._search = search
        self._settings = settings
        self._mint = mint
        self._studies_of = studies_of
        self._templates = {each.name: each for each in templates.read(settings.viewers)}

    @property
    def viewers(self) -> list[Viewer]:
        """Those that can be chosen, in the order of the settings."""
        return [Viewer(WEASIS, "Weasis"), *(Viewer(each.name, each.title) for each in self._templates.values())]

    def uri(self, viewer: str, studies: Sequence[str], user: str, base: str) -> str:
        """Return the address that opens studies. NotFound for a viewer or study that is not there, InvalidRequest."""
        if len(studies) > MAX_STUDIES:
            raise InvalidRequest(f"studies: {len(studies)} studies, at most {MAX_STUDIES} are opened at once")
        uids = [uid_of("studies", study) for study in studies]
        found = self._studies(uids)
        if viewer == WEASIS:
            secret = self._mint(user, uids, WEASIS)
            if secret:
                return weasis.address(f"{base}/api/launch/weasis/{secret}.xml")
            return weasis.address(f"{base}/api/launch/weasis/studies.xml?{urlencode({'studyUID': ','.join(uids)})}")
        template = self._templates.get(viewer)
        if template is None:
            raise NotFound(f"there is no viewer {viewer[:80]!r}; GET /api/launch lists them")
        if len(found) != 1:
            raise InvalidRequest(f"{template.title} opens one study at a time")
        [study] = found
        return templates.fill(
            template,
            {
                "study_uid": study["StudyInstanceUID"],
                "patient_id": study.get("PatientID", ""),
                "accession": study.get("AccessionNumber", ""),
                "dicomweb": f"{base}/dicomweb",
                "wado": f"{base}/wado",
                "token": self._mint(user, uids, template.title) if template.needs_token else "",
                "aet": self._settings.dicom_ae_title,
                "host": urlsplit(base).hostname or "",
                "port": str(self._settings.dicom_port),
            },
        )

    def manifest(self, secret: str, named: Sequence[str], base: str) -> bytes:
        """Return Weasis' manifest of what a token opens, or of the studies named where nobody logs in. NotFound."""
        studies = self._studies_of(secret) if secret else frozenset(uid_of("studyUID", each) for each in named)
        if not studies:
            raise NotFound("this link has been used up, or never was: open the study once more")
        rows = [row for study in sorted(studies) for row in self._instances(study)]
        return weasis.manifest(rows, f"{base}/wado", secret)

    def studies_of_patient(self, patient_id: str, newest: int | None) -> list[UID]:
        """Return the UIDs of a patient's studies, the newest first. NotFound when there are none."""
        query = parse_qido(Level.STUDY, [("PatientID", _exactly(patient_id))], max_limit=MAX_STUDIES).query
        found = sorted(
            self._search.find(query),
            key=lambda row: (row.get("StudyDate", ""), row.get("StudyTime", "")),
            reverse=True,
        )
        if not found:
            raise NotFound("there is no study of this patient")
        return [uid_of("StudyInstanceUID", row["StudyInstanceUID"]) for row in found[:newest]]

    def _studies(self, uids: Sequence[str]) -> list[Match]:
        query = parse_qido(Level.STUDY, [("StudyInstanceUID", ",".join(uids))], max_limit=MAX_STUDIES).query
        found = list(self._search.find(query))
        if len(found) != len(set(uids)):
            raise NotFound("a study that should be opened is not here")
        return found

    def _instances(self, study: str) -> list[Match]:
        params = [("includefield", name) for name in weasis.FIELDS]
        query = parse_qido(Level.IMAGE, params, uid_of("study", study), max_limit=MAX_INSTANCES).query
        order = ("StudyInstanceUID", "SeriesInstanceUID")
        return sorted(
            self._search.find(query), key=lambda row: (*(row.get(name, "") for name in order), _number(row))
        )


def _number(row: Match) -> int:
    text = row.get("InstanceNumber", "").strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def _exactly(value: str) -> str:
    if not value.strip() or any(char in value for char in "*?\\"):
        raise InvalidRequest("patientID: give the whole ID of one patient")
    return value


def install(app: FastAPI, launcher: Launcher, offload: Offload, settings: WebSettings) -> None:
    """Add ``/api/launch``, ``/weasis`` and ``/IHEInvokeImageDisplay`` to ``app``."""
    app.include_router(_api(launcher, offload, settings), prefix="/api")

    async def open_weasis(request: Request) -> Response:
        studies = request.query_params.get("studyUID", "").split(",")
        base = base_url(request, settings.public_url)
        return _go(await offload(launcher.uri, WEASIS, studies, _user(request), base))

    async def invoke(request: Request) -> Response:
        # IHE RAD TF-2 4.106: Invoke Image Display.
        asked = request.query_params
        match asked.get("requestType", "").upper():
            case "STUDY":
                studies = [uid_of("studyUID", each) for each in asked.get("studyUID", "").split(",") if each]
            case "PATIENT":
                newest = 1 if asked.get("mostRecentResults", "").lower() in {"true", "1"} else None
                studies = await offload(launcher.studies_of_patient, asked.get("patientID", ""), newest)
            case _:
                raise InvalidRequest("requestType: give STUDY with studyUID, or PATIENT with patientID")
        if not studies:
            raise InvalidRequest("studyUID: give the UID of a study")
        others = urlencode([("compare", each) for each in studies[1:MAX_STUDIES]])
        root = quote(request.scope.get("root_path", ""))
        return _go(f"{root}/ui/viewer/{quote(studies[0], safe='')}{'?' if others else ''}{others}")

    app.add_route("/weasis", open_weasis, methods=["GET"], include_in_schema=False)
    app.add_route("/IHEInvokeImageDisplay", invoke, methods=["GET"], include_in_schema=False)


def _api(launcher: Launcher, offload: Offload, settings: WebSettings) -> APIRouter:
    routes = APIRouter(prefix="/launch", tags=["viewers"], route_class=JsonRoute)

    @routes.get("")
    async def list_viewers() -> list[Viewer]:
        """List the programs that studies can be opened in."""
        return launcher.viewers

    @routes.post("")
    async def launch(request: Request, asked: Launch) -> Launched:
        """Return the address that opens studies in a program, with a token of its own where it needs one."""
        base = base_url(request, settings.public_url)
        return Launched(await offload(launcher.uri, asked.viewer, asked.studies, _user(request), base))

    @routes.get("/weasis/{name}")
    async def weasis_manifest(request: Request, name: str, studyUID: str = "") -> Response:  # noqa: N803 - as in WADO
        """Tell Weasis what the token in the address opens."""
        secret = name.removesuffix(".xml")
        base = base_url(request, settings.public_url)
        named = [each for each in studyUID.split(",") if each]
        is_named = secret == "studies"  # noqa: S105 - the name of no token
        body = await offload(launcher.manifest, "" if is_named else secret, named if is_named else [], base)
        return Response(body, media_type="application/xml", headers={"Cache-Control": "no-store"})

    return routes


def _user(request: Request) -> str:
    grant: Grant = person(request)
    return grant.user


def _go(address: str) -> Response:
    return RedirectResponse(address, 302, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
