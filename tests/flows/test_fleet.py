"""Many objects leave in another transfer syntax: converted by processes beside the server, which may die of it."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from calotype.dicom.part10 import read_file_meta
from calotype.dicom.pixels.transcode import convert
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, RLE_LOSSLESS
from support import samples
from support.running import Running

STUDY = samples.uid(19)
COUNT = 24
OBJECTS = {
    samples.uid(19, 1, number): samples.ct(
        256, 256, seed=number, study_uid=STUDY, series_uid=samples.uid(19, 1), sop_uid=samples.uid(19, 1, number)
    )
    for number in range(1, COUNT + 1)
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("fleet"), {"CALOTYPE__PIXELS__PROCESSES": "2"}) as running:
        with httpx.Client(base_url=running.url, timeout=120) as client:
            for data in OBJECTS.values():
                answer = client.post(
                    "/studies", content=samples.part10(data), headers={"Content-Type": "application/dicom"}
                )
                assert answer.status_code == 200
        yield running


def retrieved(server: Running) -> dict[str, bytes]:
    """Return the objects of the study as RLE, by UID."""
    accept = f"application/zip; transfer-syntax={RLE_LOSSLESS}"
    answer = httpx.get(f"{server.url}/studies/{STUDY}", headers={"Accept": accept}, timeout=120)
    assert answer.status_code == 200
    found = {}
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        for name in archive.namelist():
            file = archive.read(name)
            meta = read_file_meta(file)
            assert meta is not None
            assert meta.transfer_syntax == RLE_LOSSLESS
            found[samples.value_of(file[meta.data_offset :], 0x00080018)] = file[meta.data_offset :]
    return found


def expected(data: bytes) -> bytes:
    with convert(data, EXPLICIT_VR_LITTLE_ENDIAN, RLE_LOSSLESS) as new:
        return b"".join(new.chunks())


def children(server: Running) -> list[psutil.Process]:
    assert server.process is not None
    return psutil.Process(server.process.pid).children()


def test_many_objects_leave_by_way_of_children_and_outlive_them(server: Running, tmp_path: Path) -> None:
    wanted = {uid: expected(data) for uid, data in OBJECTS.items()}
    assert children(server) == []

    # The first are converted in the server while children start.
    while not children(server):
        assert retrieved(server) == wanted
    for child in children(server):
        os.kill(child.pid, 9)
    assert retrieved(server) == wanted

    multipart = f'multipart/related; type="application/dicom"; transfer-syntax={RLE_LOSSLESS}'
    answer = httpx.get(f"{server.url}/studies/{STUDY}", headers={"Accept": multipart}, timeout=120)
    assert (answer.status_code, answer.content.count(b"Content-Type: application/dicom")) == (200, COUNT)
    positions = [answer.content.index(data) for data in wanted.values()]
    assert len(set(positions)) == COUNT


def test_one_object_alone_starts_no_process(tmp_path: Path) -> None:
    with Running(tmp_path, {"CALOTYPE__PIXELS__PROCESSES": "2"}) as running:
        uid, data = next(iter(OBJECTS.items()))
        httpx.post(
            f"{running.url}/studies",
            content=samples.part10(data),
            headers={"Content-Type": "application/dicom"},
            timeout=120,
        )
        answer = httpx.get(
            f"{running.url}/studies/{STUDY}/series/{samples.uid(19, 1)}/instances/{uid}",
            headers={"Accept": f"application/dicom; transfer-syntax={RLE_LOSSLESS}"},
            timeout=120,
        )
        assert answer.content.endswith(expected(data))
        assert children(running) == []
