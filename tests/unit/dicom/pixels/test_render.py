"""Whole pictures: overlays, shutters, presentation states, padding, regions, turns; and every file of pydicom's."""

from __future__ import annotations

import random
from contextlib import suppress

import numpy as np
import pytest

from calotype.dicom.datasets import decode
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta
from calotype.dicom.pixels.annotations import rgb_of_lab
from calotype.dicom.pixels.attributes import Attributes, FrameAttributes
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.geometry import Region, Turn
from calotype.dicom.pixels.luts import VoiFunction, Window
from calotype.dicom.pixels.pictograms import label_of, pictogram
from calotype.dicom.pixels.presentation import Presentation
from calotype.dicom.pixels.render import Frame, RenderParameters, render
from calotype.dicom.pixels.subject import read_subject
from calotype.dicom.uids import ENCAPSULATED_PDF_STORAGE
from calotype.errors import CalotypeError, DamagedPixels, NotFound, Unsupported
from support import bundled, samples

IMAGE = "1.2.3.4"
EIGHT = PixelDescription(8, 10, 1, 8, 8, 7)


def element(tag, vr, value):
    return decode(samples.encode([(tag, vr, value)]), UID(samples.EXPLICIT))[0]


def frame(values=None, rows=(), description=EIGHT, **how):
    if values is None:
        values = np.arange(80, dtype=np.uint8).reshape(8, 10)
    elements = [element(*row) for row in [(0x00080018, "UI", IMAGE), *rows]]
    return Frame(values, description, FrameAttributes(Attributes(elements)), **how)


def overlay(mask, *, group=0x6000, origin=(1, 1), frames=None, frame_origin=1):
    rows, columns = mask.shape[-2:]
    found = [
        (group << 16 | 0x10, "US", rows), (group << 16 | 0x11, "US", columns), (group << 16 | 0x40, "CS", "G"),
        (group << 16 | 0x50, "SS", origin), (group << 16 | 0x100, "US", 1), (group << 16 | 0x102, "US", 0),
        (group << 16 | 0x3000, "OW", np.packbits(mask.reshape(-1), bitorder="little").tobytes()),
    ]  # fmt: skip
    if frames:
        found += [(group << 16 | 0x15, "IS", str(frames)), (group << 16 | 0x51, "US", frame_origin)]
    return sorted(found)


PLAIN = np.arange(80, dtype=np.uint8).reshape(8, 10)
CROSS = np.zeros((3, 3), bool)
CROSS[1] = CROSS[:, 1] = True


def test_pixels_of_8_bits_are_shown_as_they_are():
    assert np.array_equal(render(frame()), PLAIN)


def test_monochrome1_is_shown_the_other_way_round():
    one = PixelDescription(8, 10, 1, 8, 8, 7, photometric_interpretation="MONOCHROME1")

    assert np.array_equal(render(frame(description=one)), 255 - PLAIN)


@pytest.mark.parametrize(
    ("origin", "where", "part"),
    [
        ((2, 3), (slice(1, 4), slice(2, 5)), (slice(0, 3), slice(0, 3))),
        ((0, 0), (slice(0, 2), slice(0, 2)), (slice(1, 3), slice(1, 3))),
        ((7, 9), (slice(6, 8), slice(8, 10)), (slice(0, 2), slice(0, 2))),
        ((50, 50), (slice(0, 0), slice(0, 0)), (slice(0, 0), slice(0, 0))),
        ((-50, -50), (slice(0, 0), slice(0, 0)), (slice(0, 0), slice(0, 0))),
    ],
)
def test_an_overlay_lies_where_its_origin_says(origin, where, part):
    expected = PLAIN.copy()
    expected[where][CROSS[part]] = 255

    assert np.array_equal(render(frame(rows=overlay(CROSS, origin=origin))), expected)


def test_overlays_may_be_left_out():
    assert np.array_equal(render(frame(rows=overlay(CROSS)), RenderParameters(has_overlays=False)), PLAIN)


@pytest.mark.parametrize(("number", "shown"), [(1, None), (2, 0), (3, 1), (4, None)])
def test_an_overlay_of_several_frames_lies_over_its_own(number, shown):
    masks = np.zeros((2, 3, 3), bool)
    masks[0, 0, 0] = masks[1, 2, 2] = True
    expected = PLAIN.copy()
    if shown is not None:
        expected[:3, :3][masks[shown]] = 255

    seen = render(frame(rows=overlay(masks, frames=2, frame_origin=2), number=number))

    assert np.array_equal(seen, expected)


