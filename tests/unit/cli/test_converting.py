"""``calotype transcode`` and ``calotype dump``: files in, files and lines out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from pydicom import dcmread

from calotype.cli import calotype
from calotype.cli.converting import syntax_named
from calotype.dicom.part10 import read_file_meta
from calotype.errors import CalotypeError, InvalidRequest, NotFound, Unavailable
from support import samples
from support.pixels import frames_of
from support.transcoding import PIXELS, data_set

CT = data_set(PIXELS["12 bits"])
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"


@pytest.fixture
def run():
    def call(*arguments):
        return CliRunner().invoke(calotype, [*map(str, arguments)])

    return call


@pytest.fixture
def ct(tmp_path):
    path = tmp_path / "from" / "ct.dcm"
    path.parent.mkdir()
    path.write_bytes(samples.part10(CT))
    return path


def pixels_of(path):
    return [frame.tolist() for frame in frames_of(path)]


def test_a_file_is_written_in_another_syntax(run, ct, tmp_path):
    target = tmp_path / "to" / "new.dcm"
    done = run("transcode", "--to", "jpeg-lossless", ct, target)
    assert (done.exit_code, done.stdout) == (0, "1 converted, 0 not\n")
    assert read_file_meta(target.read_bytes()).transfer_syntax == JPEG_LOSSLESS
    assert pixels_of(target) == pixels_of(ct)
    back = tmp_path / "back.dcm"
    assert run("transcode", "--to", "explicit", target, back).exit_code == 0
    data_offset = read_file_meta(back.read_bytes()).data_offset
    assert back.read_bytes()[data_offset:] == CT


def test_a_folder_keeps_its_shape_and_what_cannot_be_converted_is_told(run, ct, tmp_path):
    (ct.parent / "deeper").mkdir()
    (ct.parent / "deeper" / "other.dcm").write_bytes(samples.part10(samples.ct(16, 16, seed=2)))
    (ct.parent / "report.dcm").write_bytes(samples.part10(samples.small()))
    done = run("transcode", "-t", ".70", ct.parent, tmp_path / "to")
    assert (done.exit_code, done.stdout) == (1, "2 converted, 1 not\n")
    assert "report.dcm: there are no pixels in it that could be compressed" in done.stderr
    written = sorted(
        str(path.relative_to(tmp_path / "to")) for path in (tmp_path / "to").rglob("*") if path.is_file()
    )
    assert written == ["ct.dcm", "deeper/other.dcm"]


def test_a_file_that_is_there_is_kept_unless_told_otherwise(run, ct, tmp_path):
    target = tmp_path / "new.dcm"
    target.write_bytes(b"precious")
    assert run("transcode", "-t", "rle", ct, target).exit_code == 1
    assert target.read_bytes() == b"precious"
    assert run("transcode", "-t", "rle", "--force", ct, target).exit_code == 0
    assert pixels_of(target) == pixels_of(ct)


def test_what_fails_in_the_middle_leaves_nothing_behind(run, ct, tmp_path):
    ct.write_bytes(ct.read_bytes()[:-100])
    assert run("transcode", "-t", "rle", ct, tmp_path / "new.dcm").exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["from"]


def test_loss_is_asked_for_and_makes_another_object(run, ct, tmp_path):
    target = tmp_path / "new.dcm"
    refused = run("transcode", "-t", "jpeg-2000-lossy", ct, target)
    assert (refused.exit_code, target.exists()) == (1, False)
    assert "which was not asked for" in refused.stderr
    assert run("transcode", "-t", "jpeg-2000-lossy", "--lossy", "--psnr", "60", ct, target).exit_code == 0
    old, new = dcmread(ct), dcmread(target)
    assert new.SOPInstanceUID == new.file_meta.MediaStorageSOPInstanceUID != old.SOPInstanceUID
    assert new.LossyImageCompression == "01"


@pytest.mark.parametrize(
    ("text", "uid"),
    [
        (".80", "1.2.840.10008.1.2.4.80"),
        ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.201"),
        ("JPEGLSLossless", "1.2.840.10008.1.2.4.80"),
        ("RLE", "1.2.840.10008.1.2.5"),
        ("explicit", "1.2.840.10008.1.2.1"),
    ],
)
def test_a_syntax_has_many_names(text, uid):
    assert syntax_named(text) == uid


@pytest.mark.parametrize("text", ["", "jpeg-3000", "1.2.3", "MPEG2MPML", ".102"])
def test_a_syntax_in_which_nothing_is_written_is_told(text):
    with pytest.raises(InvalidRequest, match="no transfer syntax that files can be written in"):
        syntax_named(text)


def test_a_dump_shows_every_element_on_a_line(run, ct):
    shown = run("dump", ct).stdout.splitlines()
    assert shown[0].startswith("# Explicit VR Little Endian (1.2.840.10008.1.2.1), ")
    assert f"(0008,0016) UI SOPClassUID = {samples.CT} (CT Image Storage)" in shown
    assert "(0028,0010) US Rows = 20" in shown
    assert "(7FE0,0010) OW PixelData = 960 bytes" in shown


def test_a_dump_of_a_compressed_object_tells_its_fragments(run, ct, tmp_path):
    target = tmp_path / "new.dcm"
    run("transcode", "-t", "rle", ct, target)
    assert any(
        line.startswith("(7FE0,0010) OB PixelData = fragments, ") for line in run("dump", target).stdout.splitlines()
    )


def test_a_dump_can_be_dicom_json(run, ct):
    found = json.loads(run("dump", "--json", ct).stdout)
    assert found["00280010"] == {"vr": "US", "Value": [20]}


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, NotFound), (b"", Unavailable), (b"DICM" * 100, CalotypeError), (b"x", InvalidRequest)],
)
def test_what_cannot_be_dumped_is_told(run, tmp_path, content, error):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert isinstance(run("dump", path).exception, error)
