"""Builds the house from settings; starts upward, stops downward.

What lasts is opened before (``opening``) and outlives it.
Nothing here decides what a request means.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from calotype.app.admitting import logins_over
from calotype.app.anonymising import anonymiser_of, anonymising_over
from calotype.app.book import access_of, fixed_nodes
from calotype.app.compressing import compression_over
from calotype.app.opening import MIB, Stores
from calotype.app.picturing import decoding_of, forms_over, isolation_of, pictures_over
from calotype.app.scheduling import performed_over, worklist_settings
from calotype.app.settings import Listener as ListenerSection
from calotype.app.settings import ServiceName, Settings
from calotype.app.talking import caller_of, timeouts_of
from calotype.app.working import exchange_of, jobs_over
from calotype.dicom import uids
from calotype.dicom.hierarchy import UID
from calotype.dicom.query.keys import SUPPORTED
from calotype.dicom.wire import messages
from calotype.dicom.wire.negotiation import AcceptancePolicy, ExtendedAnswer
from calotype.network.association import Association, Received
from calotype.network.listener import Listener
from calotype.network.names import addresses_of, own_addresses
from calotype.network.rejections import Rejections
from calotype.network.settings import ListenerSettings
from calotype.network.tls import TlsProfile, server_context
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
from calotype.scu.calling import NATIVE_SYNTAXES
from calotype.scu.commitment import DimseMessenger
from calotype.scu.diagnosis import EchoProber
from calotype.scu.files import PartTenFiles
from calotype.scu.inquirer import DimseInquirer
from calotype.scu.sender import AssociationDelivery, DimseCourier
from calotype.services.access.access import Access
from calotype.services.archive.archive import Archive
from calotype.services.archive.marks import Marks
from calotype.services.archive.workshop import Workshop
from calotype.services.routing.commitment.service import Commitments
from calotype.services.routing.exchange import Exchange
from calotype.services.routing.live import Nodes
from calotype.services.routing.send import Dispatch
from calotype.services.worklist.worklist import Worklist
from calotype.stores.index.commitments import SqliteCommitments
from calotype.stores.index.marks import SqliteMarks
from calotype.stores.index.nodes import SqliteNodes
from calotype.stores.index.worklist import SqliteWorklist

if TYPE_CHECKING:
    from calotype.web.server import WebServer

_logger = logging.getLogger(__name__)

SERVED: Mapping[ServiceName, Sequence[UID]] = {
    "storage": tuple(sorted(uids.STORAGE_CLASSES)),
    "find": (uids.STUDY_ROOT_FIND, uids.PATIENT_ROOT_FIND),
    "move": (uids.STUDY_ROOT_MOVE, uids.PATIENT_ROOT_MOVE),
    "get": (uids.STUDY_ROOT_GET, uids.PATIENT_ROOT_GET),
    "worklist": (uids.MODALITY_WORKLIST_FIND,),
    "mpps": (uids.MODALITY_PERFORMED_PROCEDURE_STEP, uids.MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE),
    "commitment": (uids.STORAGE_COMMITMENT_PUSH,),
    "print": (),
}
"""The SOP classes behind each service of the settings; none: not built yet, its contexts are not accepted."""

_RETRIEVE_EXTENSIONS = ExtendedAnswer(bytes([1, 0]))
"""PS3.4 C.5.2.1, C.5.3.1: relational retrieval, no conversion to multi-frame images."""

EXTENSIONS: Mapping[ServiceName, ExtendedAnswer] = {
    # PS3.4 B.3.1: level 2 (full), signatures are kept (bit preserving), no coercion.
    "storage": ExtendedAnswer(bytes([2, 0, 3, 0, 0, 0]), limited_by_proposal=False),
    "find": ExtendedAnswer(SUPPORTED.to_bytes()),
    "move": _RETRIEVE_EXTENSIONS,
    "get": _RETRIEVE_EXTENSIONS,
}
"""What is answered to SOP class extended negotiation; the other services pass it over."""


class House:
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
        self.forms = forms_over(stores, settings, self.workshop, decoding)
        self.pictures = pictures_over(stores, settings, self.workshop, decoding)
        self.anonymiser = anonymiser_of(settings)
        kept = SqliteWorklist(stores.index)
        self.marks = Marks(SqliteMarks(stores.index), archive.search)
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
        self._disk = stores.objects.disk
        is_asked = settings.http.enabled and settings.http.access.login == "required"
        self.logins = logins_over(stores.index, settings) if is_asked else None
        self.first_user: str | None = None
        """Who may log in with a password that everybody knows, if there is such a one."""
        self.web = self._web(archive) if settings.http.enabled else None

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
        self.workshop.stop()
        _logger.info("stopped in %.1f s", time.monotonic() - started_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.stop()

    def _listener(self, section: ListenerSection, archive: Archive) -> Listener:
        tls = section.tls
        context = None
        if tls.certificate is not None:
            context = server_context(
                tls.certificate,
                tls.key or tls.certificate,
                password=tls.key_password,
                client_ca=tls.client_ca,
                client_required=tls.client_certificate == "required",
                profile=TlsProfile(tls.profile),
                min_version=tls.min_version,
            )
        settings = ListenerSettings(
            name=section.name or str(section.port),
            host=section.bind,
            port=section.port,
            tls=context,
            peers=tuple(ipaddress.ip_network(peer, strict=False) for peer in section.peers),
            max_associations=section.max_associations,
            max_associations_per_peer=section.max_associations_per_peer,
            timeouts=timeouts_of(self._settings),
        )

        def crossing(association: Association, received: Received) -> None:
            server.answer(association, received)

        server = Server(self._handlers(section, archive, crossing), self.access)
        policy = policy_of(section, self._settings)
        return Listener(settings, policy, server.serve, self.rejections, self.nodes.incoming_wish)

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

    def _web(self, archive: Archive) -> WebServer:
        from calotype.web.api.status import Door, Premises
        from calotype.web.app import create_app  # FastAPI and uvicorn: not needed without HTTP
        from calotype.web.rooms import Neighbours, Rooms
        from calotype.web.server import WebServer
        from calotype.web.settings import WebSettings

        http = self._settings.http
        # Whom viewers ask by DICOM.
        asked = next((each for each in self._settings.listeners if "find" in each.services), None)
        settings = WebSettings(
            bind=http.bind,
            port=http.port,
            threads=http.threads,
            drain_s=self._settings.dicom.drain_s,
            no_match_is_204=http.no_match_is_204,
            max_part_bytes=http.max_part_mib * MIB,
            max_parts=http.max_parts,
            max_metadata_bytes=http.max_metadata_mib * MIB,
            public_url=http.public_url,
            root_path=http.root_path.rstrip("/") or urlsplit(http.public_url).path.rstrip("/"),
            trusted_proxies=tuple(ipaddress.ip_network(proxy, strict=False) for proxy in http.trusted_proxies),
            cors_origins=tuple(origin.rstrip("/").lower() for origin in http.cors_origins),
            cors_credentials=http.cors_credentials,
            viewers=http.viewers,
            dicom_ae_title="" if asked is None else asked.ae_titles[0],
            dicom_port=0 if asked is None else asked.port,
            only_local=http.access.login == "off" and not http.trusted_proxies and not http.public_url,
        )
        return WebServer(
            create_app(
                Rooms(
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
                    logins=self.logins,
                    anonymiser=self.anonymiser,
                    anonymising=self.anonymising,
                    forms=self.forms,
                    compression=self.compression,
                    premises=Premises(
                        self._settings.dicom.ae_title,
                        [
                            Door(listener, section.ae_titles, section.services)
                            for listener, section in zip(self.listeners, self._settings.listeners, strict=True)
                        ],
                        self.traffic,
                        self._disk,
                        own_addresses,
                    ),
                ),
                settings,
            ),
            settings,
        )


def policy_of(section: ListenerSection, settings: Settings) -> AcceptancePolicy:
    """Return what one listener accepts: AE titles, and the contexts of its services."""
    native = NATIVE_SYNTAXES
    every = uids.STORABLE_TRANSFER_SYNTAXES
    abstract: dict[UID, Sequence[UID]] = {uids.VERIFICATION: native}
    extended: dict[UID, ExtendedAnswer] = {}
    for name in section.services:
        abstract.update(dict.fromkeys(SERVED[name], every if name == "storage" else native))
        if name in EXTENSIONS:
            extended.update(dict.fromkeys(SERVED[name], EXTENSIONS[name]))
    # C-GET: the requestor receives, so it may be SCP of anything that can be stored.
    reversed_roles: dict[UID, Sequence[UID]] = (
        dict.fromkeys(uids.STORAGE_CLASSES, every) if "get" in section.services else {}
    )
    if "commitment" in section.services:
        # PS3.4 J: an archive that we asked for commitment calls us to report, as SCP.
        reversed_roles[uids.STORAGE_COMMITMENT_PUSH] = native
    return AcceptancePolicy(
        called_ae_titles=frozenset(section.ae_titles) if section.check_called_ae_title else None,
        calling_ae_titles=frozenset(section.calling_ae_titles) or None,
        abstract_syntaxes=abstract,
        scp_abstract_syntaxes=reversed_roles,
        unknown_abstract_syntax_as_storage="storage" in section.services
        and settings.dicom.unknown_classes_as_storage,
        storage_transfer_syntaxes=every,
        never_storage=frozenset(uids.SOP_CLASSES) - uids.STORAGE_CLASSES,
        wish_abstract_syntaxes=frozenset(SERVED["move"]),
        transfer_syntax_order=tuple(UID(uid) for uid in settings.dicom.transfer_syntaxes),
        max_pdu_bytes=settings.dicom.max_pdu_bytes,
        extended_answers=extended,
    )