def test_an_overlay_in_spare_bits_is_found():
    twelve = PixelDescription(8, 10, 1, 16, 12, 11)
    values = np.zeros((8, 10), "<u2")
    cells = values.copy()
    cells[3, 4] = 1 << 13
    rows = [(0x60000010, "US", 8), (0x60000011, "US", 10), (0x60000100, "US", 16), (0x60000102, "US", 13)]

    seen = render(frame(values, rows, twelve, cells=cells.tobytes()), RenderParameters(window=Window(2000, 4000)))

    assert np.argwhere(seen == 255).tolist() == [[3, 4]]


@pytest.mark.parametrize("data", [b"", b"\1"])
def test_an_overlay_that_is_cut_off_covers_nothing(data):
    rows = [(tag, vr, data if tag == 0x60003000 else value) for tag, vr, value in overlay(np.ones((5, 5), bool))]

    assert np.array_equal(render(frame(rows=rows)), PLAIN)


SHUTTERS = {
    "RECTANGULAR": [
        (0x00181602, "IS", "3"),
        (0x00181604, "IS", "5"),
        (0x00181606, "IS", "2"),
        (0x00181608, "IS", "4"),
    ],
    "CIRCULAR": [(0x00181610, "IS", "4\\5"), (0x00181612, "IS", "2")],
    "POLYGONAL": [(0x00181620, "IS", "2\\2\\2\\8\\7\\8")],
}


@pytest.mark.parametrize(
    ("shape", "inside"),
    [
        ("RECTANGULAR", lambda row, column: 2 <= row <= 4 and 3 <= column <= 5),
        ("CIRCULAR", lambda row, column: (row - 4) ** 2 + (column - 5) ** 2 <= 4),
        ("POLYGONAL", lambda row, column: 2 <= row < 7 and column < 8 and (column - 2) * 5 >= (row - 2) * 6),
    ],
)
def test_a_shutter_hides_what_is_outside(shape, inside):
    white = np.full((8, 10), 200, np.uint8)
    rows = [(0x00181600, "CS", shape), *SHUTTERS[shape], (0x00181622, "US", 100 << 8)]
    expected = [[200 if inside(row, column) else 100 for column in range(1, 11)] for row in range(1, 9)]

    seen = render(frame(white, rows))

    assert seen.tolist() == expected


def test_several_shutters_hide_together_and_incomplete_ones_nothing():
    white = np.full((8, 10), 200, np.uint8)
    both = [(0x00181600, "CS", "RECTANGULAR\\CIRCULAR"), *SHUTTERS["RECTANGULAR"], *SHUTTERS["CIRCULAR"]]

    assert (render(frame(white, both)) == 200).sum() == 6
    assert (render(frame(white, [(0x00181600, "CS", "RECTANGULAR\\CIRCULAR\\POLYGONAL")])) == 200).all()


def test_regions_and_viewports_cut_and_scale():
    big = PixelDescription(400, 600, 1, 8, 8, 7)
    values = np.zeros((400, 600), np.uint8)
    values[100:300, 150:450] = 200

    part = render(frame(values, description=big), RenderParameters(region=Region(150, 100, 450, 300)))
    small = render(frame(values, description=big), RenderParameters(fit=(60, 60)))
    quarter = RenderParameters(region=Region(0, 0, 0.5, 0.5, is_relative=True), fit=(60, 60))

    assert part.shape == (200, 300)
    assert part.min() == 200
    assert small.shape == (40, 60)
    assert np.array_equal(small[12:28, 17:43], np.full((16, 26), 200))
    assert render(frame(values, description=big), quarter)[30:, 40:].min() == 200


def test_without_a_window_a_part_looks_as_it_does_in_the_whole():
    sixteen = PixelDescription(4, 4, 1, 16, 16, 15)
    values = np.array([[0, 1000], [2000, 4000]], np.uint16).repeat(2, 0).repeat(2, 1)
    whole = render(frame(values, description=sixteen))

    part = render(frame(values, description=sixteen), RenderParameters(region=Region(0, 0, 4, 2)))

    assert np.array_equal(part, whole[:2])


