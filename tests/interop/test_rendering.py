"""Pictures beside those that DCMTK makes of the same objects, and films by ffmpeg."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from calotype.dicom.part10 import read_file_meta
from calotype.dicom.pixels.render import RenderParameters, render
from calotype.dicom.pixels.subject import read_subject
from calotype.services.archive.cine import Ffmpeg, Reel
from support import bundled, dcmtk

pytestmark = pytest.mark.interop

_DECODED_BY_DCMTK = {
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
}  # fmt: skip
_SHOWN_OTHERWISE = {
    # DCMTK shows the ones of single bits in a middle grey.
    "liver_1frame.dcm",
    "liver_expb_1frame.dcm",
    "liver_nonbyte_aligned.dcm",
    # Implicit VR under an explicit label: DCMTK cannot read it.
    "SC_rgb_jpeg.dcm",
}


def opened(path):
    content = memoryview(path.read_bytes())
    meta = read_file_meta(content)
    return read_subject(content[meta.data_offset :], meta.transfer_syntax)


def comparable():
    for each in bundled.first_of_each():
        if each.transfer_syntax in _DECODED_BY_DCMTK and each.path.name not in _SHOWN_OTHERWISE:
            subject, _ = opened(each.path)
            if subject.number_of_frames:
                yield each.path


@pytest.mark.parametrize("path", list(comparable()), ids=lambda path: path.name)
def test_a_picture_is_the_one_that_dcmtk_makes(path, tmp_path):
    subject, read_at = opened(path)
    description, _ = subject.checked()
    window = ["+Wi", 1] if 0x00281050 in subject.attributes else ["+Wm"] if description.bits_stored > 8 else []
    output = tmp_path / "picture.ppm"
    how = window if description.samples_per_pixel == 1 else []
    ran = dcmtk.run("dcmj2pnm", "+op", *how, "+F", 1, path, output, folder=tmp_path)
    assert ran.returncode == 0, ran.stdout

    picture = render(subject.frame(1, read_at), RenderParameters(keeps_aspect=False))

    with Image.open(output) as judge:
        expected = np.asarray(judge).astype(int)
    assert picture.shape == expected.shape
    # Rounded here, cut off there; and lossy JPEG is decoded by another library.
    assert np.abs(expected - picture).max() <= 1


@pytest.mark.parametrize("colour", [False, True])
def test_ffmpeg_makes_a_film_that_it_reads_again(colour, tmp_path):
    dcmtk.need("ffmpeg")
    greys = range(0, 250, 25)
    frames = (np.full((31, 45, 3) if colour else (31, 45), grey, np.uint8).tobytes() for grey in greys)
    (tmp_path / "film.mp4").write_bytes(Ffmpeg.found().film(Reel(frames, 45, 31, colour, 12.5)))

    ran = dcmtk.run("ffmpeg", "-i", "film.mp4", "-f", "rawvideo", "-pix_fmt", "gray", "again.raw", folder=tmp_path)

    assert "12.50 fps" in ran.stdout
    # Sides are made even.
    shown = np.frombuffer((tmp_path / "again.raw").read_bytes(), np.uint8).reshape(len(greys), 32, 46)
    assert np.abs(shown[:, 10:20, 10:20].mean(axis=(1, 2)) - list(greys)).max() < 8
