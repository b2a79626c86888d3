"""Jobs that send and retrieve, over HTTP, with DCMTK at the other end; killed in the middle and taken up."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import httpx
import pydicom
import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from calotype.scu.files import gather, send_files
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Result
from support import dcmtk, samples
from support.bundled import CALLER, data_set
from support.running import Running

pytestmark = pytest.mark.interop

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
STUDY, SERIES = samples.uid(2, 1), samples.uid(3, 1)
LONG_S = 60


def instance(number):
    return samples.uid(4, number)


@pytest.fixture
def slices(tmp_path):
    """Five CT slices of one series, as files."""
    folder = tmp_path / "slices"
    folder.mkdir()
    for number in range(1, 6):
        meta = write_file_meta(UID(samples.CT), UID(instance(number)), UID(EXPLICIT))
        (folder / f"{number}.dcm").write_bytes(meta + samples.ct(seed=number))
    return folder


def store(slices, node):
    """Send the slices to a node as a modality would."""
    sent = list(send_files(DimseCourier(CALLER), node, gather([slices])))
    assert [each.answer.result for each in sent] == [Result.COMPLETED] * 5


class Server(Running):
    """A server with an address book, and its API."""

    def __init__(self, folder, nodes, **settings):
        listed = {
            f"CALOTYPE__NODES__{number}__{name}": str(value)
            for number, (title, port) in enumerate(nodes.items())
            for name, value in (("AE_TITLE", title), ("HOST", "127.0.0.1"), ("PORT", port))
        }
        super().__init__(folder / "server", listed | settings)

    @property
    def node(self):
        return Node("CALOTYPE", "127.0.0.1", self.port)

    @property
    def api(self):
        return f"http://127.0.0.1:{self.http_port}/api"

    def get(self, path):
        return httpx.get(f"{self.api}{path}", timeout=LONG_S).raise_for_status().json()

    def post(self, path, body=None):
        return httpx.post(f"{self.api}{path}", json=body, timeout=LONG_S).raise_for_status().json()

    def follow(self, job, reached=lambda job: job["state"] in {"done", "failed", "cancelled"}):
        """Follow a job's events until it is as wanted; its end is an end of them."""
        with httpx.stream("GET", f"{self.api}/jobs/{job['id']}/events", timeout=LONG_S) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for line in stream.iter_lines():
                if line.startswith("data: ") and reached(seen := json.loads(line[6:])):
                    return seen
        raise AssertionError("the stream ended before")

    def outcomes(self, job):
        return {each["item"]: each["result"] for each in self.get(f"/jobs/{job['id']}/outcomes?limit=1000")}

    def syntaxes(self):
        """The transfer syntaxes that the archive keeps its objects in."""
        files = (self.folder / "data" / "objects").rglob("*.dcm")
        return {pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID for path in files}


@contextmanager
def storescp(tmp_path, port, *options):
    folder = tmp_path / "received"
    folder.mkdir(exist_ok=True)
    with dcmtk.serving("storescp", port, *options, "-v", "-aet", "VIEWER", "-od", folder, port, folder=tmp_path):
        yield folder


def test_a_study_is_sent_to_storescp_with_an_outcome_for_each_instance(tmp_path, slices):
    port = dcmtk.free_port()
    with Server(tmp_path, {"VIEWER": port}) as server, storescp(tmp_path, port, "+xa", "+B") as received:
        store(slices, server.node)
        job = server.post("/nodes/VIEWER/send", {"studies": [STUDY]})
        assert (job["kind"], job["title"]) == ("send", f"study {STUDY} to VIEWER")
        job = server.follow(job)
        assert (job["state"], job["done"], job["failed"], job["total"]) == ("done", 5, 0, 5)
        assert server.outcomes(job) == {instance(number): "ok" for number in range(1, 6)}
        sent = sorted(data_set(path) for path in received.iterdir())
        assert sent == sorted(data_set(path) for path in slices.iterdir())


def test_a_send_that_was_killed_goes_on_where_it_was(tmp_path, slices):
    port = dcmtk.free_port()
    server = Server(tmp_path, {"VIEWER": port})
    # So slow that the job is far from its end whenever it is killed.
    with storescp(tmp_path, port, "--sleep-after", "4"), server:
        store(slices, server.node)
        job = server.post("/nodes/VIEWER/send", {"series": [SERIES]})
        server.follow(job, lambda job: job["done"] >= 2)
        # Two are written down: what was after them is done again at most.
        wait_for(lambda: len(server.outcomes(job)) >= 2)
        server.kill()
    before = (tmp_path / "storescp.log").read_text()
    with storescp(tmp_path, port) as received, server:
        job = server.follow(job)
        assert (job["state"], job["done"], job["failed"], job["total"]) == ("done", 5, 0, 5)
        assert server.outcomes(job) == {instance(number): "ok" for number in range(1, 6)}
    after = (tmp_path / "storescp.log").read_text()
    assert len(list(received.iterdir())) == 5
    assert 5 <= (before + after).count("Received Store Request") <= 7
    # The look whether it listens is one of each.
    assert [log.count("Association Received") for log in (before, after)] == [2, 2]


