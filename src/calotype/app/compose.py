"""Builds the house from settings; starts upward, stops downward.

What lasts is opened before (``opening``) and outlives it.
Nothing here decides what a request means.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from calotype.app.admitting import logins_over
from calotype.app.anonymising import anonymiser_of, anonymising_over
from calotype.app.book import access_of, fixed_nodes
from calotype.app.compressing import compression_over
from calotype.app.listening import SERVED, listener_settings, policy_of
from calotype.app.opening import Stores
from calotype.app.picturing import decoding_of, fleet_of, forms_over, isolation_of, pictures_over
from calotype.app.scheduling import performed_over, worklist_settings
from calotype.app.settings import Listener as ListenerSection
from calotype.app.settings import ServiceName, Settings
from calotype.app.talking import caller_of
from calotype.app.working import exchange_of, jobs_over
from calotype.closing import Stopping
from calotype.dicom.wire import messages
from calotype.network.association import Association, Received
from calotype.network.listener import Listener
from calotype.network.names import addresses_of, own_addresses
from calotype.network.rejections import Rejections
from calotype.network.traffic import Traffic
from calotype.scp.by_context import by_context
from calotype.scp.commitment import CommitmentScp, ReportTaker
from calotype.scp.find import FindScp
from calotype.scp.get import GetScp
from calotype.scp.move import MoveScp
from calotype.scp.mpps import MppsScp
from calotype.scp.server import Handler, Server
from calotype.scp.storage import StorageScp
from calotype.scp.worklist import WorklistScp
from calotype.scu.commitment import DimseMessenger
from calotype.scu.diagnosis import EchoProber
from calotype.scu.files import PartTenFiles
from calotype.scu.inquirer import DimseInquirer
from calotype.scu.sender import AssociationDelivery, DimseCourier
from calotype.services.access.access import Access
from calotype.services.archive.annotations import Annotations
from calotype.services.archive.archive import Archive
from calotype.services.archive.marks import Marks
from calotype.services.archive.ports import Disk
from calotype.services.archive.workshop import Workshop
from calotype.services.routing.commitment.service import Commitments
from calotype.services.routing.exchange import Exchange
from calotype.services.routing.live import Nodes
from calotype.services.routing.send import Dispatch
from calotype.services.worklist.worklist import Worklist
from calotype.stores.index.annotations import SqliteAnnotations
from calotype.stores.index.commitments import SqliteCommitments
from calotype.stores.index.marks import SqliteMarks
from calotype.stores.index.nodes import SqliteNodes
from calotype.stores.index.worklist import SqliteWorklist

if TYPE_CHECKING:
    from calotype.web.server import WebServer

_logger = logging.getLogger(__name__)


class House(Stopping):
    """Everything that serves, as one thing to start and stop. Used by one thread."""

    def __init__(self, settings: Settings, stores: Stores) -> None:
        self._settings = settings
        archive = self.archive = stores.archive
        self.rejections = Rejections()
        self.nodes = Nodes(SqliteNodes(stores.index), fixed_nodes(settings), resolve=addresses_of)
        self.access = Access(access_of(settings), self.nodes)
        self.jobs = jobs_over(stores, settings)
        self.workshop = Workshop(settings.pixels.threads)
        self.isolation = isolation_of(settings)
        decoding = decoding_of(settings, self.isolation)
        self.fleet = fleet_of(settings)
        self.forms = forms_over(stores, settings, self.workshop, decoding, self.fleet)
        self.pictures = pictures_over(stores, settings, self.workshop, decoding)
        self.anonymiser = anonymiser_of(settings, decoding.decode)
        kept = SqliteWorklist(stores.index)
        self.marks = Marks(SqliteMarks(stores.index), archive.search, archive.events)
        self.annotations = Annotations(SqliteAnnotations(stores.index), archive.search)
        self.worklist = Worklist(kept, worklist_settings(settings))
        self.performed = performed_over(kept, settings)
        self.commitments = Commitments.over(
            SqliteCommitments(stores.index),
            archive.custody,
            self.nodes,
            DimseMessenger(caller_of(settings)),
            our_ae_title=settings.dicom.ae_title,
        )
        self.compression = compression_over(stores, settings, self.workshop.spare)
        self._dispatch = Dispatch(archive.retrieve, DimseCourier(caller_of(settings)), self.forms, self.anonymiser)
        self.exchange = self._exchange(archive)
        self.anonymising = anonymising_over(stores, settings, self.jobs, self.anonymiser)
        self.listeners = [self._listener(section, archive) for section in settings.listeners]
        self.traffic = Traffic(self.listeners)
        is_asked = settings.http.enabled and settings.http.access.login == "required"
        self.logins = logins_over(stores.index, settings) if is_asked else None
        self.first_user: str | None = None
        """Who may log in with a password that everybody knows, if there is such a one."""
        self.web = self._web(archive, stores.objects.disk) if settings.http.enabled else None

    def start(self) -> None:
        """Open all ports. Raises the first port's error, with the others closed again."""
        try:
            self.commitments.promises.start()
            self.archive.recycling.start()
            self.archive.changes.start()
            self.anonymising.start()
            for listener in self.listeners:
                listener.start()
            self.traffic.start()
            if self.logins is not None:
                first = self.logins.users.ensure_first(self._settings.http.access.admin_password)
                self.first_user = first.name if first else None
            if self.web is not None:
                self.web.start()
            # Last: what a job retrieves may come through one of our ports.
            self.jobs.start()
            self.compression.start()
        except BaseException:
            self.stop(drain_s=0)
            raise

    def stop(self, drain_s: float | None = None) -> None:
        """Close all doors to newcomers at once, let what runs finish for ``drain_s`` (by setting), end the rest."""
        wait_s = self._settings.dicom.drain_s if drain_s is None else drain_s
        started_s = time.monotonic()
        # In parallel: a port that still drains must not keep the next one open.
        stops = [threading.Thread(target=listener.stop, args=(wait_s,)) for listener in self.listeners]
        stops.append(threading.Thread(target=self.jobs.stop, args=(wait_s,)))
        stops.append(threading.Thread(target=self.compression.stop, args=(wait_s,)))
        if self.web is not None:
            stops.append(threading.Thread(target=self.web.stop, args=(wait_s,)))
        workers = (self.commitments.promises, self.archive.recycling, self.archive.changes, self.anonymising)
        stops += [threading.Thread(target=worker.stop, args=(wait_s,)) for worker in workers]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        self.traffic.stop()
        self.isolation.stop()
        self.fleet.stop()
        self.workshop.stop()
        _logger.info("stopped in %.1f s", time.monotonic() - started_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def _listener(self, section: ListenerSection, archive: Archive) -> Listener:
        def crossing(association: Association, received: Received) -> None:
            server.answer(association, received)

        server = Server(self._handlers(section, archive, crossing), self.access)
        return Listener(
            listener_settings(section, self._settings),
            policy_of(section, self._settings),
            server.serve,
            self.rejections,
            self.nodes.incoming_wish,
        )

    def _handlers(
        self, section: ListenerSection, archive: Archive, crossing: Handler
    ) -> dict[type[messages.Message], Handler]:
        steps = MppsScp(self.performed)
        handlers: dict[ServiceName, dict[type[messages.Message], Handler]] = {
            "storage": {messages.CStoreRQ: StorageScp(archive.ingest)},
            "find": {messages.CFindRQ: FindScp(archive.search, self.nodes)},
            "move": {messages.CMoveRQ: MoveScp(self._dispatch, self.nodes)},
            "get": {messages.CGetRQ: GetScp(archive.retrieve, AssociationDelivery, self.forms)},
            "worklist": {messages.CFindRQ: WorklistScp(self.worklist, self.nodes)},
            "mpps": {
                messages.NCreateRQ: steps.create,
                messages.NSetRQ: steps.set,
                messages.NGetRQ: steps.get,
            },
            "commitment": {
                messages.NActionRQ: CommitmentScp(self.commitments.promises, crossing),
                messages.NEventReportRQ: ReportTaker(self.commitments.requests.answered),
            },
        }
        chosen = [(SERVED[name], handlers[name]) for name in section.services if name in handlers]
        return by_context(chosen)

    def _exchange(self, archive: Archive) -> Exchange:
        return Exchange(
            self.jobs,
            self.nodes,
            dispatch=self._dispatch,
            inquirer=DimseInquirer(caller_of(self._settings)),
            files=PartTenFiles(),
            ingest=archive.ingest,
            requests=self.commitments.requests,
            settings=exchange_of(self._settings),
        )

    def _web(self, archive: Archive, disk: Callable[[], Disk]) -> WebServer:
        from calotype.app.publishing import web_over  # FastAPI and uvicorn: not needed without HTTP
        from calotype.web.api.status import Door, Premises
        from calotype.web.rooms import Neighbours, Rooms

        doors = [
            Door(listener, section.ae_titles, tuple(name for name in section.services if SERVED[name]))
            for listener, section in zip(self.listeners, self._settings.listeners, strict=True)
        ]
        rooms = Rooms(
            archive,
            self.rejections,
            jobs=self.jobs,
            exchange=self.exchange,
            commitments=self.commitments,
            worklist=(self.worklist, self.performed),
            neighbours=Neighbours(self.nodes, EchoProber(caller_of(self._settings)), self.access),
            pictures=self.pictures,
            recycling=archive.recycling,
            changes=archive.changes,
            marks=self.marks,
            annotations=self.annotations,
            logins=self.logins,
            anonymiser=self.anonymiser,
            anonymising=self.anonymising,
            forms=self.forms,
            compression=self.compression,
            premises=Premises(self._settings.dicom.ae_title, doors, self.traffic, disk, own_addresses),
        )
        return web_over(rooms, self._settings)
