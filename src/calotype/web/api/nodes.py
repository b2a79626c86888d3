"""``/api/nodes``: the address book, edited live; and whether a node answers.

How a node is spelled is ``services.routing.notation``'s; the models here are its types, for clients that generate
theirs from our OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as model

from calotype.errors import InvalidRequest
from calotype.services.access.permissions import Right
from calotype.services.routing.diagnosis import Diagnosis, Prober
from calotype.services.routing.live import Entry, Nodes
from calotype.services.routing.nodes import Role
from calotype.services.routing.notation import fields_of, node_of
from calotype.services.routing.takeover import MAX_CHARACTERS, read_foreign
from calotype.web.json_bodies import JsonRoute, check_type
from calotype.web.offload import Offload
from calotype.web.problems import speakable
from calotype.web.wording import Said, said

PROBES: Final = 4
"""How many nodes are asked at one time: each may take its whole timeout, and others need the threads."""

_STRICT: Final = ConfigDict(extra="forbid", strict=False)


@model(config=_STRICT, frozen=True, slots=True)
class Tls:
    """How to call a node over TLS; paths are PEM files on the server, empty for none."""

    verify: bool = True
    check_hostname: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""


@model(config=_STRICT, frozen=True, slots=True)
class Timeouts:
    """Seconds; null is the setting that holds for all."""

    connect_s: float | None = None
    dimse_s: float | None = None
    network_s: float | None = None


@model(config=_STRICT, frozen=True, slots=True)
class Permissions:
    """What a node may do besides what is open to all; ``destinations`` null is every node."""

    rights: list[Right] = field(default_factory=lambda: list(Right))
    destinations: list[str] | None = None
    bound_to_host: bool = False


@model(config=_STRICT, frozen=True, slots=True)
class NodeFields:
    """A node, as it is put into the book."""

    ae_title: str
    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Tls | None = None
    roles: list[Role] = field(default_factory=lambda: list(Role))
    transfer_syntaxes: list[str] = field(default_factory=list)
    incoming_transfer_syntaxes: list[str] = field(default_factory=list)
    character_set: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)
    note: str = ""
    anonymise: bool = False
    permissions: Permissions = field(default_factory=Permissions)


@model(config=_STRICT, frozen=True, slots=True)
class NodeView(NodeFields):
    """A node, as it stands in the book; ``read_only`` when it is the settings', and not to be changed by anybody."""

    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import; ``kept`` are nodes that the settings say otherwise, ``problems`` entries left out."""

    added: int
    replaced: int
    unchanged: int
    kept: int
    problems: Sequence[str]
    problems_said: Sequence[Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoAnswer(Diagnosis):
    """What came of asking a node; ``said`` is the detail in codes."""

    said: list[Said]


def router(nodes: Nodes, prober: Prober, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["nodes"], route_class=JsonRoute)
    probe = Offload(PROBES)

    @routes.get("/nodes")
    async def list_nodes() -> list[NodeView]:
        """List the address book, by AE title."""
        return [view_of(entry) for entry in await offload(nodes.entries)]

    @routes.post("/nodes", status_code=HTTPStatus.CREATED)
    async def add_node(node: NodeFields) -> NodeView:
        """Put a new node into the book."""
        new = node_of(_plain(node))
        await offload(nodes.add, new)
        return view_of(await offload(nodes.entry, new.title))

    # An AE title may hold a slash, hence ``path``; the routes with more behind it come first.
    @routes.post("/nodes/import")
    async def import_nodes(request: Request) -> ImportReport:
        """Take over Orthanc's ``DicomModalities`` or DicomSCP's ``appsettings.json``, as they are."""
        taken = await offload(read_foreign, await _text(request))
        counts = await offload(nodes.take_over, taken.nodes)
        told = [speakable(problem) for problem in taken.problems]
        codes = [each for problem in told for each in said(problem)]
        return ImportReport(counts["added"], counts["replaced"], counts["unchanged"], counts["kept"], told, codes)

    @routes.post("/nodes/{ae_title:path}/echo")
    async def echo(ae_title: str) -> EchoAnswer:
        """Ask a node whether it is there (C-ECHO), and say why not."""
        node = (await offload(nodes.entry, ae_title)).node
        diagnosis = await probe(prober.diagnose, node)
        return EchoAnswer(**asdict(diagnosis), said=said(diagnosis.detail))

    @routes.get("/nodes/{ae_title:path}")
    async def show_node(ae_title: str) -> NodeView:
        """Return one node."""
        return view_of(await offload(nodes.entry, ae_title))

    @routes.put("/nodes/{ae_title:path}")
    async def replace_node(ae_title: str, node: NodeView) -> NodeView:
        """Put a node in the place of the one with its AE title. What GET returns can be put back, changed."""
        new = node_of(_plain(node))
        if new.title != ae_title.strip(" "):
            raise InvalidRequest(
                "ae_title: a node keeps its AE title; add one with the new title and delete this one."
            )
        await offload(nodes.replace, new)
        return view_of(await offload(nodes.entry, new.title))

    @routes.delete("/nodes/{ae_title:path}", status_code=HTTPStatus.NO_CONTENT)
    async def delete_node(ae_title: str) -> None:
        """Take a node out of the book."""
        await offload(nodes.remove, ae_title)

    return routes


def view_of(entry: Entry) -> NodeView:
    """Return what the interface shows of a line of the book."""
    fields: dict[str, Any] = fields_of(entry.node)
    tls, timeouts, permissions = fields.pop("tls"), fields.pop("timeouts"), fields.pop("permissions")
    return NodeView(
        **fields,
        tls=None if tls is None else Tls(**tls),
        timeouts=Timeouts(**timeouts),
        permissions=Permissions(**permissions),
        read_only=entry.read_only,
    )


def _plain(node: NodeFields) -> dict[str, Any]:
    fields = asdict(node)
    fields.pop("read_only", None)
    return fields


async def _text(request: Request) -> str:
    check_type(request, "application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_CHARACTERS:
            raise InvalidRequest(f"The file has more than {MAX_CHARACTERS} bytes: give the part with the nodes.")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The file is not UTF-8 at byte {error.start}: save it as UTF-8.") from error
