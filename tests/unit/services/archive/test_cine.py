"""Films by a program on PATH: a small one stands in for ffmpeg, which is not everywhere."""

from __future__ import annotations

import os
import sys

import pytest

from calotype.errors import Unavailable, Unsupported
from calotype.services.archive.cine import Ffmpeg, NoCine, Reel

STAND_IN = """#!{python}
import sys
if "-encoders" in sys.argv:
    print(" V..... mpeg4  MPEG-4 part 2\\n V..... {encoder}  H.264")
    raise SystemExit(0)
{act}
data = sys.stdin.buffer.read()
with open(sys.argv[-1], "wb") as film:
    film.write(repr(sys.argv[1:-1]).encode() + b"|" + data)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(*, encoder="libx264", act=""):
        path = tmp_path / "ffmpeg"
        path.write_text(STAND_IN.format(python=sys.executable, encoder=encoder, act=act))
        path.chmod(0o755)

    return make


def reel(*frames, colour=False, rate=25.0):
    return Reel(iter(frames), 3, 1, colour, rate)


def test_without_the_program_there_are_no_films(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    cine = Ffmpeg.found()

    assert not cine.is_here
    assert isinstance(cine, NoCine)
    with pytest.raises(Unsupported, match="ffmpeg"):
        cine.film(reel(b"abc"))


@pytest.mark.parametrize(("colour", "format_"), [(False, "gray"), (True, "rgb24")])
def test_frames_are_handed_over_as_they_are(program, colour, format_):
    program()
    cine = Ffmpeg.found()

    told, data = cine.film(reel(b"abc", b"def", colour=colour)).split(b"|")

    assert cine.is_here
    assert data == b"abcdef"
    assert f"'-pix_fmt', '{format_}', '-s', '3x1', '-r', '25.0000'" in told.decode()
    assert "'-c:v', 'libx264'" in told.decode()


@pytest.mark.parametrize(("encoder", "chosen"), [("libopenh264", "libopenh264"), ("none", "mpeg4")])
def test_the_best_encoder_that_is_there_is_used(program, encoder, chosen):
    program(encoder=encoder)

    assert f"'-c:v', '{chosen}'" in Ffmpeg.found().film(reel(b"abc")).decode()


def test_absurd_rates_are_bounded(program):
    program()

    assert "'-r', '120.0000'" in Ffmpeg.found().film(reel(b"abc", rate=1e9)).decode()


def test_what_the_program_complains_of_is_told(program):
    program(act='print("no such codec", file=sys.stderr); raise SystemExit(1)')

    with pytest.raises(Unavailable, match="no such codec"):
        Ffmpeg.found().film(reel(*[bytes(1 << 16)] * 50))


def test_a_frame_that_cannot_be_made_ends_the_program(program):
    program()

    def frames():
        yield b"abc"
        raise Unsupported("this one is damaged")

    with pytest.raises(Unsupported, match="this one"):
        Ffmpeg.found().film(Reel(frames(), 3, 1, is_colour=False, rate=1))
