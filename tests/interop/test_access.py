"""Who may do what, as pynetdicom meets it: a stranger, a node with few rights, a node that calls from elsewhere."""

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from calotype.services.access.permissions import Right
from calotype.services.routing.nodes import Node
from support import samples
from support.bundled import named
from support.calling import associated
from support.running import Running

pytestmark = pytest.mark.interop

REFUSED = 0x0124
GUARDED = {f"CALOTYPE__ACCESS__{right.name}": "known" for right in Right if right is not Right.STORE}
NODES = (
    {"AE_TITLE": "CONSOLE", "HOST": "127.0.0.1", "RIGHTS": "store,find"},
    {"AE_TITLE": "FAR", "HOST": "192.0.2.7", "BOUND_TO_HOST": "true"},
    {"AE_TITLE": "VIEWER", "HOST": "127.0.0.1", "PORT": "1", "DESTINATIONS": "VIEWER"},
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    nodes = {
        f"CALOTYPE__NODES__{number}__{name}": value
        for number, node in enumerate(NODES)
        for name, value in node.items()
    }
    with Running(tmp_path_factory.mktemp("guarded"), GUARDED | nodes) as running:
        yield running


def keys_of(**given):
    keys = Dataset()
    keys.QueryRetrieveLevel = "STUDY"
    keys.StudyInstanceUID = samples.uid(2, 1)
    for keyword, value in given.items():
        setattr(keys, keyword, value)
    return keys


def last(answers):
    *_, (status, _) = answers
    return status.Status


def echo(association):
    return association.send_c_echo().Status


def store(association):
    return association.send_c_store(dcmread(named("CT_small.dcm").path)).Status


def query(association):
    return last(association.send_c_find(keys_of(), StudyRootQueryRetrieveInformationModelFind))


def worklist(association):
    keys = Dataset()
    keys.PatientName = ""
    return last(association.send_c_find(keys, ModalityWorklistInformationFind))


def move(association, destination="VIEWER"):
    return last(association.send_c_move(keys_of(), destination, StudyRootQueryRetrieveInformationModelMove))


def get(association):
    return last(association.send_c_get(keys_of(), StudyRootQueryRetrieveInformationModelGet))


def perform(association):
    step = Dataset()
    step.PerformedProcedureStepStatus = "IN PROGRESS"
    status, _ = association.send_n_create(step, ModalityPerformedProcedureStep, samples.uid(9, 1))
    return status.Status


def commit(association):
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = samples.CT, samples.uid(4, 1)
    request = Dataset()
    request.TransactionUID = samples.uid(9, 2)
    request.ReferencedSOPSequence = [item]
    status, _ = association.send_n_action(request, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
    return status.Status


FREE = (echo, store)
GUARDED_SERVICES = (query, worklist, move, get, perform, commit)


def asked(server, title, service):
    ae = AE(title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    for sop_class in (
        Verification,
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelMove,
        StudyRootQueryRetrieveInformationModelGet,
        ModalityWorklistInformationFind,
        ModalityPerformedProcedureStep,
        StorageCommitmentPushModel,
    ):
        ae.add_requested_context(sop_class)
    ae.add_requested_context(samples.CT, samples.EXPLICIT)
    with associated(ae, Node("CALOTYPE", "127.0.0.1", server.port)) as association:
        return service(association)


@pytest.mark.parametrize("service", FREE)
def test_a_stranger_may_echo_and_store(server, service):
    assert asked(server, "STRANGER", service) == 0x0000


@pytest.mark.parametrize("service", GUARDED_SERVICES)
def test_a_stranger_is_refused_everything_else(server, service):
    assert asked(server, "STRANGER", service) == REFUSED


@pytest.mark.parametrize("service", GUARDED_SERVICES)
def test_a_node_may_do_what_its_rights_say(server, service):
    assert (asked(server, "CONSOLE", service) == REFUSED) == (service is not query)


def test_a_node_that_is_bound_to_its_host_is_a_stranger_elsewhere(server):
    assert asked(server, "FAR", query) == REFUSED


def test_a_node_moves_to_its_destinations_only(server):
    assert asked(server, "VIEWER", move) == 0x0000
    assert asked(server, "VIEWER", lambda association: move(association, "CONSOLE")) == REFUSED
