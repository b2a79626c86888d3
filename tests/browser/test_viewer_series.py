"""What series may hold beside slices, and two of them side by side: a map, a video, a report, slices that cross."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from support import films, samples
from support.browsing import eventually, store
from support.viewing import Phantom, Viewer, grey_at, grey_of, picture

PHANTOM = Phantom(series=6)
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
SIZE = PHANTOM.size
LINE = """
(pane) => {
  const { width, height } = pane.querySelector("canvas").getBoundingClientRect();
  return [width, height, Number(pane.querySelector("svg line")?.getAttribute("y1"))];
}
"""
"""How large the picture of a pane is, and at which height the first line over it begins."""


def _series(number, name):
    return {
        "study_uid": PHANTOM.study_uid,
        "series_uid": samples.uid(77, 6, number),
        "patient_name": "Phantom^Series",
        "patient_id": "SERIES",
        "changes": {0x0008103E: ("LO", name), 0x00200011: ("IS", str(number))},
    }


def _changed(how, changes):
    return {**how, "changes": how["changes"] | changes}


def _across():
    """Yield slices that cross those of the phantom: rows go down along the patient, columns to the back."""
    for x in range(3):
        how = _changed(
            _series(2, "Across"),
            {
                0x00200032: ("DS", f"{x + 14}\\0\\{SIZE}"),
                0x00200037: ("DS", "0\\1\\0\\0\\0\\-1"),
                0x00280030: ("DS", "1\\1"),
                0x7FE00010: ("OW", np.full((SIZE, SIZE), 1064, "<i2").tobytes()),
            },
        )
        yield samples.part10(samples.ct(SIZE, SIZE, x, sop_uid=samples.uid(77, 6, 2, x + 1), **how))


def _map():
    """Return a ramp of floating point from nought to one, both of which are there, under a window that is LINEAR."""
    voi = [(0x00281050, "DS", "0.5"), (0x00281051, "DS", "1"), (0x00281056, "CS", "LINEAR")]
    image = {
        0x00200020: ("CS", "P\\FR"),
        0x00280002: ("US", 1),
        0x00280004: ("CS", "MONOCHROME2"),
        0x00280010: ("US", SIZE),
        0x00280011: ("US", SIZE),
        0x00280100: ("US", 32),
        0x52009229: ("SQ", [[(0x00289132, "SQ", [voi])]]),
        0x7FE00008: ("OF", np.tile(np.linspace(0, 1, SIZE, dtype="<f4"), SIZE).tobytes()),
    }
    how = _changed(_series(3, "Map"), image)
    return samples.part10(samples.small(PARAMETRIC_MAP, "MR", 3, sop_uid=samples.uid(77, 6, 3, 1), **how))


@pytest.fixture
def viewer(site, server):
    """The viewer with a study of many kinds."""
    common = {key: value for key, value in _series(1, "").items() if key.startswith("patient")}
    slices = PHANTOM.files(**common, changes={0x0008103E: ("LO", "Along"), 0x00200011: ("IS", "1")})
    report = samples.structured_report(5, sop_uid=samples.uid(77, 6, 5, 1), **_series(5, "Report"))
    store(
        server,
        *slices,
        *_across(),
        _map(),
        films.video(seed=4, sop_uid=samples.uid(77, 6, 4, 1), **_series(4, "Video")),
        samples.part10(report),
        films.video(
            films.BARE_MPEG2, films.MPEG2, seed=7, sop_uid=samples.uid(77, 6, 7, 1), **_series(7, "Old video")
        ),
    )
    site.slip_in()
    opened = Viewer(site.open(f"viewer/{PHANTOM.study_uid}"))
    opened.wait()
    return opened


def choose(page, name):
    """Show a series in the active pane."""
    page.get_by_role("navigation", name="Series").get_by_role("button").filter(has_text=name).first.click()


def test_two_series_go_together(viewer):
    page = viewer.page
    viewer.choose_layout("Two, side by side")
    along, other = page.locator("main > section").all()
    expect(other).to_have_accessible_name("Picture 2: Across")

    def assert_line(number):
        """Assert that the line lies where the slice cuts the others: their rows count from its far end."""
        # As it is at one moment: it is taken away and drawn anew.
        width, height, drawn = other.evaluate(LINE)
        row = (SIZE - number + 0.5) / SIZE
        assert drawn == pytest.approx(height / 2 + (row - 0.5) * min(width, height), abs=3)

    count = along.locator("[data-corner=bottom-left]")
    eventually(page, lambda: assert_line(16))
    along.hover()
    for _ in range(4):
        page.mouse.wheel(0, 100)
    expect(count).to_contain_text(f"20 / {SIZE}")
    eventually(page, lambda: assert_line(20))
    # The same series beside itself, from another slice on.
    page.keyboard.press("q")
    expect(other).to_have_attribute("data-active", "true")
    choose(page, "Along")
    followed = other.locator("[data-corner=bottom-left]")
    expect(followed).to_contain_text(f"16 / {SIZE}")
    page.keyboard.press("g")
    page.keyboard.press("ArrowDown")
    for each in (count, followed):
        expect(each).to_contain_text(f"17 / {SIZE}")
    along.hover()
    page.mouse.wheel(0, -100)
    for each in (count, followed):
        expect(each).to_contain_text(f"16 / {SIZE}")


def test_a_report_is_chosen_as_pictures_are(viewer):
    page = viewer.page
    viewer.choose_layout("Two, side by side")
    pictures, report = page.locator("main > section").all()
    page.keyboard.press("q")
    choose(page, "Report")
    expect(report.frame_locator("iframe").get_by_role("heading", name="Imaging Measurement Report")).to_be_visible()
    save = page.get_by_role("button", name="Save as picture")
    expect(save).to_be_disabled()
    expect(save).to_have_accessible_description(re.compile("A report is printed or saved from a window of its own"))
    page.keyboard.press("q")
    expect(save).to_be_enabled()
    expect(pictures).to_have_attribute("data-active", "true")
    box = report.locator("iframe").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(report).to_have_attribute("data-active", "true")
    expect(pictures).to_have_attribute("data-active", "false")
    pictures.focus()
    expect(pictures).to_have_attribute("data-active", "true")


def test_a_map_of_floating_point_is_seen_whole(viewer):
    page = viewer.page
    choose(page, "Map")
    expect(page.locator("[data-window]")).to_have_text("C 0.50 W 1.00")
    # It has no coordinates, and says in letters where its rows and columns go to.
    expect(page.locator("[data-side]")).to_have_text(["A", "HL"])

    def assert_ramp():
        shown = picture(viewer.canvas)
        for x in (0.1, 0.25, 0.5, 0.75, 0.9):
            value = (x * SIZE - 0.5) / (SIZE - 1)
            assert grey_at(shown, x, 0.5) == pytest.approx(value * 255, abs=4), x

    eventually(page, assert_ramp)
    viewer.drag((0.5, 0.5), (0.3, 0.5))
    expect(page.locator("[data-window]")).to_contain_text("W 0.")


def test_videos_play_or_say_why_not(viewer):
    page = viewer.page
    choose(page, "Video")
    video = page.locator("main video")
    viewer.wait()
    expect(video).to_have_js_property("videoWidth", 32)
    expect(video).to_have_js_property("paused", True)
    page.keyboard.press(" ")

    def plays():
        assert video.evaluate("video => !video.paused && video.currentTime > 0")

    eventually(page, plays)
    page.keyboard.press("ArrowDown")
    expect(video).to_have_js_property("paused", True)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as picture").click()
    saved = grey_of(download.value.path().read_bytes())
    assert saved.shape == (32, 32)
    assert saved.min() > 250
    choose(page, "Old video")
    told = page.get_by_role("alert")
    expect(told).to_contain_text("MPEG-2, which browsers do not play")
    with page.expect_download() as download:
        told.get_by_role("link", name="Download the video").click()
    assert download.value.path().read_bytes() == films.BARE_MPEG2
    expect(page.get_by_role("button", name="Save as picture")).to_be_disabled()
