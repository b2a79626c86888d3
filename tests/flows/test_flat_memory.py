"""Memory stays flat: a server that takes large and many objects grows by neither."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import psutil

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.messages import CStoreRQ
from calotype.dicom.wire.pdu_items import PresentationContextProposed
from calotype.network.association import Association
from calotype.network.dialer import dial
from calotype.network.settings import DialSettings
from support import samples
from support.running import Running

MIB = 1 << 20


def peak_rss_bytes(running: Running) -> int:
    assert running.process is not None
    status = Path(f"/proc/{running.process.pid}/status")
    if status.exists():
        [peak] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(peak.split()[1]) * 1024
    return psutil.Process(running.process.pid).memory_info().rss


def store(association: Association, data: bytes, instance: str) -> None:
    association.send(
        1,
        CStoreRQ(
            message_id=association.next_message_id(),
            affected_sop_class_uid=UID(samples.CT),
            affected_sop_instance_uid=UID(instance),
        ),
        data,
    )
    received = association.receive()
    assert received is not None
    assert received.message.status == 0


NAME = "DOE^JO"
"""Of letters: for the first hanzi a dictionary of 50 MB is loaded, as soon as the index is quiet for a while."""


def test_large_and_many_objects_leave_memory_as_it_was(tmp_path):
    context = PresentationContextProposed(1, UID(samples.CT), (UID(samples.EXPLICIT),))
    with (
        Running(tmp_path, {"CALOTYPE__STORAGE__DURABLE": "false"}) as running,
        dial(
            "127.0.0.1",
            running.port,
            calling_ae_title="TEST",
            called_ae_title="CALOTYPE",
            contexts=[context],
            settings=DialSettings(),
        ) as association,
    ):
        for i in range(300):
            uid = samples.uid(1, i)
            store(association, samples.ct(16, 16, seed=i, sop_uid=uid, patient_name=NAME), uid)
        before = peak_rss_bytes(running)
        for i in range(700):
            uid = samples.uid(2, i)
            store(association, samples.ct(16, 16, seed=i, sop_uid=uid, patient_name=NAME), uid)
        after_many = peak_rss_bytes(running)
        large = samples.ct(5000, 5000, sop_uid=samples.uid(3, 1), patient_name=NAME)
        assert len(large) > 45 * MIB
        store(association, large, samples.uid(3, 1))
        after_large = peak_rss_bytes(running)
    assert after_many - before < 8 * MIB
    assert after_large - after_many < 8 * MIB


CLIENTS = 8
FETCHES = 2


def fetched_bytes(port: int, path: str, accept: str, start: threading.Barrier) -> int:
    """Fetch a resource when all clients are there; return its length, which nobody holds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        total = 0
        start.wait(120)
        for _ in range(FETCHES):
            connection.request("GET", path, headers={"Accept": accept})
            answer = connection.getresponse()
            assert answer.status == 200
            while piece := answer.read(MIB):
                total += len(piece)
        return total
    finally:
        connection.close()


def test_many_clients_who_fetch_large_objects_at_once_leave_memory_as_it_was(tmp_path):
    large = samples.ct(5000, 5000, study_uid="1.2.3", series_uid="1.2.3.4", sop_uid="1.2.3.4.5", patient_name=NAME)
    assert len(large) > 45 * MIB
    with Running(tmp_path, {"CALOTYPE__STORAGE__DURABLE": "false"}) as running:
        connection = HTTPConnection("127.0.0.1", running.http_port, timeout=120)
        connection.request(
            "POST",
            "/dicomweb/studies",
            samples.part10(large, samples.EXPLICIT),
            {"Content-Type": "application/dicom"},
        )
        assert connection.getresponse().status == 200
        connection.close()
        study, instance = "/dicomweb/studies/1.2.3", "/dicomweb/studies/1.2.3/series/1.2.3.4/instances/1.2.3.4.5"
        ways = (
            (study, 'multipart/related; type="application/dicom"; transfer-syntax=*'),
            (study, "application/zip"),
            (instance, "application/dicom; transfer-syntax=*"),
            (f"{instance}/bulkdata/7FE00010", "application/octet-stream"),
            (f"{instance}/frames/1", "application/octet-stream; transfer-syntax=*"),
        )
        with ThreadPoolExecutor(CLIENTS) as clients:
            for path, accept in ways:
                # What the first one needs to be loaded stays.
                fetched_bytes(running.http_port, path, accept, threading.Barrier(1))
                before = peak_rss_bytes(running)
                start = threading.Barrier(CLIENTS)
                fetching = [
                    clients.submit(fetched_bytes, running.http_port, path, accept, start) for _ in range(CLIENTS)
                ]
                for each in fetching:
                    assert each.result() > FETCHES * 45 * MIB
                after = peak_rss_bytes(running)
                assert after - before < 40 * MIB, (path, accept)
        assert peak_rss_bytes(running) < 200 * MIB
