"""``calotype render`` on files as they lie on a disk."""

from __future__ import annotations

import io

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from calotype.cli import calotype
from calotype.dicom.pixels import codecs
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.uids import JPEG_LOSSLESS_SV1
from calotype.errors import DamagedPixels, InvalidRequest, NotFound, Unsupported
from support import samples


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.dcm"
    path.write_bytes(samples.part10(samples.ct(64, 32)))
    return path


def run(*arguments, code=0):
    result = CliRunner().invoke(calotype, ["render", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize(("name", "form"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.gif", "GIF")])
def test_the_name_of_the_output_says_its_form(image, tmp_path, name, form):
    assert run(image, "-o", tmp_path / name).startswith(str(tmp_path / name))

    with Image.open(tmp_path / name) as picture:
        assert (picture.format, picture.size) == (form, (32, 64))


def test_window_and_size_are_applied(image, tmp_path):
    run(image, "-o", tmp_path / "a.png", "--window", "100000,1", "--size", "16x16")

    with Image.open(tmp_path / "a.png") as picture:
        assert (picture.size, picture.getextrema()) == ((8, 16), (0, 0))


def test_a_clip_becomes_an_animation(tmp_path):
    (tmp_path / "clip.dcm").write_bytes(samples.part10(samples.multi_frame(frames=3)))

    run(tmp_path / "clip.dcm", "-o", tmp_path / "all.gif")
    run(tmp_path / "clip.dcm", "-o", tmp_path / "one.gif", "--frame", "2")

    frames = [Image.open(io.BytesIO((tmp_path / name).read_bytes())).n_frames for name in ("all.gif", "one.gif")]
    assert frames == [3, 1]


def test_a_document_comes_out(tmp_path):
    (tmp_path / "letter.dcm").write_bytes(samples.part10(samples.pdf()))

    run(tmp_path / "letter.dcm", "-o", tmp_path / "letter.pdf")

    assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF-1.4")


@pytest.mark.parametrize(
    "arguments", [("-o", "a.bmp"), ("-o", "a.png", "--window", "wide"), ("-o", "a.png", "--size", "big")]
)
def test_options_that_make_no_sense_are_explained(image, arguments):
    assert "Usage" in run(image, *arguments, code=2)


def test_what_cannot_be_shown_is_refused(image, tmp_path):
    (tmp_path / "report.dcm").write_bytes(samples.part10(samples.structured_report()))
    (tmp_path / "text.dcm").write_bytes(b"no DICOM at all" * 20)
    for file, output, error in (
        (tmp_path / "report.dcm", "a.png", Unsupported),
        (image, "a.pdf", Unsupported),
        (tmp_path / "text.dcm", "a.png", InvalidRequest),
    ):
        with pytest.raises(error):
            run(file, "-o", tmp_path / output)
    with pytest.raises(NotFound):
        run(image, "-o", tmp_path / "a.png", "--frame", "2")
    assert not (tmp_path / "a.png").exists()


def test_what_is_left_of_a_damaged_frame_is_shown_when_that_is_asked_for(tmp_path):
    values = np.arange(64 * 48, dtype="uint16").reshape(64, 48)
    frame = codecs.encode(values, PixelDescription(64, 48), JPEG_LOSSLESS_SV1).data
    changes = {
        0x00280010: ("US", 64),
        0x00280011: ("US", 48),
        0x00280100: ("US", 16),
        0x00280101: ("US", 16),
        0x00280102: ("US", 15),
        0x00280103: ("US", 0),
        0x7FE00010: ("OB", samples.Fragments([frame[: len(frame) // 4 * 2]])),
    }
    file, picture = tmp_path / "cut.dcm", tmp_path / "cut.png"
    file.write_bytes(samples.part10(samples.small(changes=changes), JPEG_LOSSLESS_SV1))
    with pytest.raises(DamagedPixels, match="cut off"):
        run(file, "-o", picture)

    run(file, "-o", picture, "--damaged")

    assert picture.read_bytes().startswith(b"\x89PNG")