def test_a_send_is_paused_by_a_stop_and_goes_on_after_it(tmp_path, slices):
    port = dcmtk.free_port()
    server = Server(tmp_path, {"VIEWER": port})
    with storescp(tmp_path, port, "--sleep-after", "1"):
        with server:
            store(slices, server.node)
            job = server.post("/nodes/VIEWER/send", {"patient_id": "P0001"})
            server.follow(job, lambda job: job["done"] >= 1)
            assert server.stop() == 0
        with server:
            assert server.follow(job)["done"] == 5
        log = (tmp_path / "storescp.log").read_text()
        assert log.count("Received Store Request") == 5


def test_a_node_that_is_away_is_tried_again(tmp_path, slices):
    port = dcmtk.free_port()
    with Server(tmp_path, {"VIEWER": port}) as server:
        store(slices, server.node)
        job = server.post("/nodes/VIEWER/send", {"instances": [instance(1), instance(2)]})
        job = server.follow(job, lambda job: job["error"])
        assert (job["state"], job["attempts"], job["done"]) == ("waiting", 1, 0)
        assert job["error"].startswith("2 of 2 objects could not be handed to VIEWER@127.0.0.1")
        with storescp(tmp_path, port):
            server.post(f"/jobs/{job['id']}/retry")
            assert server.follow(job)["done"] == 2


def test_files_are_sent_from_folders_that_are_allowed(tmp_path, slices):
    port = dcmtk.free_port()
    (slices / "notes.txt").write_text("no image")
    settings = {"CALOTYPE__JOBS__FOLDERS": str(slices)}
    with Server(tmp_path, {"VIEWER": port}, **settings) as server, storescp(tmp_path, port) as received:
        job = server.follow(server.post("/nodes/VIEWER/send", {"paths": [str(slices)]}))
        assert (job["state"], job["done"], job["warned"], job["failed"], job["total"]) == ("done", 5, 1, 0, 6)
        assert server.outcomes(job)[str(slices / "notes.txt")] == "warned"
        assert len(list(received.iterdir())) == 5
        refused = httpx.post(f"{server.api}/nodes/VIEWER/send", json={"paths": ["/etc/passwd"]}, timeout=60)
        assert refused.status_code == 403
        assert "jobs.folders" in refused.json()["detail"]


# DCMTK's archive as the node


@contextmanager
def dcmqrscp(tmp_path, slices, **hosts):
    """DCMTK's image archive with the slices in it."""
    port, storage = dcmtk.free_port(), tmp_path / "DCMQR"
    storage.mkdir()
    names = {title.lower(): f"({title}, 127.0.0.1, {number})" for title, number in hosts.items()}
    (tmp_path / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\nHostTable BEGIN\n"
        + "".join(f"{name} = {address}\n" for name, address in names.items())
        + "HostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nDCMQR {storage} RW (100, 1024mb) ANY\nAETable END\n"
    )
    with dcmtk.serving("dcmqrscp", port, "-c", "dcmqrscp.cfg", folder=tmp_path):
        store(slices, Node("DCMQR", "127.0.0.1", port))
        yield port


@pytest.mark.parametrize(("wish", "kept"), [([], EXPLICIT), ([IMPLICIT], IMPLICIT)])
@pytest.mark.parametrize("method", ["move", "get"])
def test_a_study_is_retrieved_in_the_syntax_wished_for(tmp_path, slices, method, wish, kept):
    ours = dcmtk.free_port()
    with (
        dcmqrscp(tmp_path, slices, CALOTYPE=ours) as port,
        Server(tmp_path, {"DCMQR": port}, CALOTYPE__LISTENERS__0__PORT=str(ours)) as server,
    ):
        body = {"studies": [STUDY], "method": method, "transfer_syntaxes": wish}
        job = server.follow(server.post("/nodes/DCMQR/retrieve", body))
        assert (job["state"], job["done"], job["failed"], job["total"]) == ("done", 5, 0, 5)
        assert server.syntaxes() == {kept}
        [study] = httpx.get(f"{server.url}/studies", params={"StudyInstanceUID": STUDY}, timeout=60).json()
        assert study["00201208"]["Value"] == [5]
        if method == "get":
            assert server.outcomes(job) == {instance(number): "ok" for number in range(1, 6)}


