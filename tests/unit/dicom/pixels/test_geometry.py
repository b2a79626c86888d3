"""What is shown of a frame, how large, and where its points come to lie."""

from __future__ import annotations

import pytest

from calotype.dicom.datasets import Element
from calotype.dicom.pixels.attributes import Attributes, FrameAttributes
from calotype.dicom.pixels.geometry import Region, Turn, aspect_of, view_of
from calotype.errors import InvalidRequest


@pytest.mark.parametrize(
    ("how", "size"),
    [
        ({}, (200, 100)),
        ({"fit": (50, 50)}, (50, 25)),
        ({"fit": (400, 400)}, (400, 200)),
        ({"aspect": 2.0}, (200, 200)),
        ({"aspect": 0.5}, (400, 100)),
        ({"aspect": 2.0, "fit": (50, 100)}, (50, 50)),
        ({"turn": Turn(90)}, (100, 200)),
        ({"turn": Turn(90), "fit": (50, 50)}, (25, 50)),
        ({"area": Region(10, 20, 30, 25)}, (20, 5)),
        ({"area": Region(-10, -20, 210, 120)}, (220, 140)),
        ({"area": Region(10.2, 20.7, 10.4, 20.9)}, (1, 1)),
    ],
)
def test_a_picture_has_the_shape_of_what_it_shows(how, size):
    assert view_of(100, 200, **how).size == size


def test_pictures_without_a_viewport_have_an_end():
    assert max(view_of(60000, 60000, aspect=16.0).size) == 16384


@pytest.mark.parametrize("fit", [(0, 5), (5, 20000), (-1, 5)])
def test_absurd_viewports_are_refused(fit):
    with pytest.raises(InvalidRequest, match="viewport"):
        view_of(10, 10, fit=fit)


@pytest.mark.parametrize(
    ("turn", "corner"),
    [
        (Turn(), (10, 5)),
        (Turn(90), (95, 10)),
        (Turn(180), (190, 95)),
        (Turn(270), (5, 190)),
        (Turn(0, flip_horizontal=True), (190, 5)),
        (Turn(0, flip_vertical=True), (10, 95)),
        (Turn(90, flip_horizontal=True), (5, 10)),
    ],
)
def test_points_go_where_pixels_go(turn, corner):
    assert view_of(100, 200, turn=turn).to_picture(10, 5) == corner


def test_points_are_scaled_and_shifted():
    view = view_of(100, 200, area=Region(100, 50, 200, 100), fit=(50, 50))

    assert view.to_picture(150, 75) == (25, 12.5)
    assert view.scale == 0.5
    assert view_of(100, 200, fit=(10, 10)).stride == 10


@pytest.mark.parametrize(
    ("region", "found"),
    [
        (Region(0.25, 0.5, 0.75, 1, is_relative=True), (50, 50, 150, 100)),
        (Region(-5, -5, 1000, 1000), (0, 0, 200, 100)),
        (Region(10, 20, 30, 40), (10, 20, 30, 40)),
    ],
)
def test_a_region_is_cut_at_the_edges(region, found):
    inside = region.within(100, 200)

    assert (inside.left, inside.top, inside.right, inside.bottom) == found


def test_regions_of_nothing_are_refused():
    with pytest.raises(InvalidRequest, match="outside"):
        Region(200, 0, 300, 10).within(100, 200)
    with pytest.raises(InvalidRequest, match="shows nothing"):
        Region(5, 0, 5, 10)


def ds(tag, text):
    return Element(tag, "DS", text)


@pytest.mark.parametrize(
    ("elements", "aspect"),
    [
        ([], 1.0),
        ([ds(0x00280030, b"1.0\\0.5")], 2.0),
        ([ds(0x00280034, b"3\\4")], 0.75),
        ([ds(0x00280030, b"0.5\\0.5"), ds(0x00280034, b"3\\4")], 1.0),
        ([ds(0x00181164, b"0.1\\0.2")], 0.5),
        ([ds(0x00280030, b"0.5001\\0.5")], 1.0),
        ([ds(0x00280030, b"1\\0")], 1.0),
        ([ds(0x00280030, b"1000\\1")], 1.0),
        ([ds(0x00280030, b"1")], 1.0),
        ([Element(0x00280034, "IS", b"a\\b")], 1.0),
    ],
)
def test_the_aspect_of_a_pixel_is_read_where_it_makes_sense(elements, aspect):
    assert aspect_of(FrameAttributes(Attributes(elements))) == aspect


def test_a_frames_own_spacing_counts():
    measures = Element(0x00289110, "SQ", ((ds(0x00280030, b"2\\1"),),))

    assert aspect_of(FrameAttributes(Attributes([ds(0x00280030, b"1\\1")]), [Attributes([measures])])) == 2.0