def test_pixels_that_are_not_square_are_shown_as_they_are():
    assert render(frame(rows=[(0x00280030, "DS", "2\\1")])).shape == (16, 10)
    assert render(frame(rows=[(0x00280030, "DS", "2\\1")]), RenderParameters(keeps_aspect=False)).shape == (8, 10)


def test_a_frame_decoded_at_less_than_its_size_gives_the_same_picture():
    big = PixelDescription(401, 602, 1, 8, 8, 7)
    values = np.add.outer(np.arange(401) // 4, np.arange(602) // 4).astype(np.uint8)
    parameters = RenderParameters(fit=(75, 75), region=Region(100, 40, 602, 401))

    whole = render(frame(values, description=big), parameters)
    reduced = render(frame(values[2::4, 2::4][:101], description=big, reduced=2), parameters)

    assert whole.shape == reduced.shape
    assert np.abs(whole.astype(int) - reduced).max() <= 4


def state(*rows, images=IMAGE):
    reference = [(0x00081150, "UI", samples.CT), (0x00081155, "UI", images)]
    series = [(0x00081115, "SQ", [[(0x00081140, "SQ", [reference]), (0x0020000E, "UI", "1.2.3")]])]
    return Presentation(Attributes([element(*row) for row in [*series, *rows]]))


def seen(rows, *, values=None, image_rows=(), **how):
    return render(frame(values, image_rows), RenderParameters(presentation=state(*rows), **how))


def test_a_presentation_state_takes_the_place_of_what_the_image_says():
    voi = [(0x00281050, "DS", "40"), (0x00281051, "DS", "20"), (0x00281056, "CS", "LINEAR_EXACT")]
    rows = [(0x00283110, "SQ", [voi]), (0x20500020, "CS", "INVERSE")]
    expected = (1 - Window(40, 20, VoiFunction.LINEAR_EXACT).apply(PLAIN.astype(float))) * 255 + 0.5

    picture = seen(rows, image_rows=[(0x00281050, "DS", "1"), (0x00281051, "DS", "2"), *overlay(CROSS)])

    assert np.array_equal(picture, expected.astype(np.uint8))


def test_a_window_for_another_image_does_not_count():
    other = [(0x00081140, "SQ", [[(0x00081155, "UI", "9.9")]]), (0x00281050, "DS", "40"), (0x00281051, "DS", "2")]

    assert np.array_equal(seen([(0x00283110, "SQ", [other])]), PLAIN)


def test_overlays_are_shown_that_a_presentation_state_activates():
    assert seen([(0x60001001, "CS", "LAYER")], image_rows=overlay(CROSS))[1, 1] == 255
    assert seen([(0x60021001, "CS", "LAYER")], image_rows=overlay(CROSS))[1, 1] == PLAIN[1, 1]


def test_a_displayed_area_may_reach_beyond_the_image():
    area = [(0x00700052, "SL", (-1, 1)), (0x00700053, "SL", (4, 9))]

    picture = seen([(0x0070005A, "SQ", [area])])

    assert picture.shape == (9, 6)
    assert np.array_equal(picture[:8, 2:], PLAIN[:8, :4])
    assert picture[8].max() == picture[:, :2].max() == 0


@pytest.mark.parametrize(
    ("degrees", "flip", "expected"),
    [
        (0, "Y", PLAIN[:, ::-1]),
        (90, "N", np.rot90(PLAIN, -1)),
        (180, "N", PLAIN[::-1, ::-1]),
        (270, "Y", np.rot90(PLAIN, 1)[:, ::-1]),
    ],
)
def test_a_spatial_transformation_turns_and_then_flips(degrees, flip, expected):
    assert np.array_equal(seen([(0x00700042, "US", degrees), (0x00700041, "CS", flip)]), expected)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", ["Y", "N"])
def test_a_region_is_one_of_what_a_presentation_state_shows(degrees, flip):
    area = [(0x00700052, "SL", (1, 3)), (0x00700053, "SL", (8, 6))]
    rows = [(0x0070005A, "SQ", [area]), (0x00700042, "US", degrees), (0x00700041, "CS", flip)]
    shown = seen(rows)
    high, wide = shown.shape

    part = seen(rows, region=Region(0.5, 0, 1, 0.25, is_relative=True))

    assert sorted(shown.shape) == [4, 8]
    assert np.array_equal(part, shown[: high // 4, wide // 2 :])


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        (None, np.kron(PLAIN[2:6, :8], np.ones((3, 3), np.uint8))),
        ((6, 100), np.kron(PLAIN[2:6, 3:5], np.ones((3, 3), np.uint8))),
        ((100, 100), np.kron(PLAIN[2:6, :8], np.ones((3, 3), np.uint8))),
    ],
)
def test_a_displayed_area_may_be_magnified_and_is_then_cut(fit, expected):
    area = [
        (0x00700052, "SL", (1, 3)), (0x00700053, "SL", (8, 6)), (0x00700100, "CS", "MAGNIFY"),
        (0x00700103, "FL", 3.0),
    ]  # fmt: skip

    picture = seen([(0x0070005A, "SQ", [area])], fit=fit)

    assert picture.shape == expected.shape
    # Between pixels it is smooth; in their middles it is what they are.
    assert np.abs(picture[1::3, 1::3].astype(int) - expected[1::3, 1::3]).max() <= 1


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1e9])
def test_an_absurd_magnification_is_passed_over(ratio):
    area = [
        (0x00700052, "SL", (1, 3)), (0x00700053, "SL", (8, 6)), (0x00700100, "CS", "MAGNIFY"),
        (0x00700103, "FL", ratio),
    ]  # fmt: skip

    assert seen([(0x0070005A, "SQ", [area])]).shape == (4, 8)


