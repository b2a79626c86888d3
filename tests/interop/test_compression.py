"""Compressed after it came: what lies on disk is read by foreign tools, and what leaves is what came."""

import json
import time
import urllib.request
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from calotype.dicom.pixels import native
from support import dcmtk
from support.pixels import frames_of, image
from support.running import Running
from support.samples import part10
from support.transcoding import PIXELS, data_set

pytestmark = pytest.mark.interop

RULES = {
    "NAMES80": ("JPEGLSLossless", "1.2.840.10008.1.2.4.80", ("dcmdjpls",)),
    "NAMES70": ("JPEGProcess14", "1.2.840.10008.1.2.4.70", ("dcmdjpeg", "+cn")),
    "NAMES90": ("JPEG2000Lossless", "1.2.840.10008.1.2.4.90", ("gdcmconv", "--raw")),
    "NAMES5": ("RLELossless", "1.2.840.10008.1.2.5", ("dcmdrle",)),
}
KINDS = ("12 bits", "16 bits, signed", "RGB")
WAIT_S = 60


@pytest.fixture(scope="module")
def sent():
    """An object for every rule and kind of pixels, all but flat, so that RLE makes them smaller, too."""
    found = {}
    for number, title in enumerate(RULES):
        for kind, name in enumerate(KINDS):
            description = replace(PIXELS[name], rows=64, columns=64)
            picture = native.encode(image(description), description)
            frame = bytes(len(picture) * 3 // 4) + picture[len(picture) * 3 // 4 :]
            uids = {"SOPInstanceUID": f"2.25.{number + 1}{kind}", "StudyInstanceUID": f"2.25.10{number}"}
            found[title, name] = data_set(description, PixelData=frame, **uids)
    return found


@pytest.fixture(scope="module")
def running(tmp_path_factory, sent):
    folder = tmp_path_factory.mktemp("compressing")
    rules = [
        {"calling_ae_titles": [title], "transfer_syntax": target, "modalities": ["OT"]}
        for title, (target, _, _) in RULES.items()
    ]
    environment = {
        "CALOTYPE__COMPRESSION__ENABLED": "true",
        "CALOTYPE__COMPRESSION__DELAY_S": "0",
        "CALOTYPE__COMPRESSION__TRANSFER_SYNTAX": "",
        "CALOTYPE__COMPRESSION__RULES": json.dumps(rules),
    }
    with Running(folder, environment) as running:
        for title in RULES:
            files = []
            for name in KINDS:
                files.append(folder / f"{title} {name}.dcm")
                files[-1].write_bytes(part10(sent[title, name]))
            done = dcmtk.run(
                "storescu", "-aet", title, "-aec", "CALOTYPE", "127.0.0.1", running.port, *files, folder=folder
            )
            assert done.returncode == 0, done.stdout
        deadline = time.monotonic() + WAIT_S
        while (told := statistics(running)["compression"])["waiting"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert told["waiting"] == 0, running.log()
        yield running


def statistics(running):
    with urllib.request.urlopen(f"http://127.0.0.1:{running.http_port}/api/statistics", timeout=60) as answer:
        return json.load(answer)


def kept(running, instance):
    """Return the file that an object is kept in."""
    objects = running.folder / "data" / "objects"
    [found] = [
        path
        for path in objects.rglob("*")
        if path.is_file() and ".incoming" not in path.parts and pydicom.dcmread(path).SOPInstanceUID == instance
    ]
    return found


def test_every_object_was_compressed_and_the_room_saved_is_told(running, sent):
    told = statistics(running)
    [result] = told["compression"]["results"]
    assert (result["result"], result["objects"]) == ("compressed", len(sent))
    assert told["compression"]["saved_bytes"] == result["before_bytes"] - result["after_bytes"] > 0
    assert told["stored_bytes"] == result["after_bytes"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("title", RULES)
def test_foreign_tools_read_the_file_on_disk(running, sent, title, name, tmp_path):
    original = pydicom.dcmread(_file(tmp_path, sent[title, name]))
    _, syntax, (tool, *options) = RULES[title]
    path = kept(running, original.SOPInstanceUID)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == syntax
    if name != "RGB" or title != "NAMES90":
        done = dcmtk.run(tool, *options, path, tmp_path / "theirs", folder=tmp_path)
        assert done.returncode == 0, done.stdout
        theirs = np.array(list(frames_of(tmp_path / "theirs")))
        np.testing.assert_array_equal(theirs, np.array(list(frames_of(tmp_path / "original.dcm"))))


def _file(folder, data):
    path = folder / "original.dcm"
    path.write_bytes(part10(data))
    return path


@pytest.mark.parametrize("title", RULES)
def test_getscu_gets_the_pixel_bytes_that_came(running, sent, title, tmp_path):
    study = pydicom.dcmread(_file(tmp_path, sent[title, KINDS[0]])).StudyInstanceUID
    (tmp_path / "got").mkdir()
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
    done = dcmtk.run(
        "getscu", "-S", "+B", "+x=", *keys, "-od", tmp_path / "got", "-aec", "CALOTYPE", "127.0.0.1", running.port,
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    got = {found.SOPInstanceUID: found for found in map(pydicom.dcmread, (tmp_path / "got").iterdir())}
    for name in KINDS:
        original = pydicom.dcmread(_file(tmp_path, sent[title, name]))
        found = got[original.SOPInstanceUID]
        assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        assert found.PixelData == original.PixelData
        assert found.PatientName == original.PatientName


def test_what_is_sent_again_is_known(running, sent, tmp_path):
    before = statistics(running)
    data = sent["NAMES80", KINDS[0]]
    path = _file(tmp_path, data)
    done = dcmtk.run(
        "storescu", "-aet", "NAMES80", "-aec", "CALOTYPE", "127.0.0.1", running.port, path, folder=tmp_path
    )
    assert done.returncode == 0, done.stdout
    after = statistics(running)
    assert (after["instances"], after["conflicts"]) == (before["instances"], 0)
