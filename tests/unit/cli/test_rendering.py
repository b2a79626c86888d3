"""``calotype render`` on files as they lie on a disk."""

from __future__ import annotations

import io

import pytest
from click.testing import CliRunner
from PIL import Image

from calotype.cli import calotype
from calotype.errors import InvalidRequest, NotFound, Unsupported
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
