"""Puts the web room together: one application from an archive and settings. Routes stand in their own files."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calotype import __version__
from calotype.services.access import secrets
from calotype.web import pages, problems, wado_uri
from calotype.web.api import (
    access,
    anonymise,
    changes,
    commitments,
    compression,
    conflicts,
    damaged,
    dictionary,
    events,
    exchange,
    health,
    jobs,
    marks,
    nodes,
    preferences,
    recycle_bin,
    rejections,
    sample,
    session,
    sessions,
    statistics,
    status,
    studies,
    texts,
    tokens,
    users,
    worklist,
)
from calotype.web.cors import add_cors
from calotype.web.desk import Desk
from calotype.web.dicomweb import capabilities, delete, picture_routes
from calotype.web.dicomweb import routes as dicomweb
from calotype.web.dicomweb.context import Context
from calotype.web.dicomweb.routes import PREFIXES
from calotype.web.forwarding import Forwarding
from calotype.web.guard import Guard
from calotype.web.offload import Offload
from calotype.web.openapi import describe
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from calotype.web.viewers import launch, ohif

_EVERY_ANSWER = (
    # What a file or a request says is data, whatever it looks like.
    (b"x-content-type-options", b"nosniff"),
    # Patients' data must not lie in a cache between us and whoever asked.
    (b"cache-control", b"private, no-cache"),
)


def create_app(rooms: Rooms, settings: WebSettings) -> FastAPI:
    """Return the application: ``/dicomweb`` (alias ``/dicom-web``), ``/wado`` and ``/api``. Nothing is started."""
    app = FastAPI(
        title="calotype",
        version=__version__,
        openapi_url="/api/openapi.json",
        # FastAPI's pages load scripts from a public host; a hospital's network has no way there.
        docs_url=None,
        redoc_url=None,
        # A redirect to the path without a slash would lose a POST's body.
        redirect_slashes=False,
    )
    archive = rooms.archive
    offload = Offload(settings.threads)
    problems.install(app)
    context = Context(archive, offload, settings, rooms.forms, rooms.anonymiser)
    dicomweb.install(app, context)
    if rooms.pictures is not None:
        picture_routes.install(app, context, rooms.pictures)
    wado_uri.install(app, context, rooms.pictures, rooms.anonymiser)
    _install_changing(app, context, rooms)
    capabilities.install(app, context)
    for router in (
        health.router(),
        dictionary.router(),
        statistics.router(archive.search, offload, rooms.compression),
        studies.router(archive.search, offload, settings, rooms.marks, rooms.changes),
        rejections.router(rooms.rejections),
        sample.router(archive.ingest, offload),
        conflicts.router(archive.curate.conflicts, offload),
        damaged.router(archive.curate.damaged, offload),
        texts.router(archive.texts, offload),
        *([] if rooms.annotations is None else [marks.router(rooms.annotations, offload)]),
        *([] if rooms.anonymising is None else [anonymise.router(rooms.anonymising, offload)]),
        *([] if rooms.compression is None else [compression.router(rooms.compression, offload)]),
    ):
        app.include_router(router, prefix="/api")
    if rooms.jobs is not None:
        app.include_router(jobs.router(rooms.jobs, offload, idle_s=settings.idle_s), prefix="/api")
    if rooms.exchange is not None:
        # Neighbours may let their askers wait: those must not use up what serves everybody else.
        calls = Offload(settings.calls)
        app.include_router(exchange.router(rooms.exchange, calls), prefix="/api")
    if rooms.commitments is not None:
        app.include_router(
            commitments.router(rooms.commitments, archive.retrieve, Offload(settings.calls)), prefix="/api"
        )
    if rooms.worklist is not None:
        app.include_router(worklist.router(*rooms.worklist, offload), prefix="/api")
    _install_network(app, rooms, offload)
    desk = _install_access(app, rooms, settings)
    ohif.install(app)
    launch.install(app, _launcher(rooms, settings, desk), offload, settings)
    pages.install(app)
    describe(app)
    # Innermost: what it is told has been made true by those around it, and they see what it refuses.
    app.add_middleware(Guard, desk=desk, settings=settings)
    app.add_middleware(problems.Bugs)
    if settings.cors_origins:
        add_cors(app, settings)
    if settings.trusted_proxies or settings.root_path:
        app.add_middleware(Forwarding, trusted=settings.trusted_proxies, root_path=settings.root_path)
    app.add_middleware(_SafeHeaders)
    return app


def _launcher(rooms: Rooms, settings: WebSettings, desk: Desk | None) -> launch.Launcher:
    """Return what opens studies in other programs; where nobody logs in, they need no token."""
    if desk is None:
        return launch.Launcher(rooms.archive.search, settings, lambda *_: "", lambda _: None)
    tokens = desk.logins.tokens

    def studies_of(secret: str) -> frozenset[str] | None:
        grant = tokens.look_up(secrets.digest(secret)) if secrets.is_token(secret) else None
        return None if grant is None else grant.studies

    return launch.Launcher(
        rooms.archive.search,
        settings,
        lambda user, studies, label: tokens.launch(user, studies, label)[0],
        studies_of,
    )


def _install_access(app: FastAPI, rooms: Rooms, settings: WebSettings) -> Desk | None:
    """Add who may log in, and return where that is asked; ``None`` where nobody has to."""
    desk = None if rooms.logins is None else Desk(rooms.logins, settings)
    app.include_router(session.router(desk, settings), prefix="/api")
    app.include_router(preferences.router(desk), prefix="/api")
    if desk is not None:
        for router in (users.router(desk), sessions.router(desk), tokens.router(desk)):
            app.include_router(router, prefix="/api")
    return desk


def _install_network(app: FastAPI, rooms: Rooms, offload: Offload) -> None:
    """Add who is around us, and how our ports stand."""
    if (neighbours := rooms.neighbours) is not None:
        app.include_router(nodes.router(neighbours.nodes, neighbours.prober, offload), prefix="/api")
        app.include_router(access.router(neighbours.access, neighbours.nodes, offload), prefix="/api")
    if rooms.premises is not None:
        app.include_router(status.router(rooms.premises, offload), prefix="/api")


def _install_changing(app: FastAPI, context: Context, rooms: Rooms) -> None:
    """Add what deletes and restores, and what tells of changes."""
    offload, settings = context.offload, context.settings
    if rooms.recycling is not None:
        delete.install(app, context, rooms.recycling)
        app.include_router(recycle_bin.router(rooms.recycling, offload), prefix="/api")
    if rooms.changes is not None:
        for prefix in ("/api", *PREFIXES):
            # One name is enough for the document; the alias answers the same.
            is_told = prefix != PREFIXES[1]
            app.include_router(changes.router(rooms.changes, offload), prefix=prefix, include_in_schema=is_told)
        clients = settings.max_event_clients
        stream = events.router(rooms.changes, rooms.jobs, offload, idle_s=settings.idle_s, max_clients=clients)
        app.include_router(stream, prefix="/api")


class _SafeHeaders:
    """Adds the headers that every answer has, where it does not bring its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                names = {name.lower() for name, _ in given}
                message = {**message, "headers": [*given, *(each for each in _EVERY_ANSWER if each[0] not in names)]}
            await send(message)

        await self._app(scope, receive, send_with_headers)
