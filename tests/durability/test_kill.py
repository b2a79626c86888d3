"""``kill -9`` at any moment of an ingest: what was answered Success is there, indexed and intact."""

import random
import threading
import time
from pathlib import Path

import pytest
from blake3 import blake3

from calotype.app.loading import load
from calotype.app.opening import open_archive
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.model import Query
from calotype.dicom.wire.messages import CStoreRQ
from calotype.dicom.wire.pdu_items import PresentationContextProposed
from calotype.errors import CalotypeError
from calotype.network.dialer import dial
from calotype.network.settings import DialSettings
from support import samples
from support.running import Running

KILLS = 20
SENDERS = 4

# Twenty-one starts take longer than a single test is given where a machine has ten others to do.
pytestmark = [pytest.mark.durability, pytest.mark.timeout(1800)]


class Sender(threading.Thread):
    """Sends new objects until the server is gone; remembers what was answered Success."""

    def __init__(self, port: int, number: int, accepted: dict[str, bytes], lock: threading.Lock) -> None:
        super().__init__()
        self._port = port
        self._number = number
        self._accepted = accepted
        self._lock = lock
        self.unexpected: list[int] = []

    def run(self) -> None:
        context = PresentationContextProposed(1, UID(samples.CT), (UID(samples.EXPLICIT),))
        try:
            with dial(
                "127.0.0.1", self._port, calling_ae_title="KILLTEST", called_ae_title="CALOTYPE",
                contexts=[context], settings=DialSettings(),
            ) as association:  # fmt: skip
                for i in range(100_000):
                    instance = samples.uid(self._number, i)
                    side = 16 if i % 4 else 256
                    data = samples.ct(side, side, seed=i, study_uid=samples.uid(self._number), sop_uid=instance)
                    association.send(1, CStoreRQ(
                        message_id=association.next_message_id(),
                        affected_sop_class_uid=UID(samples.CT), affected_sop_instance_uid=UID(instance),
                    ), data)  # fmt: skip
                    received = association.receive()
                    assert received is not None
                    if received.message.status != 0:
                        self.unexpected.append(received.message.status)
                        continue
                    with self._lock:
                        self._accepted[instance] = blake3(data).digest()
        except CalotypeError:
            return


def test_killed_twenty_times_nothing_answered_success_is_missing_or_damaged(tmp_path: Path):
    chance = random.Random(20)
    accepted: dict[str, bytes] = {}
    lock = threading.Lock()
    for kill in range(KILLS):
        running = Running(tmp_path).start()
        before = len(accepted)
        senders = [Sender(running.port, kill * SENDERS + i + 1, accepted, lock) for i in range(SENDERS)]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + 120
        while len(accepted) < before + 10 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.1)
        running.kill()
        for sender in senders:
            sender.join(120)
            assert sender.unexpected == []
        assert len(accepted) >= before + 10, "the server took nothing before it was killed"

    # The next start needs no hand, and sees all of it over the network too.
    with Running(tmp_path) as running:
        assert running.process is not None
        assert running.stop() == 0

    settings = load(environ={"CALOTYPE__STORAGE__PATH": str(tmp_path / "data")}, folder=tmp_path).settings
    with open_archive(settings) as archive:
        indexed = {match["SOPInstanceUID"] for match in archive.search.find(Query(Level.IMAGE))}
        assert sorted(set(accepted) - indexed) == []
        # Nothing half visible: every row, answered or not, has its whole object.
        for instance in indexed:
            [stored] = archive.retrieve.locate(Selection(Level.IMAGE, instances=(UID(instance),)))
            with archive.retrieve.open(stored) as reader:
                assert reader.size_bytes == stored.location.size_bytes
                data = reader.read_at(stored.location.data_offset, stored.location.data_bytes)
            assert blake3(data).digest() == stored.location.digest
            if instance in accepted:
                assert stored.location.digest == accepted[instance]
        studies = list(archive.search.find(Query(Level.STUDY, fields=frozenset({"NumberOfStudyRelatedInstances"}))))
        assert sum(int(match["NumberOfStudyRelatedInstances"]) for match in studies) == len(indexed)
        # Half-written files of killed processes were swept by the next start.
        spools = [path for path in (tmp_path / "data" / "objects" / ".incoming").rglob("*") if path.is_file()]
        assert [path for path in spools if path.stat().st_size > 0] == []
