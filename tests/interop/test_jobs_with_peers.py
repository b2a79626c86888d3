"""Jobs that exchange with pynetdicom over TLS: sent to it, retrieved from it by C-GET and by C-MOVE."""

import ssl
from contextlib import contextmanager

import pydicom
import pytest
from pynetdicom import AE, StoragePresentationContexts, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from calotype.app.authority import make_test_authority
from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, Listener, NodeTls, Settings, Storage
from calotype.app.settings import Node as NodeSection
from calotype.services.jobs.model import ItemResult, State
from calotype.services.routing.exchange import Method, selection
from support import dcmtk
from support.bundled import OPEN_TO_ALL, named

pytestmark = pytest.mark.interop

CT = named("CT_small.dcm")


@pytest.fixture
def paper(tmp_path):
    return make_test_authority(tmp_path / "paper")


@contextmanager
def archive(folder, paper, port):
    """Our archive, which knows PACS and calls it over mutual TLS."""
    tls = NodeTls(enabled=True, ca=paper.ca, certificate=paper.client_certificate, key=paper.client_key)
    settings = Settings(
        storage=Storage(path=folder / "archive", durable=False, min_free_mib=1),
        listeners=(Listener(name="test", bind="127.0.0.1", port=0),),
        http=Http(enabled=False),
        access=OPEN_TO_ALL,
        nodes=(NodeSection("PACS", "localhost", port, tls=tls),),
    )
    with open_stores(settings) as opened, House(settings, opened) as house:
        yield house


class Pacs:
    """pynetdicom's: keeps what it is sent, and gives what it has."""

    def __init__(self, has, ours):
        self.has = [pydicom.dcmread(each.path) for each in has]
        self.ours = ours
        self.got = []

    def keep(self, event):
        self.got.append(str(event.request.AffectedSOPInstanceUID))
        return 0x0000

    def find(self, event):
        del event
        for each in self.has:
            answer = pydicom.Dataset()
            answer.QueryRetrieveLevel = "STUDY"
            answer.StudyInstanceUID = each.StudyInstanceUID
            answer.SOPClassesInStudy = each.SOPClassUID
            yield 0xFF00, answer

    def get(self, event):
        del event
        yield len(self.has)
        for each in self.has:
            yield 0xFF00, each

    def move(self, event):
        contexts = StoragePresentationContexts[:100]
        yield "127.0.0.1", self.ours(), {"contexts": contexts, "ae_title": str(event.move_destination)}
        yield from self.get(event)


@contextmanager
def pacs(paper, port, has=(), ours=lambda: 0):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=paper.ca)
    context.load_cert_chain(paper.server_certificate, paper.server_key)
    context.verify_mode = ssl.CERT_REQUIRED
    kept = Pacs(has, ours)
    ae = AE("PACS")
    for each in StoragePresentationContexts:
        ae.add_supported_context(each.abstract_syntax, scu_role=True, scp_role=True)
    for model in (
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelGet,
        StudyRootQueryRetrieveInformationModelMove,
    ):
        ae.add_supported_context(model)
    handlers = [
        (evt.EVT_C_STORE, kept.keep),
        (evt.EVT_C_FIND, kept.find),
        (evt.EVT_C_GET, kept.get),
        (evt.EVT_C_MOVE, kept.move),
    ]
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers, ssl_context=context)
    try:
        yield kept
    finally:
        server.shutdown()


def ended(house, job):
    *_, last = house.jobs.watch(job.id)
    return last


@pytest.mark.parametrize("method", [Method.GET, Method.MOVE])
def test_a_study_is_retrieved_from_pynetdicom_and_sent_back_over_tls(tmp_path, paper, method):
    port = dcmtk.free_port()
    with archive(tmp_path, paper, port) as house, pacs(paper, port, [CT], lambda: house.listeners[0].port) as kept:
        wanted = selection(None, [CT.study], [], [])
        job = ended(house, house.exchange.retrieve("PACS", wanted, method=method))
        assert (job.state, job.error, job.progress.done, job.progress.failed) == (State.DONE, "", 1, 0)
        job = ended(house, house.exchange.send("PACS", wanted))
        assert (job.state, job.progress.done, job.progress.total) == (State.DONE, 1, 1)
        assert kept.got == [CT.sop_instance]
        [outcome] = house.jobs.outcomes(job.id)
        assert (outcome.item, outcome.result) == (CT.sop_instance, ItemResult.OK)