def test_a_caller_may_flip_what_was_flipped():
    flipped = seen([(0x00700041, "CS", "Y")], turn=Turn(0, flip_horizontal=True, flip_vertical=True))

    assert np.array_equal(flipped, PLAIN[::-1])


def test_a_bitmap_shutter_hides_what_it_covers():
    mask = np.zeros((8, 10), bool)
    mask[:, :5] = True
    rows = [(0x00181600, "CS", "BITMAP"), (0x00181622, "US", 50 << 8), (0x00181623, "US", 0x6000), *overlay(mask)]

    picture = seen(rows)

    assert (picture[:, :5] == 50).all()
    assert np.array_equal(picture[:, 5:], PLAIN[:, 5:])


def drawn(graphics=(), texts=(), layer=(), size=200):
    annotation = [(0x00700002, "CS", "A")]
    if graphics:
        annotation.append((0x00700009, "SQ", graphics))
    if texts:
        annotation.append((0x00700008, "SQ", texts))
    layers = [(0x00700060, "SQ", [[(0x00700002, "CS", "A"), (0x00700062, "IS", "1"), *layer]])]
    presentation = state((0x00700001, "SQ", [sorted(annotation)]), *layers)
    black = PixelDescription(size, size, 1, 8, 8, 7)
    values = np.zeros((size, size), np.uint8)
    return render(frame(values, description=black), RenderParameters(presentation=presentation))


def graphic(kind, points, *, units="PIXEL", filled="N"):
    return [
        (0x00700005, "CS", units), (0x00700020, "US", 2), (0x00700021, "US", len(points) // 2),
        (0x00700022, "FL", points), (0x00700023, "CS", kind), (0x00700024, "CS", filled),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "lit", "dark"),
    [
        (graphic("POLYLINE", (50, 100, 150, 100)), [(100, 60), (100, 140)], [(100, 40), (90, 100)]),
        (graphic("POLYLINE", (0.25, 0.5, 0.75, 0.5), units="DISPLAY"), [(100, 60)], [(100, 40)]),
        (graphic("POLYLINE", (50, 50, 150, 50, 150, 150), filled="Y"), [(80, 140)], [(140, 60)]),
        (graphic("CIRCLE", (100, 100, 150, 100)), [(100, 150), (50, 100)], [(100, 100)]),
        (
            graphic("ELLIPSE", (50, 100, 150, 100, 100, 80, 100, 120), filled="Y"),
            [(100, 60), (115, 100)],
            [(130, 100)],
        ),
        (graphic("POINT", (100, 60)), [(60, 100)], [(60, 110)]),
        (graphic("INTERPOLATED", (50, 100, 100, 60, 150, 100)), [(60, 100), (100, 50)], [(100, 100)]),
    ],
)
def test_graphics_are_drawn_where_they_belong(what, lit, dark):
    picture = drawn([what])

    assert [int(picture[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].max()) for y, x in lit] == [255] * len(lit)
    assert [int(picture[y, x]) for y, x in dark] == [0] * len(dark)


