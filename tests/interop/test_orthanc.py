"""Storage commitment with Orthanc, in both roles: each reports on an association of its own."""

from __future__ import annotations

import time

import pytest

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, Listener, Settings, Storage
from calotype.app.settings import Node as NodeSection
from calotype.dicom.hierarchy import UID
from calotype.scu.files import gather, send_files
from calotype.scu.sender import DimseCourier
from calotype.services.jobs.model import ItemResult
from calotype.services.jobs.model import State as JobState
from calotype.services.routing.commitment.model import State
from calotype.services.routing.exchange import selection
from calotype.services.routing.nodes import Node
from support import dcmtk, orthanc
from support.bundled import CALLER, OPEN_TO_ALL, named

pytestmark = pytest.mark.interop

PATIENCE_S = 60
CT = named("CT_small.dcm")


@pytest.fixture
def peers(tmp_path):
    """Our archive with one image, and an Orthanc that knows it and is known."""
    port = dcmtk.free_port()
    settings = Settings(
        storage=Storage(path=tmp_path / "archive", min_free_mib=1),
        listeners=(Listener(name="test", bind="127.0.0.1", port=0),),
        http=Http(enabled=False),
        access=OPEN_TO_ALL,
        nodes=(NodeSection("ORTHANC", "127.0.0.1", port),),
    )
    with open_stores(settings) as opened, House(settings, opened) as house:
        held = opened.archive.retrieve
        ours = Node("CALOTYPE", "127.0.0.1", house.listeners[0].port)
        list(send_files(DimseCourier(CALLER), ours, gather([CT.path])))
        with orthanc.running(tmp_path / "orthanc", port, ours) as peer:
            yield house, held, peer


def until(ask, is_done):
    deadline = time.monotonic() + PATIENCE_S
    while not is_done(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_what_is_sent_to_orthanc_is_committed_to_by_it(peers):
    house, _held, peer = peers
    job = house.exchange.send("ORTHANC", selection(None, [CT.study], [], []), commit=True)
    *_, ended = house.jobs.watch(job.id)
    assert (ended.state, ended.progress.done) == (JobState.DONE, 2)
    outcomes = {each.item: (each.result, each.comment) for each in house.jobs.outcomes(job.id)}
    assert outcomes[CT.sop_instance] == (ItemResult.OK, "")
    result, comment = outcomes["storage commitment 1"]
    assert (result, comment.startswith("transaction 1: ORTHANC")) == (ItemResult.OK, True)
    done = until(lambda: house.commitments.one(1)[0], lambda found: found.state is State.DONE)
    assert (done.committed, done.failed) == (1, 0)
    assert len(peer.api.get("/instances").json()) == 1


def test_orthanc_does_not_commit_to_what_it_has_not(peers):
    house, held, _peer = peers
    asked = house.commitments.ask("ORTHANC", held, selection(None, [], [], [UID(CT.sop_instance)]))
    done = until(lambda: house.commitments.one(asked.id)[0], lambda found: found.state is State.DONE)
    assert (done.committed, done.failed) == (0, 1)
    assert [item.outcome for item in house.commitments.one(asked.id)[1]] == [0x0112]


def test_orthanc_asks_and_is_told(peers):
    _house, _held, peer = peers
    missing = "1.2.3.4"
    asked = peer.api.post(
        "/modalities/CALOTYPE/storage-commitment",
        json={"DicomInstances": [[CT.sop_class, CT.sop_instance], [CT.sop_class, missing]]},
    ).json()
    told = until(
        lambda: peer.api.get(f"/storage-commitment/{asked['ID']}").json(), lambda found: found["Status"] != "Pending"
    )
    assert told["Status"] == "Failure", told
    assert [each["SOPInstanceUID"] for each in told["Success"]] == [CT.sop_instance]
    assert [(each["SOPInstanceUID"], each["FailureReason"]) for each in told["Failures"]] == [(missing, 0x0112)]