def test_a_series_is_moved_to_a_third_party(tmp_path, slices):
    viewer = dcmtk.free_port()
    with (
        dcmqrscp(tmp_path, slices, VIEWER=viewer) as port,
        storescp(tmp_path, viewer) as received,
        Server(tmp_path, {"DCMQR": port}) as server,
    ):
        body = {"studies": [STUDY], "series": [SERIES], "destination": "VIEWER"}
        job = server.follow(server.post("/nodes/DCMQR/retrieve", body))
        assert (job["state"], job["done"], job["total"]) == ("done", 5, 5)
        assert len(list(received.iterdir())) == 5
        assert server.syntaxes() == set()
        unknown = server.follow(server.post("/nodes/DCMQR/retrieve", body | {"destination": "NOBODY"}))
        assert unknown["state"] == "failed"
        assert "A801 Move destination unknown" in unknown["error"]


def test_a_node_is_asked_at_every_level(tmp_path, slices):
    with dcmqrscp(tmp_path, slices) as port, Server(tmp_path, {"DCMQR": port}) as server:

        def found(level, limit=500, **keys):
            answer = server.post("/nodes/DCMQR/find", {"level": level, "keys": keys, "limit": limit})
            return answer["answers"], answer["is_complete"]

        [patient], _ = found("PATIENT", PatientID="P0001")
        assert patient["PatientBirthDate"] == "19700131"
        [study], _ = found("STUDY", PatientID="P0001", StudyInstanceUID="")
        assert study["StudyInstanceUID"] == STUDY
        [series], _ = found("SERIES", StudyInstanceUID=STUDY, Modality="CT")
        assert series["SeriesInstanceUID"] == SERIES
        keys = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES}
        images, is_complete = found("IMAGE", **keys, SOPInstanceUID="")
        assert sorted(image["SOPInstanceUID"] for image in images) == sorted(map(instance, range(1, 6)))
        assert is_complete
        images, is_complete = found("IMAGE", limit=3, **keys, SOPInstanceUID="")
        assert (len(images), is_complete) == (3, False)


def test_a_remote_worklist_is_asked(tmp_path):
    port, folder = dcmtk.free_port(), tmp_path / "worklists" / "WL"
    folder.mkdir(parents=True)
    (folder / "lockfile").touch()
    for number, modality in ((1, "CT"), (2, "MR")):
        (tmp_path / "item.dump").write_text(ITEM.format(number=number, modality=modality), encoding="utf-8")
        assert dcmtk.run("dump2dcm", "item.dump", folder / f"{number}.wl", folder=tmp_path).returncode == 0
    with (
        dcmtk.serving("wlmscpfs", port, "-dfp", folder.parent, port, folder=tmp_path),
        Server(tmp_path, {"WL": port}) as server,
    ):
        answer = server.post("/nodes/WL/worklist", {"keys": {"Modality": "MR", "PatientName": "王*"}})
        [item] = answer["answers"]
        assert (item["PatientID"], item["PatientName"]) == ("ID2", "王^小东")
        [step] = item["ScheduledProcedureStepSequence"]
        assert (step["Modality"], step["ScheduledStationAETitle"]) == ("MR", "STATION2")
        everything = server.post("/nodes/WL/worklist", {})
        assert sorted(item["AccessionNumber"] for item in everything["answers"]) == ["A1", "A2"]


ITEM = """\
(0008,0005) CS ISO_IR 192
(0008,0050) SH A{number}
(0010,0010) PN 王^小东
(0010,0020) LO ID{number}
(0010,0030) DA 19700131
(0010,0040) CS M
(0020,000d) UI 1.2.826.0.1.3680043.10.1839.7.{number}
(0032,1060) LO Thorax
(0040,0100) SQ
(fffe,e000) -
(0008,0060) CS {modality}
(0040,0001) AE STATION{number}
(0040,0002) DA 20270115
(0040,0003) TM 080000
(0040,0007) LO Thorax
(0040,0009) SH S{number}
(fffe,e00d) -
(fffe,e0dd) -
(0040,1001) SH R{number}
"""


def test_event_streams_end_when_the_server_stops(tmp_path):
    with Server(tmp_path, {}) as server:
        ended = threading.Event()
        begun = threading.Event()

        def look_on():
            with httpx.stream("GET", f"{server.api}/jobs/events", timeout=LONG_S) as stream:
                for _ in stream.iter_lines():
                    begun.set()
            ended.set()

        looking = threading.Thread(target=look_on)
        looking.start()
        assert begun.wait(LONG_S)
        assert server.stop() == 0
        looking.join(LONG_S)
        assert ended.is_set()
        assert "Traceback" not in server.log()


def wait_for(reached):
    waiting = threading.Event()
    for _ in range(LONG_S * 20):
        if reached():
            return
        waiting.wait(0.05)
    raise AssertionError("it never was")