@pytest.mark.parametrize(
    "broken", [graphic("CIRCLE", (1, 1)), graphic("NONSENSE", (1, 1, 2, 2)), graphic("ELLIPSE", (1, 1, 2, 2))]
)
def test_graphics_that_make_no_sense_are_left_out(broken):
    assert drawn([broken]).max() == 0


def test_text_is_written_into_its_box_and_layers_have_their_grey():
    box = [
        (0x00700003, "CS", "PIXEL"), (0x00700006, "ST", "Befund 肝"), (0x00700010, "FL", (100, 100)),
        (0x00700011, "FL", (190, 120)), (0x00700012, "CS", "LEFT"),
    ]  # fmt: skip

    picture = drawn(texts=[box], layer=[(0x00700066, "US", 30000)])

    assert 90 < picture[95:130, 100:190].max() <= 30000 >> 8
    assert picture[:90].max() == picture[140:].max() == 0


def test_coloured_layers_make_a_coloured_picture():
    red = (35_000, 50_000, 45_000)

    picture = drawn([graphic("POLYLINE", (50, 100, 150, 100))], layer=[(0x00700401, "US", red)])

    assert picture.shape == (200, 200, 3)
    r, g, b = (int(each) for each in picture[99:102, 100].max(axis=0))
    assert r > g + 50
    assert r > b + 50


@pytest.mark.parametrize(("lab", "rgb"), [((65535, 32896, 32896), (255, 255, 255)), ((0, 32896, 32896), (0, 0, 0))])
def test_the_ends_of_cielab_are_white_and_black(lab, rgb):
    assert rgb_of_lab(lab) == pytest.approx(rgb, abs=2)


def test_a_presentation_state_knows_its_images():
    [reference] = state().references

    assert (reference.series, reference.instance) == ("1.2.3", IMAGE)


@pytest.mark.parametrize(("width", "height"), [(256, 256), (64, 128), (1, 1), (2000, 100)])
def test_pictograms_have_the_size_asked_for(width, height):
    picture = pictogram("RT\nPLAN", width, height)

    assert picture.shape == (height, width)
    assert picture.dtype == np.uint8


def test_kinds_have_their_letters():
    assert label_of(ENCAPSULATED_PDF_STORAGE) == "PDF"
    assert label_of(UID(samples.BASIC_TEXT_SR)) == "SR"
    assert label_of(UID("1.9.9"), "X<Y>") == "XY"
    assert label_of(UID("1.9.9")) == "?"


DAMAGED = "JPEG2000-embedded-sequence-delimiter.dcm"


def opened(path):
    content = memoryview(path.read_bytes())
    meta = read_file_meta(content)
    return read_subject(content[meta.data_offset :], meta.transfer_syntax)


@pytest.mark.parametrize(
    "each", [each for each in bundled.objects() if each.path.name != DAMAGED], ids=lambda each: each.path.name
)
def test_every_bundled_object_is_shown(each):
    subject, read_at = opened(each.path)
    for number in {min(1, subject.number_of_frames), subject.number_of_frames} - {0}:
        picture = render(subject.frame(number, read_at), RenderParameters(fit=(128, 128)))
        assert max(picture.shape[:2]) == 128
        assert picture.dtype == np.uint8
    with pytest.raises((NotFound, Unsupported)):
        subject.frame(subject.number_of_frames + 1, read_at)


def test_a_codestream_that_contradicts_its_header_is_damaged():
    subject, read_at = opened(bundled.named(DAMAGED).path)

    with pytest.raises(DamagedPixels):
        subject.frame(1, read_at)


MUTATED = ("examples_overlay.dcm", "examples_palette.dcm", "CT_small.dcm", "rtdose.dcm", "SC_rgb_rle_2frame.dcm")


@pytest.mark.parametrize("name", MUTATED)
def test_damaged_headers_are_shown_or_refused_and_nothing_else(name):
    source = bundled.named(name)
    chance = random.Random(7)
    for _ in range(400):
        data = bytearray(source.data_set)
        for _ in range(chance.choice((1, 2, 20))):
            data[chance.randrange(min(len(data), 6000))] = chance.choice((0, 1, 255, chance.randrange(256)))
        with suppress(CalotypeError):
            subject, read_at = read_subject(memoryview(bytes(data)), UID(source.transfer_syntax))
            if subject.number_of_frames:
                how = RenderParameters(fit=(32, 32), presentation=Presentation(subject.attributes))
                assert max(render(subject.frame(1, read_at), how).shape[:2]) == 32
