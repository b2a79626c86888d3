"""A server at rest holds no codec; a decoder that hangs or dies takes neither the server nor the object with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from calotype.dicom.pixels import codecs
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.uids import JPEG_LOSSLESS_SV1
from support import samples
from support.pixels import image
from support.running import Running

MIB = 1 << 20
GREY = PixelDescription(64, 48, 1, 8, 8, 7)
ISOLATED = {"CALOTYPE__PIXELS__ISOLATION": "all", "CALOTYPE__PIXELS__ISOLATION_S": "2"}
LIBRARIES = ("numpy", "imagecodecs", "PIL", "alembic", "pydicom", "pypinyin")


def compressed(number: int, *, is_whole: bool = True) -> bytes:
    """Return a data set with one frame, which can be decoded if it is whole."""
    frame = codecs.encode(image(GREY), GREY, JPEG_LOSSLESS_SV1).data
    changes = {
        0x00280010: ("US", GREY.rows), 0x00280011: ("US", GREY.columns), 0x00280100: ("US", 8),
        0x00280101: ("US", 8), 0x00280102: ("US", 7), 0x00280103: ("US", 0),
        0x7FE00010: ("OB", samples.Fragments([frame if is_whole else frame[: len(frame) // 4 * 2]])),
    }  # fmt: skip
    return samples.small(seed=number, changes=changes)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("isolated"), ISOLATED) as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def stored(client: httpx.Client, number: int, **how: bool) -> str:
    """Store an object and return the address of its instance."""
    file = samples.part10(compressed(number, **how), JPEG_LOSSLESS_SV1)
    answer = client.post("/studies", content=file, headers={"Content-Type": "application/dicom"})
    [found] = answer.json()["00081199"]["Value"]
    return "/studies/" + found["00081190"]["Value"][0].partition("/studies/")[2]


def decoder(server: Running) -> psutil.Process:
    assert server.process is not None
    [child] = psutil.Process(server.process.pid).children()
    return child


def test_a_decoder_that_hangs_or_dies_is_replaced_and_its_object_marked(server, client):
    sound, hanging, another = (stored(client, number) for number in (1, 2, 3))
    assert client.get(f"{sound}/rendered", headers={"Accept": "image/png"}).status_code == 200

    first = decoder(server)
    first.suspend()
    told = client.get(f"{hanging}/rendered", headers={"Accept": "image/png"})
    assert (told.status_code, "longer than 6 s" in told.text) == (406, True)
    damaged = client.get(f"http://127.0.0.1:{server.http_port}/api/damaged").json()
    assert len([marked for marked in damaged if marked["instance"] in hanging]) == 1
    original = client.get(hanging, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert original.content.endswith(compressed(2))

    assert client.get(f"{another}/rendered", headers={"Accept": "image/png"}).status_code == 200
    second = decoder(server)
    assert second.pid != first.pid
    second.kill()
    until_s = time.monotonic() + 60
    while second.status() != psutil.STATUS_ZOMBIE:  # nobody has asked for its end yet
        assert time.monotonic() < until_s
        time.sleep(0.01)
    assert client.get(f"{another}/rendered", headers={"Accept": "image/jpeg"}).status_code == 200
    assert decoder(server).pid != second.pid


def test_what_is_left_of_a_damaged_frame_is_shown_to_who_asks_for_it_by_either_way(server, client):
    address = stored(client, 4, is_whole=False)
    study, series, instance = address.split("/")[2::2]
    wado = {"requestType": "WADO", "studyUID": study, "seriesUID": series, "objectUID": instance}
    wado |= {"contentType": "image/png"}
    for url, query in ((f"{server.url}{address}/rendered", {}), (f"http://127.0.0.1:{server.http_port}/wado", wado)):
        for damaged, status in ((None, 406), ("refuse", 406), ("show", 200)):
            parameters = query if damaged is None else query | {"damaged": damaged}
            told = client.get(url, params=parameters, headers={"Accept": "image/png"})
            assert told.status_code == status


def test_a_server_at_rest_holds_no_codec_and_little_memory(tmp_path):
    """Started over an index that is there; the first start of all has Alembic in memory, to make it."""
    with Running(tmp_path):
        pass
    with Running(tmp_path) as running:
        assert running.process is not None
        process = psutil.Process(running.process.pid)
        mapped = [Path(each.path).parts for each in process.memory_maps()]
        taken = process.memory_info().rss
        assert httpx.get(f"{running.url}/studies", timeout=60).status_code == 200
    assert {name for name in LIBRARIES if any(name in parts for parts in mapped)} == set()
    # Measured: 87 MiB. Numpy and the codecs take 60 MiB more.
    assert taken < 120 * MIB
