"""Colour profiles, as Little CMS understands them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from calotype.dicom.pixels.images import converted
from calotype.dicom.pixels.profiles import ColourSpace, profile_of

SPACES = [ColourSpace.SRGB, ColourSpace.ADOBE_RGB, ColourSpace.ROMM_RGB, ColourSpace.DISPLAY_P3]


def opened(data):
    return ImageCms.ImageCmsProfile(io.BytesIO(data))


@pytest.mark.parametrize("space", SPACES)
def test_a_profile_is_one(space):
    profile = opened(profile_of(space)).profile

    assert (profile.version, profile.xcolor_space.strip(), profile.connection_space.strip()) == (2.1, "RGB", "XYZ")
    assert profile.is_matrix_shaper
    assert profile.profile_description in {"sRGB IEC61966-2.1", "Adobe RGB (1998)", "ROMM RGB", "Display P3"}


def test_srgb_is_that_of_little_cms():
    ramp = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    theirs = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

    seen = ImageCms.profileToProfile(Image.fromarray(ramp), opened(profile_of(ColourSpace.SRGB)), theirs)

    assert np.abs(np.asarray(seen).astype(int) - ramp).max() <= 1


@pytest.mark.parametrize(
    ("space", "red"),
    [
        # Published conversions of sRGB's red.
        (ColourSpace.ADOBE_RGB, (219, 0, 0)),
        (ColourSpace.DISPLAY_P3, (234, 51, 35)),
        (ColourSpace.ROMM_RGB, (179, 70, 27)),
    ],
)
def test_colours_are_converted_to_what_is_wanted(space, red):
    picture, profile = converted(np.full((2, 2, 3), (255, 0, 0), np.uint8), b"", space)

    assert profile == profile_of(space)
    assert np.abs(picture[0, 0].astype(int) - red).max() <= 2


@pytest.mark.parametrize("space", SPACES)
def test_white_and_grey_stay_so(space):
    greys = np.repeat(np.arange(0, 256, 5, np.uint8)[:, None, None], 3, axis=2)

    picture, _ = converted(greys, b"", space)

    assert (picture.max(axis=2) - picture.min(axis=2)).max() <= 1
    assert picture[-1, 0, 0] == 255
