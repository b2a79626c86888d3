"""``kill -9`` while objects are compressed: every one is there, as it came or smaller, and the work goes on."""

import json
import random
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from blake3 import blake3

from calotype.app.loading import load
from calotype.app.opening import open_stores
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import JPEG_LOSSLESS_SV1
from calotype.dicom.wire.messages import CStoreRQ
from calotype.dicom.wire.pdu_items import PresentationContextProposed
from calotype.network.dialer import dial
from calotype.network.settings import DialSettings
from calotype.services.archive.verify import ProblemKind
from support import samples
from support.running import Running
from support.transcoding import PIXELS, converted, data_set

KILLS = 6
EACH = 25

pytestmark = pytest.mark.durability


def objects(kill: int) -> dict[str, bytes]:
    """Objects that differ in their UIDs, some large, so that a kill finds one in work."""
    made = {}
    for side in (64, 384):
        base = data_set(PIXELS["12 bits"], Rows=side, Columns=side, PixelData=bytes(side * side) + _picture(side))
        for number in range(EACH):
            uid = f"2.25.{1_000_000 + kill * 10_000 + side + 1000 * number}"
            made[uid] = _named(base, uid)
    return made


def _picture(side: int) -> bytes:
    chance = random.Random(side)
    return bytes(byte for _ in range(side * side // 2) for byte in (chance.randrange(256), chance.randrange(4)))


def _named(base: bytes, uid: str) -> bytes:
    old = samples.encode([(0x00080018, "UI", "2.25.1")])
    assert base.count(old) == 1
    return base.replace(old, samples.encode([(0x00080018, "UI", uid)]))


def send(port: int, made: dict[str, bytes]) -> None:
    context = PresentationContextProposed(1, UID(samples.CT), (UID(samples.EXPLICIT),))
    with dial(
        "127.0.0.1", port, calling_ae_title="KILLTEST", called_ae_title="CALOTYPE", contexts=[context],
        settings=DialSettings(),
    ) as association:  # fmt: skip
        for uid, data in made.items():
            association.send(1, CStoreRQ(
                message_id=association.next_message_id(),
                affected_sop_class_uid=UID(samples.CT), affected_sop_instance_uid=UID(uid),
            ), data)  # fmt: skip
            received = association.receive()
            assert received is not None
            assert received.message.status == 0
        association.release()


def waiting(running: Running) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.http_port}/api/statistics", timeout=60) as answer:
        return int(json.load(answer)["compression"]["waiting"])


def test_killed_while_it_compresses_nothing_is_lost_and_the_work_goes_on(tmp_path: Path):
    chance = random.Random(8)
    environment = {"CALOTYPE__COMPRESSION__ENABLED": "true", "CALOTYPE__COMPRESSION__DELAY_S": "0"}
    sent: dict[str, bytes] = {}
    in_the_midst = 0
    for kill in range(KILLS):
        running = Running(tmp_path, environment).start()
        made = objects(kill)
        send(running.port, made)
        sent |= made
        if kill:  # the first one comes before a machine of any speed can be done
            threading.Event().wait(chance.random() * 0.3)
        in_the_midst += waiting(running) > 0
        running.kill()
    assert in_the_midst, "all was compressed before any kill: nothing was tested"

    with Running(tmp_path, environment) as running:
        deadline = time.monotonic() + 300
        while waiting(running) and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        assert waiting(running) == 0, running.log()
        assert running.stop() == 0

    settings = load(environ={"CALOTYPE__STORAGE__PATH": str(tmp_path / "data")}, folder=tmp_path).settings
    with open_stores(settings) as stores:
        archive = stores.archive
        held = {stored.ref.instance: stored for stored, _, _ in stores.index.records()}
        assert held.keys() == sent.keys()
        for uid, stored in held.items():
            assert stored.location.transfer_syntax == JPEG_LOSSLESS_SV1
            with archive.retrieve.open(stored) as reader:
                data = reader.read_at(stored.location.data_offset, stored.location.data_bytes)
            assert blake3(data).digest() == stored.location.digest
            assert converted(data, JPEG_LOSSLESS_SV1, EXPLICIT) == sent[uid]
        # What a kill left over has no row, and its content is here: nothing of it is another version of anything.
        report = archive.curate.verify()
        assert {problem.kind for problem in report.problems} <= {ProblemKind.ORPHAN}
        assert list(archive.curate.conflicts()) == []
