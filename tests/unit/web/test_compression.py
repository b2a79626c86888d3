"""What compression tells over HTTP."""

from types import SimpleNamespace

import pytest

from calotype.dicom.hierarchy import UID
from calotype.services.archive.compression.ports import Left, Result, Tally
from calotype.services.archive.compression.service import Standing
from calotype.web.app import create_app
from calotype.web.rooms import Rooms

STANDING = Standing(enabled=True, waiting=3, saved_bytes=700, results=(Tally(Result.COMPRESSED, 2, 1000, 300),))


@pytest.fixture
def app(archive, rejections, settings):
    left = [Left(UID("1.2"), "its pixels are damaged", 5), Left(UID("1.3"), "another", 4)]
    compression = SimpleNamespace(standing=lambda: STANDING, left=lambda limit: left[:limit])
    return create_app(Rooms(archive, rejections, compression=compression), settings)


TOLD = {
    "enabled": True,
    "waiting": 3,
    "saved_bytes": 700,
    "results": [{"result": "compressed", "objects": 2, "before_bytes": 1000, "after_bytes": 300}],
}


def test_statistics_tell_what_compression_has_saved(client):
    assert client.get("/api/statistics").json()["compression"] == TOLD


def test_how_compression_stands(client):
    assert client.get("/api/compression").json() == TOLD


def test_why_objects_stay_as_they_came(client):
    first = {"sop_instance": "1.2", "reason": "its pixels are damaged", "at_us": 5}
    assert client.get("/api/compression/left?limit=1").json() == [first]
    assert client.get("/api/compression/left?limit=0").status_code == 400
